/**
 * A machine's files on the host: `root/` is its root file system, `bin/` its programs, `run/` the state of the current
 * boot.
 */

import {
  appendFileSync,
  chmodSync,
  copyFileSync,
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import type { Invocation } from '../types';

/** Needs no quotes in a shell. */
const PLAIN = /^[\w./@%+=:,-]+$/;

/** Programs of the host that commands meant for the machine must never run. */
const BLOCKED = [
  'apt-get',
  'chpasswd',
  'dhclient',
  'dpkg',
  'dpkg-reconfigure',
  'ifdown',
  'ifup',
  'initctl',
  'ip',
  'fdisk',
  'iptables',
  'mke2fs',
  'mkfs',
  'mkfs.ext3',
  'mkfs.xfs',
  'parted',
  'passwd',
  'service',
  'systemctl',
  'update-rc.d',
  'useradd',
  'userdel',
  'usermod',
];
const SHUTDOWN_NAMES = ['halt', 'init', 'poweroff', 'telinit'];

/** The account's home folder on the machine. */
export const HOME = '/home/stackato';

export class MachineFiles {
  /** The folder's path, or a link to it that needs no quotes in a shell. */
  readonly path: string;
  /** Names of the simulated programs. */
  readonly programs: readonly string[];
  private readonly alias: string | undefined;

  constructor(readonly dir: string) {
    mkdirSync(dir, { recursive: true, mode: 0o700 });
    this.alias = PLAIN.test(dir) ? undefined : mkdtempSync('/tmp/stackato-lab-');
    this.path = this.alias === undefined ? dir : join(this.alias, 'machine');
    if (this.alias !== undefined) symlinkSync(dir, this.path);
    for (const folder of ['bin', 'run/calls', 'run/ifconfig', 'run/de/ifconfig', `root${HOME}/bin`])
      mkdirSync(join(dir, folder), { recursive: true, mode: 0o755 });
    this.programs = this.installPrograms();
  }

  get home(): string {
    return this.hostPath(HOME);
  }

  /** The path on the host of a file of the machine. */
  hostPath(path: string): string {
    return `${this.path}/root${path}`;
  }

  read(path: string): string | undefined {
    const host = this.hostPath(path);
    return existsSync(host) ? readFileSync(host, 'utf8') : undefined;
  }

  write(path: string, text: string): void {
    mkdirSync(dirname(this.hostPath(path)), { recursive: true });
    writeFileSync(this.hostPath(path), text);
  }

  makeFolder(path: string): void {
    mkdirSync(this.hostPath(path), { recursive: true });
  }

  recordInvocation(program: string, args: readonly string[]): void {
    const shown = args.map((word) => word.replaceAll(`${this.path}/root/`, '/'));
    appendFileSync(join(this.dir, 'invocations.log'), `${JSON.stringify({ at: Date.now(), program, args: shown })}\n`);
  }

  invocations(): Invocation[] {
    const log = join(this.dir, 'invocations.log');
    if (!existsSync(log)) return [];
    return readFileSync(log, 'utf8')
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Invocation);
  }

  remove(): void {
    if (this.alias !== undefined) rmSync(this.alias, { recursive: true, force: true });
    rmSync(this.dir, { recursive: true, force: true });
  }

  private installPrograms(): string[] {
    const bin = join(this.dir, 'bin');
    for (const name of readdirSync(assetFolder('guest'))) {
      copyFileSync(join(assetFolder('guest'), name), join(bin, name));
      chmodSync(join(bin, name), 0o755);
    }
    for (const name of BLOCKED) linkSync(join(bin, 'refused'), join(bin, name));
    for (const name of SHUTDOWN_NAMES) linkSync(join(bin, 'shutdown'), join(bin, name));
    // A real appliance has kato here too: only login shells have this folder on PATH.
    copyFileSync(join(bin, 'kato'), `${this.home}/bin/kato`);
    rmSync(join(bin, 'kato'));
    return readdirSync(bin);
  }
}

/** A folder of lab/appliance that is not compiled, whether this runs from lab/ or from dist/lab/. */
export function assetFolder(folder: string): string {
  const found = [__dirname, join(__dirname, '../../../lab/appliance')]
    .map((base) => join(base, folder))
    .find((path) => existsSync(path));
  if (found === undefined) throw new Error(`The lab's folder lab/appliance/${folder} is missing.`);
  return found;
}
