/** One machine's life: boots, goes down, comes back with another boot id, ends. */

import { Turns } from '../turns';
import type { Appliance, ApplianceOptions, Invocation, Knobs, Rule } from '../types';
import { Brain } from './brain';
import type { Orders } from './brain';
import { Console } from './console';
import { Doors } from './doors';
import { newBootId, writeHosts, writeName } from './identity';
import { kato } from './kato';
import { bringUp, clearRun, makeNetworkFiles, siteOf } from './network';
import { Place } from './place';
import { endProcesses } from './processes';
import { rewriterFor } from './rewrite';
import { Serial } from './serial';
import { shellOf } from './shell';
import { Sshd } from './sshd';
import { State } from './state';
import { Sudo } from './sudo';

export class SimulatedAppliance implements Appliance {
  readonly instanceId: string;
  readonly dir: string;
  private readonly place: Place;
  private readonly state: State;
  private readonly sudo: Sudo;
  private readonly brain: Brain;
  private readonly web: Console;
  private readonly sshd: Sshd;
  private readonly doors: Doors;
  private readonly serial = new Serial();
  private ip: string | undefined;
  private rules: readonly Rule[] = [];
  private up = false;
  private goingDown = false;
  private ended = false;
  private timer: NodeJS.Timeout | undefined;
  private readonly turns = new Turns();

  /** Returns once it was launched; it boots by itself. `hostPath`: where the host has sh, script, flock, stty and the rest. */
  static async create(options: ApplianceOptions, hostPath: string): Promise<SimulatedAppliance> {
    const appliance = new SimulatedAppliance(options, hostPath);
    await writeName(appliance.state);
    appliance.after(options.knobs.bootDelay, () => appliance.boot());
    return appliance;
  }

  private constructor(options: ApplianceOptions, hostPath: string) {
    ({ instanceId: this.instanceId, dir: this.dir } = options);
    this.place = new Place(options.dir);
    this.state = new State(this.place, options);
    this.sudo = new Sudo(this.state);
    this.brain = new Brain(this.place, ([program = '', ...words]) => this.serve(program, words));
    this.web = new Console(this.state);
    this.sshd = new Sshd(this.state, shellOf(this.place, hostPath, rewriterFor(this.place), this.state), this.web);
    this.doors = new Doors(options.ports, {
      ssh: (socket) => this.sshd.accept(socket),
      http: (socket) => this.web.http(socket),
      https: (socket) => this.web.https(socket),
    });
    makeNetworkFiles(this.place, siteOf(this.state.address), this.state.knobs);
  }

  setPublicIp(ip: string | undefined): Promise<void> {
    this.ip = ip;
    return this.turns.take(() => this.openDoors());
  }

  setRules(rules: readonly Rule[]): Promise<void> {
    this.rules = rules;
    return this.turns.take(() => this.openDoors());
  }

  consoleOutput(): string {
    return this.serial.text;
  }

  terminate(): Promise<void> {
    this.ended = true;
    clearTimeout(this.timer);
    return this.turns.take(async () => {
      await this.stop();
      this.brain.close();
      this.web.close();
      this.place.remove();
    });
  }

  invocations(): Invocation[] {
    return this.place.notes();
  }

  boots(): number {
    return this.state.boots;
  }

  file(path: string): string | undefined {
    return this.place.read(path);
  }

  turn(knobs: Partial<Knobs>): void {
    this.state.turn(knobs);
  }

  private serve(program: string, words: readonly string[]): Orders {
    const [first = '', second = ''] = words;
    const told = this.sudo.calls[program];
    if (told !== undefined) return told(first, second);
    this.place.note(program, program === 'reboot' ? words.slice(1) : words);
    if (program === 'reboot') return this.reboot(first === 'yes');
    return program === 'kato' ? kato(this.state, words) : { lines: [] };
  }

  private reboot(isRoot: boolean): Orders {
    if (!isRoot) return { lines: ["echo 'reboot: Need to be root' >&2", 'exit 1'] };
    if (!this.goingDown) this.after(this.state.knobs.oldBootIdFor, () => this.goDown());
    this.goingDown = true;
    return { lines: [] };
  }

  private async boot(): Promise<void> {
    const { place, state } = this;
    state.boots += 1;
    this.goingDown = false;
    newBootId(state);
    state.showMemory();
    const { reachable, dhcp } = bringUp(place, siteOf(state.address), state.knobs);
    // dhclient's hook does it: with a static address nobody does.
    if (dhcp) writeHosts(state);
    state.booted();
    this.serial.boot({ hostname: state.hostname, hostKey: this.sshd.hostKey });
    this.up = reachable;
    await this.openDoors();
  }

  private async goDown(): Promise<void> {
    await this.stop();
    this.brain.forget();
    this.sudo.reboot();
    clearRun(this.place);
    if (this.state.knobs.newHostKeyAtBoot) this.sshd.changeKey();
    this.after(this.state.knobs.downFor, () => this.boot());
  }

  /** Connections first: nobody hears how the commands ended. */
  private async stop(): Promise<void> {
    this.up = false;
    this.state.stopped();
    await this.openDoors();
    await endProcesses(this.place.path);
  }

  private openDoors(): Promise<void> {
    const silent = this.state.knobs.acceptsWhileDown && !this.ended;
    return this.doors.set({
      ip: this.ip,
      rules: this.rules,
      behind: this.up ? 'machine' : silent ? 'silence' : 'nothing',
    });
  }

  private after(ms: number, step: () => Promise<void>): void {
    const due = (): Promise<void> => this.turns.take(() => (this.ended ? Promise.resolve() : step()));
    this.timer = setTimeout(
      () => void due().catch((error: unknown) => process.emitWarning(`${this.instanceId}: ${String(error)}`)),
      ms,
    );
  }
}
