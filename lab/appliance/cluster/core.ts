/** The core's side of a cluster: which nodes it has, and how they are. */

import type { Duplex } from 'node:stream';
import { Link } from './messages';
import type { NodeReport, Refusal, ToCore, ToNode } from './messages';

/** What it needs to know of its own machine. */
export interface CoreMachine {
  readonly address: string;
  readonly endpoint: string;
  readonly roles: readonly string[];
  /** MiB. */
  readonly memory: number;
  /** MiB that the cluster may have. */
  readonly licensed: number;
  /** Whether it compares releases. */
  readonly comparesReleases: boolean;
  readonly knobs: { readonly release: string; readonly deathNoticedAfter: number };
}

interface Node {
  roles: readonly string[];
  memory: number;
  link: Link<ToNode, ToCore> | undefined;
  lostAt: number;
  last: NodeReport | undefined;
}

const REPORT_LIMIT_MS = 1_000;

export class Core {
  private readonly nodes = new Map<string, Node>();
  private readonly waiting = new Map<number, (report: NodeReport) => void>();
  private count = 0;

  constructor(private readonly machine: CoreMachine) {}

  accept(stream: Duplex): void {
    let ip = '';
    const link = new Link<ToNode, ToCore>(
      stream,
      (message) => {
        if (message.say === 'report') return this.waiting.get(message.number)?.(message.report);
        if (message.say === 'leave') return void this.nodes.delete(ip);
        ({ ip } = message);
        const refusal = message.say === 'attach' ? this.admit(message) : this.know(ip);
        if (refusal !== undefined) return link.tell({ say: 'refused', ...refusal });
        const node = this.nodes.get(ip);
        if (node !== undefined) node.link = link;
        link.tell({ say: 'welcome', endpoint: this.machine.endpoint });
      },
      () => {
        const node = this.nodes.get(ip);
        if (node?.link !== link) return;
        node.link = undefined;
        node.lostAt = Date.now();
      },
    );
  }

  /** Nodes have time to come back before they count as dead. */
  booted(): void {
    for (const node of this.nodes.values()) node.lostAt = Date.now();
  }

  /** Itself first. */
  list(): { readonly ip: string; readonly roles: readonly string[] }[] {
    const { address, roles } = this.machine;
    return [{ ip: address, roles }, ...[...this.nodes].map(([ip, node]) => ({ ip, roles: node.roles }))];
  }

  /** Of its nodes, by address. What a dead one last said is forgotten once its death is noticed. */
  async reports(): Promise<ReadonlyMap<string, NodeReport>> {
    await Promise.all([...this.nodes.values()].map((node) => this.ask(node)));
    return new Map(
      [...this.nodes].flatMap(([ip, node]) => (node.last === undefined || this.isDead(node) ? [] : [[ip, node.last]])),
    );
  }

  get hasDeadNode(): boolean {
    return [...this.nodes.values()].some((node) => this.isDead(node));
  }

  /** @returns whether it was there, and alive */
  state(ip: string): 'alive' | 'dead' | 'unknown' {
    const node = this.nodes.get(ip);
    if (node === undefined) return 'unknown';
    return node.link === undefined ? 'dead' : 'alive';
  }

  remove(ip: string, skipDetach: boolean): void {
    const node = this.nodes.get(ip);
    this.nodes.delete(ip);
    if (!skipDetach) node?.link?.tell({ say: 'removed' });
  }

  private admit({
    ip,
    release,
    roles,
    memory,
    force,
  }: ToCore & { say: 'attach' }): { why: Refusal; text: string } | undefined {
    const { licensed, comparesReleases, knobs } = this.machine;
    if (comparesReleases && !force && release !== knobs.release)
      return { why: 'version', text: `This node has version ${release}, the core has version ${knobs.release}.` };
    const others = [...this.nodes].filter(([other]) => other !== ip);
    const total = others.reduce((sum, [, node]) => sum + node.memory, this.machine.memory + memory);
    if (total > licensed)
      return { why: 'licence', text: `A license key is needed for a cluster with more than ${licensed} MB of memory.` };
    this.nodes.set(ip, { roles, memory, link: undefined, lostAt: Date.now(), last: undefined });
    return undefined;
  }

  private know(ip: string): { why: Refusal; text: string } | undefined {
    return this.nodes.has(ip) ? undefined : { why: 'unknown', text: `${ip} is not a node of this cluster.` };
  }

  private isDead({ link, lostAt }: Node): boolean {
    return link === undefined && Date.now() >= lostAt + this.machine.knobs.deathNoticedAfter;
  }

  private async ask(node: Node): Promise<void> {
    const { link } = node;
    if (link === undefined) return;
    const number = ++this.count;
    await new Promise<void>((done) => {
      const timer = setTimeout(done, REPORT_LIMIT_MS);
      this.waiting.set(number, (report) => {
        clearTimeout(timer);
        node.last = report;
        node.roles = report.roles;
        done();
      });
      link.tell({ say: 'report?', number });
    });
    this.waiting.delete(number);
  }
}
