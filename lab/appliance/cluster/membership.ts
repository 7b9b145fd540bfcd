/** A node's side of a cluster: it stays connected to its core, and looks for it again after a boot or a lost connection. */

import type { Duplex } from 'node:stream';
import type { PrivateNetwork } from '../../types';
import { BUS_PORT, Link } from './messages';
import type { NodeReport, ToCore, ToNode } from './messages';

/** What it needs to know of its own machine. */
export interface NodeMachine {
  readonly address: string;
  /** MiB. */
  readonly memory: number;
  readonly up: boolean;
  readonly knobs: { readonly release: string; readonly fatalWithoutCore: number };
  report(): NodeReport;
  /** The core has removed this node. */
  detached(): void;
}

/** `unreachable` and `closed`: nothing answers, or nothing listens. */
export type AttachResult =
  | { readonly how: 'attached'; readonly endpoint: string }
  | { readonly how: 'refused'; readonly why: 'version' | 'licence' | 'unknown'; readonly text: string }
  | { readonly how: 'unreachable' | 'closed' };

const RETRY_MS = 200;

export class Membership {
  private core: string | undefined;
  private link: Link<ToCore, ToNode> | undefined;
  private joined = false;
  /** Since when it has been without its core. */
  private lostAt = Infinity;
  /** It was without its core for too long. */
  private failed = false;
  /** Since its last boot it has not seen its core. */
  private awaits = false;
  private timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly machine: NodeMachine,
    private readonly network: PrivateNetwork | undefined,
  ) {}

  /** What keeps its processes from running. */
  get trouble(): 'none' | 'waits' | 'failed' {
    if (this.core === undefined) return 'none';
    this.notice();
    if (this.failed) return 'failed';
    return this.awaits ? 'waits' : 'none';
  }

  get attached(): boolean {
    return this.core !== undefined;
  }

  /** Asks for a connection, and says nothing yet. */
  async reach(core: string): Promise<Duplex | 'unreachable' | 'closed'> {
    const arrival = (await this.network?.open(core, BUS_PORT)) ?? 'dropped';
    if (arrival === 'dropped') return 'unreachable';
    return arrival === 'refused' ? 'closed' : arrival;
  }

  async attach(stream: Duplex, core: string, roles: readonly string[], force: boolean): Promise<AttachResult> {
    this.leave();
    const { address, memory, knobs } = this.machine;
    const answer = await this.talk(stream, {
      say: 'attach',
      ip: address,
      release: knobs.release,
      roles,
      memory,
      force,
    });
    if (answer?.say === 'refused') return { how: 'refused', why: answer.why, text: answer.text };
    if (answer?.say !== 'welcome') return { how: 'unreachable' };
    this.core = core;
    this.failed = false;
    return { how: 'attached', endpoint: answer.endpoint };
  }

  /** Its processes start anew. */
  restarted(): void {
    this.failed = false;
    if (!this.joined) this.lostAt = Date.now();
  }

  booted(): void {
    if (this.core === undefined) return;
    this.failed = false;
    this.awaits = true;
    this.lostAt = Date.now();
    this.later();
  }

  wentDown(): void {
    clearTimeout(this.timer);
    this.drop();
  }

  leave(): void {
    this.link?.tell({ say: 'leave' });
    this.forget();
  }

  private forget(): void {
    clearTimeout(this.timer);
    this.core = undefined;
    this.drop();
  }

  private drop(): void {
    const { link } = this;
    this.link = undefined;
    this.joined = false;
    link?.close();
  }

  private notice(): void {
    if (!this.joined && Date.now() >= this.lostAt + this.machine.knobs.fatalWithoutCore) this.failed = true;
  }

  private later(): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => void this.tryAgain(), RETRY_MS).unref();
  }

  private async tryAgain(): Promise<void> {
    const { core, machine } = this;
    if (core === undefined || this.joined) return;
    const stream = machine.up ? await this.reach(core) : 'closed';
    if (this.core !== core) return void (typeof stream === 'string' || stream.destroy());
    const answer =
      typeof stream === 'string' ? undefined : await this.talk(stream, { say: 'back', ip: machine.address });
    if (answer?.say === 'refused') {
      this.forget();
      machine.detached();
    } else if (answer?.say !== 'welcome') this.later();
  }

  /** The first answer; undefined if the connection closes before. */
  private talk(stream: Duplex, first: ToCore): Promise<ToNode | undefined> {
    return new Promise((done) => {
      const link = new Link<ToCore, ToNode>(
        stream,
        (message) => this.hear(link, message, done),
        () => {
          done(undefined);
          if (this.link === link) this.lost();
        },
      );
      link.tell(first);
    });
  }

  private hear(link: Link<ToCore, ToNode>, message: ToNode, first: (message: ToNode) => void): void {
    if (message.say === 'report?')
      return link.tell({ say: 'report', number: message.number, report: this.machine.report() });
    if (message.say === 'removed') {
      this.forget();
      return this.machine.detached();
    }
    if (message.say === 'welcome') {
      this.notice();
      this.link = link;
      this.joined = true;
      this.awaits = false;
    } else link.close();
    first(message);
  }

  private lost(): void {
    this.link = undefined;
    this.joined = false;
    this.lostAt = Date.now();
    this.later();
  }
}
