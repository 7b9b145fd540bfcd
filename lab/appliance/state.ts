/** What the machine knows of itself beside its files, and what follows from the time of day: nothing here ticks. */

import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import type { ApplianceOptions, Knobs } from '../types';
import { readDialogue } from './dialogue';
import type { Dialogue } from './dialogue';
import { familyOf } from './kato/releases';
import type { Family } from './kato/releases';
import type { Place } from './place';

/** A console's setup sets the unix password only while it is this one. */
export const FACTORY_PASSWORD = 'stackato';
const ENOUGH_MIB = 2048;
/** A kernel keeps some of the memory for itself. */
const SHOWN = 0.976;
const LOOPBACK = '127.0.0.1';

export interface ProcessState {
  readonly name: string;
  readonly state: 'RUNNING' | 'STARTING' | 'FATAL';
}

export class State {
  knobs: Knobs;
  /** As it was when the knob was set: whatever becomes of the file. */
  dialogue: Dialogue;
  readonly family: Family;
  hostname: string;
  endpoint: string;
  mbusIp = LOOPBACK;
  micro = true;
  roles: readonly string[];
  password: string;
  adminEmail: string | undefined;
  boots = 0;
  /** When and from where somebody last had a terminal, in the words of sshd. */
  lastLogin: string | undefined;
  /** When this boot's processes are up; never before the first boot is. */
  private bootedAt = Infinity;
  private restartedAt = 0;
  private enabledAt = 0;

  constructor(
    readonly place: Place,
    private readonly options: ApplianceOptions,
  ) {
    this.knobs = options.knobs;
    this.dialogue = readDialogue(options.knobs.dialogue);
    this.family = familyOf(options.knobs.release);
    this.roles = this.family.roles;
    this.password = options.knobs.password;
    this.hostname = `stackato-${createHash('sha256').update(options.instanceId).digest('hex').slice(0, 4)}.local`;
    this.endpoint = `api.${this.hostname}`;
    this.showDisk();
  }

  get address(): string {
    return this.knobs.privateIp === '' ? this.options.privateIp : this.knobs.privateIp;
  }

  turn(knobs: Partial<Knobs>): void {
    if (knobs.dialogue !== undefined) this.dialogue = readDialogue(knobs.dialogue);
    this.knobs = { ...this.knobs, ...knobs };
    this.password = knobs.password ?? this.password;
    this.showMemory();
    this.showDisk();
  }

  showMemory(): void {
    const kib = Math.floor(
      this.knobs.memoryMiB === 0 ? this.options.memory * 1024 * SHOWN : this.knobs.memoryMiB * 1024,
    );
    this.place.write(
      '/proc/meminfo',
      `MemTotal:       ${String(kib).padStart(8)} kB\nMemFree:        ${String(kib >> 1).padStart(8)} kB\n`,
    );
  }

  /** For the stand-in of mkdir. */
  showDisk(): void {
    const words = { good: '', full: 'No space left on device', 'read-only': 'Read-only file system' }[this.knobs.disk];
    writeFileSync(`${this.place.path}/run/disk`, words);
  }

  /** The machine goes down: nothing is up until told. */
  stopped(): void {
    this.bootedAt = Infinity;
  }

  booted(): void {
    this.bootedAt = Date.now() + this.knobs.readyDelay;
  }

  /** Whether this boot has come to an end: kato's own work fails before. */
  get up(): boolean {
    return Date.now() >= this.bootedAt;
  }

  restarted(): void {
    this.restartedAt = Date.now() + this.knobs.katoTakes;
  }

  enabled(): void {
    this.restarted();
    this.enabledAt = Date.now();
  }

  get consoleUp(): boolean {
    // Read anew, since the knob may be turned while one waits.
    const { consoleDelay } = this.knobs;
    return this.up && (this.enabledAt === 0 || (consoleDelay >= 0 && Date.now() >= this.enabledAt + consoleDelay));
  }

  get processes(): ProcessState[] {
    const { base, processes } = this.family;
    const names = new Set([...base, ...this.roles.flatMap((role) => processes[role] ?? [])]);
    const state = this.up && Date.now() >= this.restartedAt ? 'RUNNING' : 'STARTING';
    return [...names].map((name, index) => ({ name, state: this.starved && index % 3 === 2 ? 'FATAL' : state }));
  }

  get ready(): boolean {
    return this.processes.every(({ state }) => state === 'RUNNING');
  }

  /** Below 2 GiB a Stackato behaves oddly: some of its processes never come up. */
  private get starved(): boolean {
    return (this.knobs.memoryMiB === 0 ? this.options.memory : this.knobs.memoryMiB) < ENOUGH_MIB;
  }
}
