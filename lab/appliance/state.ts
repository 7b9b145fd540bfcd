/**
 * The machine's state beside its files. Progress is computed from the clock when it is asked for; there are no timers.
 */

import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import type { Knobs } from '../knobs';
import type { ApplianceOptions } from '../types';
import { readDialogue } from './dialogue';
import type { Dialogue } from './dialogue';
import { familyOf } from './kato/releases';
import type { Family } from './kato/releases';
import type { MachineFiles } from './machine-files';

/** Claiming the console sets the unix password only while it is this one. */
export const FACTORY_PASSWORD = 'stackato';
/** The share of the memory that the kernel does not keep for itself. */
const VISIBLE_SHARE = 0.976;
const LOOPBACK = '127.0.0.1';

export interface ProcessState {
  readonly name: string;
  readonly state: 'RUNNING' | 'STARTING' | 'FATAL';
}

export class State {
  knobs: Knobs;
  /** Read when the knob is set; later changes to the file have no effect. */
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
  /** Time and origin of the last session with a terminal, as sshd shows them. */
  lastLogin: string | undefined;
  /** By `kato stop`; a boot starts it again. */
  katoStopped = false;
  /** When this boot's processes are up. */
  private bootedAt = Infinity;
  private restartedAt = 0;
  private enabledAt = 0;

  constructor(
    readonly files: MachineFiles,
    private readonly options: ApplianceOptions,
  ) {
    this.knobs = options.knobs;
    this.dialogue = readDialogue(options.knobs.dialogue);
    this.family = familyOf(options.knobs.release);
    this.roles = this.freshRoles;
    this.password = options.knobs.password;
    this.hostname = `stackato-${createHash('sha256').update(options.instanceId).digest('hex').slice(0, 4)}.local`;
    this.endpoint = `api.${this.hostname}`;
    this.showDisk();
  }

  /** Roles of a new machine. */
  get freshRoles(): readonly string[] {
    return rolesIn(this.knobs.freshRoles) ?? this.family.fresh;
  }

  /** Roles after `setup core`. */
  get coreRoles(): readonly string[] {
    return rolesIn(this.knobs.coreRoles) ?? this.family.core;
  }

  get address(): string {
    return this.knobs.privateIp === '' ? this.options.privateIp : this.knobs.privateIp;
  }

  setKnobs(knobs: Partial<Knobs>): void {
    if (knobs.dialogue !== undefined) this.dialogue = readDialogue(knobs.dialogue);
    this.knobs = { ...this.knobs, ...knobs };
    this.password = knobs.password ?? this.password;
    this.showMemory();
    this.showDisk();
  }

  showMemory(): void {
    const kib = Math.floor(
      this.knobs.memoryMiB === 0 ? this.options.memory * 1024 * VISIBLE_SHARE : this.knobs.memoryMiB * 1024,
    );
    this.files.write(
      '/proc/meminfo',
      `MemTotal:       ${String(kib).padStart(8)} kB\nMemFree:        ${String(kib >> 1).padStart(8)} kB\n`,
    );
  }

  /** For guest/mkdir. */
  showDisk(): void {
    const words = { good: '', full: 'No space left on device', 'read-only': 'Read-only file system' }[this.knobs.disk];
    writeFileSync(`${this.files.path}/run/disk`, words);
  }

  /** The machine went down. */
  stopped(): void {
    this.bootedAt = Infinity;
  }

  booted(): void {
    this.katoStopped = false;
    this.bootedAt = Date.now() + this.knobs.readyDelay;
  }

  /** Whether the boot is complete. Before that, kato's commands fail. */
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
    // Read each time, since the knob may change meanwhile.
    const { consoleDelay } = this.knobs;
    return this.up && (this.enabledAt === 0 || (consoleDelay >= 0 && Date.now() >= this.enabledAt + consoleDelay));
  }

  get processes(): ProcessState[] {
    const { base, processes } = this.family;
    const names = new Set([...base, ...this.roles.flatMap((role) => processes[role] ?? [])]);
    const state = this.up && !this.katoStopped && Date.now() >= this.restartedAt ? 'RUNNING' : 'STARTING';
    return [...names].map((name, index) => ({ name, state: this.starved && index % 3 === 2 ? 'FATAL' : state }));
  }

  get ready(): boolean {
    return this.processes.every(({ state }) => state === 'RUNNING');
  }

  /** With less memory than the release needs, some processes of a Stackato never come up. */
  private get starved(): boolean {
    return (this.knobs.memoryMiB || this.options.memory) < (this.knobs.leastMiB || this.family.least);
  }
}

function rolesIn(text: string): readonly string[] | undefined {
  return text === '' ? undefined : text.split(' ');
}
