/** The machine's disks: its root disk, the ephemeral one, and volumes. The programs that use them are in guest/ (disks.sh). */

import { spawnSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { LabVolume } from '../types';
import type { MachineFiles } from './machine-files';

const SECTORS_PER_GIB = 2 ** 21;
/** virtio's. */
const MAJOR = 253;

export class Disks {
  /** Device names of attached volumes, by id. */
  private readonly names = new Map<string, string>();

  /** @param rootGiB size of the root volume. */
  constructor(
    private readonly files: MachineFiles,
    rootGiB: number,
  ) {
    const number = `${MAJOR}:1`;
    this.describe('vda', `${MAJOR}:0`, rootGiB);
    this.describe('vda/vda1', number, rootGiB);
    files.write('/proc/self/mountinfo', `20 1 ${number} / / rw - ext3 /dev/vda1 rw\n`);
    files.write('/proc/swaps', 'Filename\t\t\t\tType\t\tSize\tUsed\tPriority\n');
    files.write('/etc/fstab', 'proc /proc proc nodev,noexec,nosuid 0 0\nLABEL=cloudimg-rootfs / ext3 defaults 0 0\n');
    mkdirSync(files.hostPath('/dev'), { recursive: true });
    mkdirSync(files.hostPath('/mnt'), { recursive: true });
  }

  /** @returns the device name. KVM takes the next free one; other clouds pass the one to use, xvdX. */
  attach({ id, size, dir }: LabVolume, device = ''): string {
    const wanted = /^\/dev\/(xvd\w+)$/.exec(device)?.[1];
    const name = wanted ?? this.freeName();
    mkdirSync(dir, { recursive: true });
    const raw = join(dir, 'raw');
    if (!existsSync(raw)) {
      writeFileSync(raw, '');
      truncateSync(raw, size * 1024 ** 3);
    }
    this.describe(name, `${MAJOR}:${(name.charCodeAt(name.length - 1) - 97) * 16}`, size);
    symlinkSync(raw, this.files.hostPath(`/dev/${name}`));
    this.names.set(id, name);
    return name;
  }

  detach(id: string): void {
    const name = this.names.get(id);
    if (name === undefined) return;
    this.names.delete(id);
    rmSync(this.files.hostPath(`/dev/${name}`), { force: true });
    rmSync(this.files.hostPath(`/sys/block/${name}`), { recursive: true, force: true });
  }

  /** A second disk, with the empty file system that Eucalyptus makes on it (VmTypes, 3.2: `setEphemeral(0, "sda2", …, "ext3")`). */
  addEphemeral(gib: number): void {
    const dir = join(this.files.dir, 'ephemeral');
    mkdirSync(join(dir, 'fs/lost+found'), { recursive: true });
    writeFileSync(join(dir, 'signature'), `LABEL=ephemeral0\nUUID=${randomUUID()}\nTYPE=ext3\n`);
    this.attach({ id: 'ephemeral', size: gib, dir });
  }

  /** Whether a disk is mounted: the cloud cannot take it from the machine then. */
  isInUse(id: string): boolean {
    const name = this.names.get(id);
    return name !== undefined && (this.files.read('/proc/self/mountinfo') ?? '').includes(`/dev/${name} `);
  }

  /** Mounts what /etc/fstab says. @returns whether the boot goes on */
  boot(): boolean {
    return this.run('mount', '-a');
  }

  goDown(): void {
    this.run('umount', '-a');
  }

  private run(program: string, word: string): boolean {
    const { path } = this.files;
    const env = {
      PATH: `${path}/bin:${process.env['PATH'] ?? ''}`,
      STACKATO_LAB_MACHINE: path,
      STACKATO_LAB_ROOT: 'yes',
    };
    return spawnSync(join(path, 'bin', program), [word], { env, stdio: 'ignore' }).status === 0;
  }

  private freeName(): string {
    const taken = new Set(readdirSync(this.files.hostPath('/sys/block')));
    const letter = 'abcdefghijklmnopqrstuvwxyz'.split('').find((each) => !taken.has(`vd${each}`)) ?? 'z';
    return `vd${letter}`;
  }

  private describe(name: string, number: string, gib: number): void {
    this.files.write(`/sys/block/${name}/dev`, `${number}\n`);
    this.files.write(`/sys/block/${name}/size`, `${Math.round(gib * SECTORS_PER_GIB)}\n`);
  }
}
