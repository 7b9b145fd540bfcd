/** The machines behind the instances. A machine is created by the launch and ends with its instance. */

import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import pLimit from 'p-limit';
import type { Knobs } from '../knobs';
import type { ApplianceOptions, Arrival, Host, LabVolume, NodeImage, Rule } from '../types';
import type { InstanceRecord } from './records';

/** Shortest times as `pending` and `shutting-down`, and how long a terminated instance stays listed. */
const MIN_PENDING_MS = 300;
const MIN_SHUTTING_DOWN_MS = 300;
const LISTED_MS = 60 * 60_000;

export interface MachineOptions {
  readonly dir: string;
  readonly ports: ApplianceOptions['ports'];
  readonly create: (options: ApplianceOptions) => Promise<Host>;
  /** Whether machines boot the published images. */
  readonly bootsImages: boolean;
  /** Knobs of a machine in these security groups, which is the n-th launched in the first of them. */
  readonly knobsFor: (groups: readonly string[], nth: number) => Knobs;
  /** Shortest time as `shutting-down`, ms; absent: 300. */
  readonly shuttingDownFor?: number;
  /** Called when an instance has let go of its volumes. */
  readonly released: (instanceId: string) => void;
  /** A connection from an instance to a private address. */
  readonly route: (instanceId: string, ip: string, port: number) => Promise<Arrival>;
}

export interface Launch {
  /** MiB. */
  readonly memory: number;
  readonly rules: readonly Rule[];
  readonly userData: Buffer | undefined;
  readonly zone: string;
  /** GiB; see ApplianceOptions. */
  readonly ephemeral: number;
  /** Resolves when the image is unbundled, rejects if that fails. */
  readonly image: Promise<NodeImage | undefined>;
}

export class Machine {
  host: Host | undefined;
  state: 'pending' | 'running' | 'shutting-down' | 'terminated' = 'pending';
  /** Why the instance ended without being terminated. */
  reason = '';
  private goneAt: number | undefined;
  /** Console output when it was last read. */
  private printed = '';
  private readonly queue = pLimit(1);
  readonly zone: string;
  private readonly shuttingDownFor: number;
  private readonly released: () => void;

  constructor(
    readonly groups: readonly string[],
    { rules, image, zone }: Launch,
    { create, released, shuttingDownFor = MIN_SHUTTING_DOWN_MS }: MachineOptions,
    options: ApplianceOptions,
  ) {
    this.shuttingDownFor = shuttingDownFor;
    this.zone = zone;
    this.released = () => released(options.instanceId);
    void this.queue(() => this.boot(image, create, options));
    void this.setRules(rules).catch((error: unknown) => this.end(`Server.InternalError: ${String(error)}`));
  }

  get listed(): boolean {
    return this.goneAt === undefined || Date.now() < this.goneAt + LISTED_MS;
  }

  setPublicIp(ip: string | undefined): Promise<void> {
    return this.whenCreated((host) => host.setPublicIp(ip));
  }

  setRules(rules: readonly Rule[]): Promise<void> {
    return this.whenCreated((host) => host.setRules(rules));
  }

  attachVolume(volume: LabVolume, device: string): Promise<void> {
    return this.whenCreated((host) => host.attachVolume(volume, device));
  }

  detachVolume(id: string): Promise<void> {
    return this.whenCreated((host) => host.detachVolume(id));
  }

  /** Console output; of an instance that does not run, as it was last read. */
  consoleOutput(): string {
    if (this.state === 'running') this.printed = this.host?.consoleOutput() ?? '';
    return this.printed;
  }

  /** Returns at once, as a cloud does. */
  terminate(): void {
    if (this.state === 'shutting-down' || this.state === 'terminated') return;
    this.consoleOutput();
    this.state = 'shutting-down';
    // unref: the timer must not delay the end of the lab.
    const settled = new Promise((resolve) => setTimeout(resolve, this.shuttingDownFor).unref());
    void this.whenCreated((host) => host.terminate())
      .then(() => settled)
      .then(
        () => this.end(''),
        (error: unknown) => this.end(String(error)),
      );
  }

  /** On Eucalyptus, a second TerminateInstances removes the instance from the list. */
  forget(): void {
    this.goneAt = Date.now() - LISTED_MS;
  }

  ended(): Promise<void> {
    return this.queue(() => Promise.resolve());
  }

  private async boot(
    image: Promise<NodeImage | undefined>,
    create: MachineOptions['create'],
    options: ApplianceOptions,
  ): Promise<void> {
    const settled = new Promise((resolve) => setTimeout(resolve, MIN_PENDING_MS));
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

  private whenCreated(step: (host: Host) => Promise<void>): Promise<void> {
    return this.queue(() => (this.host === undefined ? Promise.resolve() : step(this.host)));
  }

  private end(reason: string): void {
    this.state = 'terminated';
    this.reason = reason;
    this.released();
    this.goneAt = Date.now();
  }
}

export class Machines {
  private readonly byId = new Map<string, Machine>();

  constructor(private readonly options: MachineOptions) {}

  launch(instance: InstanceRecord, boot: Launch): void {
    const groups = instance.groups.map(({ name }) => name);
    const { knobsFor, ports, route } = this.options;
    const dir = join(this.options.dir, instance.id);
    const before = [...this.byId.values()].filter((machine) => machine.groups[0] === groups[0]);
    const options = {
      instanceId: instance.id,
      ...lanOf(groups),
      privateIp: instance.privateIp,
      memory: boot.memory,
      ...(boot.ephemeral > 0 ? { ephemeral: boot.ephemeral } : {}),
      dir,
      knobs: knobsFor(groups, before.length + 1),
      ports,
      network: { open: (ip: string, port: number) => route(instance.id, ip, port) },
      ...(boot.userData === undefined ? {} : { userData: boot.userData }),
    };
    this.byId.set(instance.id, new Machine(groups, boot, this.options, options));
  }

  get(id: string): Machine | undefined {
    return this.byId.get(id);
  }

  ofGroup(name: string): Machine[] {
    return this.launchedIn(name).filter(({ state }) => state !== 'terminated');
  }

  /** With those that are terminated. */
  launchedIn(name: string): Machine[] {
    return [...this.byId.values()].filter(({ groups }) => groups.includes(name));
  }

  /** The ports of an appliance that are in the range. */
  portsIn(from: number, to: number): number[] {
    const { ssh, http, https } = this.options.ports;
    return [ssh, http, https].filter((port) => from === -1 || (port >= from && port <= to));
  }

  async endAll(): Promise<void> {
    const all = [...this.byId.values()];
    for (const machine of all) machine.terminate();
    await Promise.all(all.map((machine) => machine.ended()));
  }
}

/** The core of a cluster and its nodes are in two security groups. */
function lanOf([group]: readonly string[]): Pick<ApplianceOptions, 'lan'> {
  return group === undefined ? {} : { lan: group.replace(/-nodes$/, '') };
}
