/** The machines behind the instances: a host each, made at the launch and ended with the instance. */

import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { Turns } from '../turns';
import type { ApplianceOptions, Host, Knobs, NodeImage, Rule } from '../types';
import type { InstanceRecord } from './records';

/** How long an instance is `pending` and `shutting-down` at least, and how long a terminated one stays listed. */
const PENDING_FOR = 300;
const SHUTTING_DOWN_FOR = 300;
const LISTED_FOR = 60 * 60_000;

export interface MachineOptions {
  readonly dir: string;
  readonly ports: ApplianceOptions['ports'];
  readonly create: (options: ApplianceOptions) => Promise<Host>;
  /** Whether a machine boots what its image holds. */
  readonly bootsImages: boolean;
  /** Knobs for a machine of these security groups. */
  readonly knobsFor: (groups: readonly string[]) => Knobs;
  /** Milliseconds, at least; absent: 300. */
  readonly shuttingDownFor?: number;
}

export interface Boot {
  /** MiB. */
  readonly memory: number;
  readonly rules: readonly Rule[];
  /** When the node has the image; rejects where it can make nothing of it. */
  readonly image: Promise<NodeImage | undefined>;
}

export class Machine {
  host: Host | undefined;
  state: 'pending' | 'running' | 'shutting-down' | 'terminated' = 'pending';
  /** Why it ended by itself. */
  reason = '';
  private goneAt: number | undefined;
  /** Of its console, when it was last looked at. */
  private printed = '';
  private readonly turns = new Turns();
  private readonly shuttingDownFor: number;

  constructor(
    readonly groups: readonly string[],
    { rules, image }: Boot,
    { create, shuttingDownFor = SHUTTING_DOWN_FOR }: MachineOptions,
    options: ApplianceOptions,
  ) {
    this.shuttingDownFor = shuttingDownFor;
    void this.turns.take(() => this.boot(image, create, options));
    void this.setRules(rules).catch((error: unknown) => this.end(`Server.InternalError: ${String(error)}`));
  }

  get listed(): boolean {
    return this.goneAt === undefined || Date.now() < this.goneAt + LISTED_FOR;
  }

  setPublicIp(ip: string | undefined): Promise<void> {
    return this.next((host) => host.setPublicIp(ip));
  }

  setRules(rules: readonly Rule[]): Promise<void> {
    return this.next((host) => host.setRules(rules));
  }

  /** What its console printed; of one that does not run, what was seen of it before. */
  consoleOutput(): string {
    if (this.state === 'running') this.printed = this.host?.consoleOutput() ?? '';
    return this.printed;
  }

  /** Returns at once, as a cloud does. */
  terminate(): void {
    if (this.state === 'shutting-down' || this.state === 'terminated') return;
    this.consoleOutput();
    this.state = 'shutting-down';
    // A lab that stops does not wait for it.
    const settled = new Promise((resolve) => setTimeout(resolve, this.shuttingDownFor).unref());
    void this.next((host) => host.terminate())
      .then(() => settled)
      .then(
        () => this.end(''),
        (error: unknown) => this.end(String(error)),
      );
  }

  /** A cloud's answer to a second TerminateInstances on Eucalyptus: it forgets the instance. */
  forget(): void {
    this.goneAt = Date.now() - LISTED_FOR;
  }

  ended(): Promise<void> {
    return this.turns.over();
  }

  private async boot(
    image: Promise<NodeImage | undefined>,
    create: MachineOptions['create'],
    options: ApplianceOptions,
  ): Promise<void> {
    const settled = new Promise((resolve) => setTimeout(resolve, PENDING_FOR));
    try {
      const found = await image;
      mkdirSync(options.dir, { recursive: true });
      this.host = await create({ ...options, ...(found === undefined ? {} : { image: found }) });
      await settled;
      if (this.state === 'pending') this.state = 'running';
    } catch (error) {
      this.end(`Server.InternalError: ${String(error)}`);
    }
  }

  private next(step: (host: Host) => Promise<void>): Promise<void> {
    return this.turns.take(() => (this.host === undefined ? Promise.resolve() : step(this.host)));
  }

  private end(reason: string): void {
    this.state = 'terminated';
    this.reason = reason;
    this.goneAt = Date.now();
  }
}

export class Machines {
  private readonly byId = new Map<string, Machine>();

  constructor(private readonly options: MachineOptions) {}

  launch(instance: InstanceRecord, boot: Boot): void {
    const groups = instance.groups.map(({ name }) => name);
    const { knobsFor, ports } = this.options;
    const dir = join(this.options.dir, instance.id);
    const options = {
      instanceId: instance.id,
      privateIp: instance.privateIp,
      memory: boot.memory,
      dir,
      knobs: knobsFor(groups),
      ports,
    };
    this.byId.set(instance.id, new Machine(groups, boot, this.options, options));
  }

  get(id: string): Machine | undefined {
    return this.byId.get(id);
  }

  ofGroup(name: string): Machine[] {
    return [...this.byId.values()].filter(({ groups, state }) => groups.includes(name) && state !== 'terminated');
  }

  /** Which ports of an appliance a range of ports opens. */
  openedBy(from: number, to: number): number[] {
    const { ssh, http, https } = this.options.ports;
    return [ssh, http, https].filter((port) => from === -1 || (port >= from && port <= to));
  }

  async endAll(): Promise<void> {
    const all = [...this.byId.values()];
    for (const machine of all) machine.terminate();
    await Promise.all(all.map((machine) => machine.ended()));
  }
}
