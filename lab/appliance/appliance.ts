/** The life of a simulated machine: it boots, goes down, comes back with a new boot id, and is terminated. */

import pLimit from 'p-limit';
import type { Knobs } from '../knobs';
import type { Appliance, ApplianceOptions, Arrival, Invocation, LabVolume, ListedMachine, Rule } from '../types';
import { BUS_PORT } from './cluster/messages';
import { FirstBoot } from './cloud-init/first-boot';
import { connectedPair } from './connected-pair';
import type { Incoming } from './connected-pair';
import { Disks } from './disks';
import { GuestRpc, sleep } from './guest-rpc';
import type { GuestReply } from './guest-rpc';
import { newBootId, writeHosts, writeName } from './identity';
import { kato } from './kato';
import { Listeners } from './listeners';
import { MachineFiles } from './machine-files';
import { bringUp, clearRun, makeNetworkFiles, dhcpNetwork } from './network';
import { endProcesses } from './processes';
import { pathRewriter } from './rewrite-paths';
import { SerialConsole } from './serial-console';
import { shellOf } from './shell';
import { Sshd } from './sshd';
import { State } from './state';
import { Sudo } from './sudo';
import { WebConsole } from './web-console';

export class SimulatedAppliance implements Appliance {
  readonly instanceId: string;
  readonly dir: string;
  private readonly files: MachineFiles;
  private readonly state: State;
  private readonly disks: Disks;
  private readonly sudo: Sudo;
  private readonly rpc: GuestRpc;
  private readonly web: WebConsole;
  private readonly sshd: Sshd;
  private readonly listeners: Listeners;
  private readonly serial = new SerialConsole();
  private readonly firstBoot: FirstBoot;
  /** Connections from the private network. */
  private readonly arrived = new Set<Incoming>();
  private ip: string | undefined;
  private rules: readonly Rule[] = [];
  private up = false;
  private goingDown = false;
  private ended = false;
  /** Its invocations, once its files are removed. */
  private record: Invocation[] | undefined;
  private readonly timers = new Set<NodeJS.Timeout>();
  private readonly queue = pLimit(1);

  /**
   * Returns at once; the machine boots in the background. `hostPath`: the host's PATH, for sh, script, flock, stty and
   * others.
   */
  static async create(options: ApplianceOptions, hostPath: string): Promise<SimulatedAppliance> {
    const appliance = new SimulatedAppliance(options, hostPath);
    await writeName(appliance.state);
    appliance.after(options.knobs.bootDelay, () => appliance.boot());
    return appliance;
  }

  private constructor(
    private readonly options: ApplianceOptions,
    hostPath: string,
  ) {
    ({ instanceId: this.instanceId, dir: this.dir } = options);
    this.files = new MachineFiles(options.dir);
    this.state = new State(this.files, options);
    this.disks = new Disks(this.files, options.knobs.rootGiB);
    this.files.makeFolder(options.knobs.containerStore);
    if (options.ephemeral !== undefined) this.disks.addEphemeral(options.ephemeral);
    this.sudo = new Sudo(this.state);
    this.rpc = new GuestRpc(this.files, ([program = '', ...words]) => this.serve(program, words));
    this.web = new WebConsole(this.state);
    this.sshd = new Sshd(this.state, shellOf(this.files, hostPath, pathRewriter(this.files), this.state), this.web);
    this.firstBoot = new FirstBoot({
      state: this.state,
      sshd: this.sshd,
      serial: this.serial,
      userData: options.userData,
      later: (ms, step) => this.after(ms, step),
    });
    this.listeners = new Listeners(options.ports, {
      ssh: (socket) => this.sshd.accept(socket),
      http: (socket) => this.web.http(socket),
      https: (socket) => this.web.https(socket),
    });
    makeNetworkFiles(this.files, dhcpNetwork(this.state.address), this.state.knobs);
  }

  setPublicIp(ip: string | undefined): Promise<void> {
    this.ip = ip;
    return this.queue(() => this.updateListeners());
  }

  setRules(rules: readonly Rule[]): Promise<void> {
    this.rules = rules;
    return this.queue(() => this.updateListeners());
  }

  attachVolume(volume: LabVolume, device: string): Promise<void> {
    return this.queue(() => void this.disks.attach(volume, device));
  }

  detachVolume(id: string): Promise<void> {
    return this.queue(() => {
      if (this.disks.isInUse(id)) throw new Error(`${this.instanceId} has ${id} mounted`);
      this.disks.detach(id);
    });
  }

  /** On the private network it has the ports of a real one, and those of the lab. */
  arrive(port: number, from: string): Arrival {
    if (!this.up) return 'dropped';
    const { ssh, http, https } = this.options.ports;
    const serve = {
      22: (stream: Incoming) => this.sshd.accept(stream),
      80: (stream: Incoming) => this.web.http(stream),
      443: (stream: Incoming) => this.web.https(stream),
      [ssh]: (stream: Incoming) => this.sshd.accept(stream),
      [http]: (stream: Incoming) => this.web.http(stream),
      [https]: (stream: Incoming) => this.web.https(stream),
      ...(this.state.busUp ? { [BUS_PORT]: (stream: Incoming) => this.state.core.accept(stream) } : {}),
    }[port];
    if (serve === undefined) return 'refused';
    const { incoming, outgoing } = connectedPair(from);
    this.arrived.add(incoming);
    incoming.once('close', () => this.arrived.delete(incoming));
    serve(incoming);
    return outgoing;
  }

  consoleOutput(): string {
    return this.serial.text;
  }

  terminate(): Promise<void> {
    this.ended = true;
    this.timers.forEach((timer) => clearTimeout(timer));
    return this.queue(async () => {
      await this.stop();
      this.rpc.close();
      this.web.close();
      this.record = this.files.invocations();
      this.files.remove();
    });
  }

  invocations(): Invocation[] {
    return this.record ?? this.files.invocations();
  }

  boots(): number {
    return this.state.boots;
  }

  file(path: string): string | undefined {
    return this.files.read(path);
  }

  setKnobs(knobs: Partial<Knobs>): void {
    this.state.setKnobs(knobs);
  }

  restart(): void {
    this.reboot(true);
  }

  clusterList(): readonly ListedMachine[] {
    return this.state.core.list();
  }

  private serve(program: string, words: readonly string[]): GuestReply | Promise<GuestReply> {
    const [first = '', second = ''] = words;
    const told = this.sudo.calls[program];
    if (told !== undefined) return told(first, second);
    if (program === 'nc') return this.tryPort(first, Number(second), Number(words[2]) * 1000);
    this.files.recordInvocation(program, program === 'reboot' ? words.slice(1) : words);
    if (program === 'reboot') return this.reboot(first === 'yes');
    return program === 'kato' ? kato(this.state, words) : { lines: [] };
  }

  /** @param limit ms; 0: as long as the kernel tries */
  private async tryPort(ip: string, port: number, limit: number): Promise<GuestReply> {
    const arrival = (await this.options.network?.open(ip, port)) ?? 'dropped';
    if (arrival === 'refused') return { lines: ['exit 1'] };
    if (arrival === 'dropped') return { lines: [sleep(limit || this.state.knobs.connectTimeout), 'exit 1'] };
    arrival.destroy();
    return { lines: ['exit 0'] };
  }

  private reboot(isRoot: boolean): GuestReply {
    if (!isRoot) return { lines: ["echo 'reboot: Need to be root' >&2", 'exit 1'] };
    if (!this.goingDown) this.after(this.state.knobs.oldBootIdFor, () => this.goDown());
    this.goingDown = true;
    return { lines: [] };
  }

  private async boot(): Promise<void> {
    const { files, state } = this;
    state.boots += 1;
    this.goingDown = false;
    newBootId(state);
    state.showMemory();
    const { reachable, dhcp } = bringUp(files, dhcpNetwork(state.address), state.knobs);
    // This is the work of dhclient's hook: with a static address the hosts file is not updated.
    if (dhcp) writeHosts(state);
    // Stackato's own processes wait for cloud-init, which prints the host key when it may have made a new one.
    const { over } = this.firstBoot;
    if (over) state.booted();
    else this.firstBoot.start(() => state.booted());
    this.serial.boot({ hostname: state.hostname, hostKey: over ? this.sshd.hostKey : undefined });
    this.up = this.disks.boot() && reachable;
    await this.updateListeners();
  }

  private async goDown(): Promise<void> {
    await this.stop();
    this.rpc.forget();
    this.sudo.reboot();
    this.disks.goDown();
    clearRun(this.files);
    if (this.state.knobs.newHostKeyAtBoot) this.sshd.changeKey();
    this.after(this.state.knobs.downFor, () => this.boot());
  }

  /** Drops the connections first, so that no client learns how its command ended. */
  private async stop(): Promise<void> {
    this.up = false;
    this.state.stopped();
    for (const stream of this.arrived) stream.destroy();
    await this.updateListeners();
    await endProcesses(this.files.path);
  }

  private updateListeners(): Promise<void> {
    const silent = this.state.knobs.acceptsWhileDown && !this.ended;
    return this.listeners.set({
      ip: this.ip,
      rules: this.rules,
      mode: this.up ? 'serving' : silent ? 'silent' : 'closed',
    });
  }

  private after(ms: number, step: () => Promise<void>): void {
    const due = (): Promise<void> => this.queue(() => (this.ended ? Promise.resolve() : step()));
    const timer = setTimeout(() => {
      this.timers.delete(timer);
      void due().catch((error: unknown) => process.emitWarning(`${this.instanceId}: ${String(error)}`));
    }, ms);
    this.timers.add(timer);
  }
}
