/** Where one machine is on the host's disk: `root/` is its root file system, `bin/` its programs, `run/` what ends with a boot. */

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

/** Goes into shell text without quotes: nothing a shell would see more in. */
const PLAIN = /^[\w./@%+=:,-]+$/;

/** Programs of the host that a command meant for the machine must never reach. */
const REFUSED = [
  'apt-get',
  'chpasswd',
  'dhclient',
  'dpkg',
  'dpkg-reconfigure',
  'ifdown',
  'ifup',
  'initctl',
  'ip',
  'iptables',
  'mount',
  'passwd',
  'service',
  'systemctl',
  'umount',
  'update-rc.d',
  'useradd',
  'userdel',
  'usermod',
];
const DOWN = ['halt', 'init', 'poweroff', 'telinit'];

/** The account's folder on the machine. */
export const HOME = '/home/stackato';

export class Place {
  /** The folder, by a name that is plain text to a shell. */
  readonly path: string;
  /** Names of the machine's own programs. */
  readonly programs: readonly string[];
  private readonly alias: string | undefined;

  constructor(readonly dir: string) {
    mkdirSync(dir, { recursive: true, mode: 0o700 });
    this.alias = PLAIN.test(dir) ? undefined : mkdtempSync('/tmp/stackato-lab-');
    this.path = this.alias === undefined ? dir : join(this.alias, 'machine');
    if (this.alias !== undefined) symlinkSync(dir, this.path);
    for (const folder of ['bin', 'run/calls', 'run/ifconfig', 'run/de/ifconfig', `root${HOME}/bin`])
      mkdirSync(join(dir, folder), { recursive: true, mode: 0o755 });
    this.programs = this.install();
  }

  get home(): string {
    return this.host(HOME);
  }

  /** The host's path of a file of the machine. */
  host(path: string): string {
    return `${this.path}/root${path}`;
  }

  read(path: string): string | undefined {
    const host = this.host(path);
    return existsSync(host) ? readFileSync(host, 'utf8') : undefined;
  }

  write(path: string, text: string): void {
    mkdirSync(dirname(this.host(path)), { recursive: true });
    writeFileSync(this.host(path), text);
  }

  note(program: string, args: readonly string[]): void {
    const shown = args.map((word) => word.replaceAll(`${this.path}/root/`, '/'));
    appendFileSync(join(this.dir, 'invocations.log'), `${JSON.stringify({ at: Date.now(), program, args: shown })}\n`);
  }

  notes(): Invocation[] {
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

  private install(): string[] {
    const bin = join(this.dir, 'bin');
    for (const name of readdirSync(assets('guest'))) {
      copyFileSync(join(assets('guest'), name), join(bin, name));
      chmodSync(join(bin, name), 0o755);
    }
    for (const name of REFUSED) linkSync(join(bin, 'refused'), join(bin, name));
    for (const name of DOWN) linkSync(join(bin, 'shutdown'), join(bin, name));
    // Where the appliance has it, and where only login shells look.
    copyFileSync(join(bin, 'kato'), `${this.home}/bin/kato`);
    rmSync(join(bin, 'kato'));
    return readdirSync(bin);
  }
}

/** Files that are not code, whether this runs from lab/ or from dist/lab/. */
export function assets(folder: string): string {
  const found = [__dirname, join(__dirname, '../../../lab/appliance')]
    .map((base) => join(base, folder))
    .find((path) => existsSync(path));
  if (found === undefined) throw new Error(`The lab's folder lab/appliance/${folder} is missing.`);
  return found;
}
