/** Passes the knobs to a real machine: as JSON, in a file of QEMU's firmware. */

import { writeFileSync } from 'node:fs';
import { readDialogue } from '../appliance/dialogue';
import { familyOf } from '../appliance/kato/releases';
import type { Knobs } from '../knobs';

const SECTOR = 512;

/**
 * Read by guest/rootfs/usr/lib/stackato/boot.py.
 * @param sshPort that of all machines of the lab, at which those of a cluster reach one another, too
 */
export function writeSettings(path: string, knobs: Knobs, sshPort: number): void {
  const dialogue = readDialogue(knobs.dialogue);
  const text = JSON.stringify({ knobs, family: familyOf(knobs.release), dialogue, sshPort });
  const length = Buffer.byteLength(text);
  writeFileSync(path, text + ' '.repeat((SECTOR - (length % SECTOR)) % SECTOR), { mode: 0o600 });
}
