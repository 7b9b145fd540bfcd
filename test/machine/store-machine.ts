/** A machine of the lab without its network: its files, disks and programs, on which the container store is moved. */

import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  existsSync,
  lstatSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Disks } from '../../lab/appliance/disks';
import { MachineFiles } from '../../lab/appliance/machine-files';
import { pathRewriter } from '../../lab/appliance/rewrite-paths';
import { moveStore, readStore, storeStateOf } from '../../src/machine/container-store';
import type { StoreDisk, StoreState } from '../../src/machine/container-store';
import { parseSections } from '../../src/machine/shell';

const ROOT_GIB = 8.8;
export const FOLDER = '/lxc/containers';

/** kato, as far as it matters here: it makes the folder that it needs. */
const KATO = `case $1 in
  stop) echo stopped > "$STACKATO_LAB_MACHINE/kato" ;;
  start)
    if [ ! -e "$STACKATO_LAB_MACHINE/root/lxc/containers" ] && [ ! -L "$STACKATO_LAB_MACHINE/root/lxc/containers" ]; then
      mkdir -p "$STACKATO_LAB_MACHINE/root/lxc/containers/made-by-kato"
      echo new > "$STACKATO_LAB_MACHINE/root/lxc/containers/made-by-kato/file"
    fi
    echo started > "$STACKATO_LAB_MACHINE/kato" ;;
esac`;

/** Kills everything that was started with it, as a power failure does, when as many lines as told have begun. */
const LINE = `read -r n < "$STACKATO_LAB_MACHINE/lines"
n=$((n + 1))
echo $n > "$STACKATO_LAB_MACHINE/lines"
if [ "$n" = "$STOP_AFTER" ]; then kill -9 0; fi`;

export class StoreMachine {
  readonly dir = mkdtempSync(join(tmpdir(), 'stackato-store-'));
  readonly files = new MachineFiles(join(this.dir, 'machine'));
  readonly disks = new Disks(this.files, ROOT_GIB);
  readonly disk: StoreDisk;

  constructor(kind: StoreDisk['kind'], { ours = true } = {}) {
    this.files.write('/proc/sys/kernel/random/boot_id', 'boot-1\n');
    this.program('kato', KATO);
    this.program('line', LINE);
    this.program('sudo', 'STACKATO_LAB_ROOT=yes; export STACKATO_LAB_ROOT; exec "$@"');
    this.disk =
      kind === 'ephemeral'
        ? { kind }
        : { kind, id: 'vol-1', size: 2, ours, before: { boot: 'boot-1', names: ['vda'] } };
    this.disks.attach({ id: 'vol-1', size: 2, dir: this.diskDir });
  }

  private program(name: string, text: string): void {
    writeFileSync(join(this.files.dir, 'bin', name), `#!/bin/sh\n${text}\n`, { mode: 0o755 });
  }

  get diskDir(): string {
    return join(this.dir, 'disk');
  }

  path(path: string): string {
    return this.files.hostPath(path);
  }

  /** Lines of an instrumented command that have begun. */
  linesOfLastCommand = 0;

  /** What blkid finds on the disk. */
  set signature(text: string) {
    writeFileSync(join(this.diskDir, 'signature'), text);
  }

  get signature(): string {
    return readFileSync(join(this.diskDir, 'signature'), 'utf8');
  }

  /** How often a disk was formatted. */
  get formatted(): number {
    const log = join(this.files.path, 'formatted.log');
    return existsSync(log) ? readFileSync(log, 'utf8').trim().split('\n').length : 0;
  }

  /** Runs a command of the account. @param stopAfter number of lines of an instrumented command after which everything is killed */
  run(command: string, stopAfter = 0): { readonly output: string; readonly code: number | null } {
    const { path, home } = this.files;
    writeFileSync(join(path, 'lines'), '0\n');
    const { stdout, stderr, status } = spawnSync('setsid', ['-w', 'sh', '-c', pathRewriter(this.files)(command)], {
      env: {
        HOME: home,
        USER: 'stackato',
        PATH: `${path}/bin:${process.env['PATH'] ?? ''}`,
        STACKATO_LAB_MACHINE: path,
        STOP_AFTER: String(stopAfter),
      },
      encoding: 'utf8',
      timeout: 60_000,
    });
    const lines = Number(readFileSync(join(path, 'lines'), 'utf8'));
    if (lines > 0) this.linesOfLastCommand = lines;
    return { output: `${stdout}${stderr}`, code: status };
  }

  move(folder = FOLDER): { readonly output: string; readonly code: number | null } {
    return this.run(moveStore(this.disk, folder, 0));
  }

  state(folder = FOLDER): StoreState {
    return storeStateOf(parseSections(this.run(readStore(folder)).output) ?? {});
  }

  get kato(): string {
    return existsSync(join(this.files.path, 'kato'))
      ? readFileSync(join(this.files.path, 'kato'), 'utf8').trim()
      : 'started';
  }

  private boots = 1;

  /** Kato is started at every boot. */
  reboot(): void {
    this.disks.goDown();
    this.boots += 1;
    this.files.write('/proc/sys/kernel/random/boot_id', `boot-${this.boots}\n`);
    this.disks.boot();
    this.run('kato start');
  }

  remove(): void {
    rmSync(this.dir, { recursive: true, force: true });
  }
}

/** Files with odd names, a hole, a hard link, a link that leads nowhere, other owners and modes. */
export const PLANTED = `set -e
mkdir -p "$C/app 1/rootfs" "$C/base" "$C/empty"
echo one > "$C/app 1/rootfs/it's a \\"file\\""
printf 'two' > "$C/app 1/rootfs/line
break"
echo log > "$C/app 1/log"
echo -- > "$C/base/-rf"
echo hidden > "$C/.hidden"
truncate -s 3M "$C/base/sparse"
echo end >> "$C/base/sparse"
ln "$C/app 1/log" "$C/base/hard"
ln -s ../nowhere "$C/base/dangling"
mkfifo "$C/base/fifo"
chmod 4750 "$C/base/-rf"
chmod 700 "$C/empty"
[ "$(id -u)" != 0 ] || chown 1234:4321 "$C/base/-rf" "$C/empty"
touch -d '2013-02-20 10:00' "$C/base/-rf"`;

/** One line for everything below the folder: kind, mode, owner, links, size, time, and what it holds. */
export function contentsOf(folder: string): Readonly<Record<string, string>> {
  const lines: Record<string, string> = {};
  const visit = (path: string, name: string): void => {
    const stat = lstatSync(path);
    const common = `${stat.mode.toString(8)} ${stat.uid}:${stat.gid}`;
    if (stat.isDirectory()) {
      lines[name] = common;
      for (const each of readdirSync(path)) visit(join(path, each), `${name}/${each}`);
    } else if (stat.isSymbolicLink()) lines[name] = `${common} ${readlinkSync(path)}`;
    else {
      const held = stat.isFile() ? createHash('sha256').update(readFileSync(path)).digest('hex') : '';
      lines[name] = `${common} ${stat.nlink} ${stat.size} ${Math.floor(stat.mtimeMs / 1000)} ${held}`;
    }
  };
  visit(folder, '.');
  return lines;
}

/**
 * The command with a call of `line` before each line that a statement may begin: not before the patterns of a `case`, and not within a
 * quoted word of several lines. The words need no quotes, so they work at every depth of quoting.
 */
export function instrumented(command: string): string {
  const lines = command.split('\n');
  return lines
    .map((text, index) => {
      const before = (lines[index - 1] ?? '').trim();
      const first =
        index === 0 ||
        / in$|;;$/.test(before) ||
        text.trim() === '' ||
        /^((esac|fi|done|else|elif)\b|[)}'"]|[^ (]*\) )/.test(text.trim());
      return first ? text : text.replace(/^\s*/, (space) => `${space}line ${index}; `);
    })
    .join('\n');
}
