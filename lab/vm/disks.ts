/** Disks besides the root: the ephemeral disk, and volumes, which are plugged into the running machine. */

import { closeSync, existsSync, ftruncateSync, openSync } from 'node:fs';
import { join } from 'node:path';
import type { LabVolume } from '../types';
import type { Arguments, Monitor } from './monitor';

export interface PluggedVolume {
  readonly volume: LabVolume;
  /** The name that was asked for. As on other KVM clouds, it only decides the order. */
  readonly device: string;
}

const GIB = 1024 ** 3;
/** PCI slots: those of QEMU's own devices end before it. The guest names disks in the order of their slots. */
const FIRST_SLOT = 0x10;
const LETTERS = 'abcdefghijklmnop';
/** An emulated guest takes its time. */
const UNPLUG_MS = 60_000;

/** An empty sparse file, if there is none yet. */
export function makeDisk(path: string, gib: number): void {
  if (existsSync(path)) return;
  const file = openSync(path, 'wx', 0o600);
  ftruncateSync(file, gib * GIB);
  closeSync(file);
}

/** QEMU's options for volumes that are there when the machine is switched on. */
export function volumeArguments(plugged: readonly PluggedVolume[]): string[] {
  return plugged.flatMap((each) => [
    '-blockdev',
    JSON.stringify(blockOf(each)),
    '-device',
    JSON.stringify(deviceOf(each)),
  ]);
}

export async function plug(monitor: Monitor, each: PluggedVolume): Promise<void> {
  await monitor.execute('blockdev-add', blockOf(each));
  try {
    await monitor.execute('device_add', deviceOf(each));
  } catch (error) {
    await monitor.execute('blockdev-del', { 'node-name': nodeOf(each) });
    throw error;
  }
}

export async function unplug(monitor: Monitor, each: PluggedVolume): Promise<void> {
  await monitor.unplug(each.volume.id, UNPLUG_MS);
  await monitor.execute('blockdev-del', { 'node-name': nodeOf(each) });
}

export function slotOf(device: string): number {
  const index = LETTERS.indexOf(/([a-p])$/.exec(device)?.[1] ?? ' ');
  if (index < 0) throw new Error(`${device} is not the name of a disk.`);
  return FIRST_SLOT + index;
}

function blockOf(plugged: PluggedVolume): Arguments {
  const { volume } = plugged;
  const filename = join(volume.dir, 'disk.raw');
  makeDisk(filename, volume.size);
  return { driver: 'raw', 'node-name': nodeOf(plugged), file: { driver: 'file', filename, discard: 'unmap' } };
}

/** The guest finds the id in the disk's serial number, which has 20 characters at most. */
function deviceOf(each: PluggedVolume): Arguments {
  const { volume, device } = each;
  return {
    driver: 'virtio-blk-pci',
    id: volume.id,
    drive: nodeOf(each),
    serial: volume.id.slice(0, 20),
    addr: `0x${slotOf(device).toString(16)}`,
  };
}

/** A node name has 31 characters at most. */
function nodeOf({ volume }: PluggedVolume): string {
  return `disk-${volume.id}`;
}
