/**
 * The machine's state beside its files. Progress is computed from the clock when it is asked for; there are no timers.
 */

import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import type { Knobs } from '../knobs';
import type { ApplianceOptions, PrivateNetwork } from '../types';
import { Core } from './cluster/core';
import { Membership } from './cluster/membership';
import type { NodeReport, ProcessState } from './cluster/messages';
import { readDialogue } from './dialogue';
import type { Dialogue } from './dialogue';
import { familyOf, isBefore } from './kato/releases';
import type { Family } from './kato/releases';
import type { MachineFiles } from './machine-files';

/** Claiming the console sets the unix password only while it is this one. */
export const FACTORY_PASSWORD = 'stackato';
/** The share of the memory that the kernel does not keep for itself. */
const VISIBLE_SHARE = 0.976;
const LOOPBACK = '127.0.0.1';

/** Before this release, these roles need ssh keys made by hand to run on a node (bug 96225). */
const SPLIT_SINCE = [2, 6, 7] as const;
const NEEDS_KEYS: readonly string[] = ['router', 'cloud_controller', 'controller'];
/** Processes that only a core has. */
const CENTRAL: readonly string[] = ['doozerd', 'config_redis', 'nats_server', 'redis_server', 'postgresql'];

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
  /** Processes stopped by name. A boot starts them again. */
  private readonly stoppedProcesses = new Set<string>();
  /** By `kato license set`. */
  licence: string | undefined;
  /** The nodes, on a core. */
  readonly core: Core;
  /** The core that it is attached to, on a node. */
  readonly membership: Membership;
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
    this.core = new Core(this);
    this.membership = new Membership(this, options.network);
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

  get network(): PrivateNetwork | undefined {
    return this.options.network;
  }

  /** MiB, of the instance type. */
  get memory(): number {
    return this.options.memory;
  }

  get isCore(): boolean {
    return !this.micro && !this.membership.attached;
  }

  /** Whether nodes find its message bus. */
  get busUp(): boolean {
    return this.isCore && this.up && !this.katoStopped;
  }

  /** MiB that a cluster with this core may have. */
  get licensed(): number {
    return this.licence === undefined ? this.knobs.licenceMiB || this.family.clusterMiB : Infinity;
  }

  get comparesReleases(): boolean {
    return this.family.comparesReleases;
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
    this.membership.wentDown();
  }

  booted(): void {
    this.katoStopped = false;
    this.stoppedProcesses.clear();
    this.bootedAt = Date.now() + this.knobs.readyDelay;
    this.core.booted();
    this.membership.booted();
  }

  stopProcesses(names: readonly string[]): void {
    for (const name of names) this.stoppedProcesses.add(name);
  }

  /** `undefined`: all. */
  startProcesses(names: readonly string[] | undefined): void {
    this.katoStopped &&= names !== undefined;
    for (const name of names ?? [...this.stoppedProcesses]) this.stoppedProcesses.delete(name);
    this.membership.restarted();
    this.restarted();
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
    const { attached, trouble } = this.membership;
    const own = attached ? base.filter((name) => !CENTRAL.includes(name)) : base;
    const names = new Set([...own, ...this.roles.flatMap((role) => processes[role] ?? [])]);
    const broken =
      attached && isBefore(this.knobs.release, SPLIT_SINCE) ? NEEDS_KEYS.flatMap((role) => processes[role] ?? []) : [];
    const up = this.up && Date.now() >= this.restartedAt && trouble !== 'waits';
    return [...names].map((name, index): ProcessState => {
      if (this.katoStopped || this.stoppedProcesses.has(name)) return { name, state: 'STOPPED' };
      if (trouble === 'failed' || broken.includes(name) || (this.starved && index % 3 === 2))
        return { name, state: 'FATAL' };
      return { name, state: up ? 'RUNNING' : 'STARTING' };
    });
  }

  /** What `kato status` shows: processes up to 2.6, roles later. */
  get rows(): ProcessState[] {
    const { processes, family } = this;
    if (family.statusLists === 'processes') return processes;
    const states = new Map(processes.map(({ name, state }) => [name, state]));
    return this.roles.map((name) => {
      const own = (family.processes[name] ?? []).map((process) => states.get(process));
      return {
        name,
        state: (['FATAL', 'STARTING', 'STOPPED'] as const).find((state) => own.includes(state)) ?? 'RUNNING',
      };
    });
  }

  report(): NodeReport {
    return { roles: this.roles, rows: this.rows };
  }

  /** No longer a node: what it then is, is not known. */
  detached(): void {
    this.mbusIp = LOOPBACK;
    this.roles = this.family.roles.filter((role) => role === 'base');
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
