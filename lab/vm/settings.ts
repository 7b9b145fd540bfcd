/** What a real machine is told of its knobs: a second disk with one JSON text on it, as a node would give it its metadata. */

import { writeFileSync } from 'node:fs';
import { readDialogue } from '../appliance/dialogue';
import { familyOf } from '../appliance/kato/releases';
import type { Knobs } from '../types';

const SECTOR = 512;

/** Read by guest/rootfs: the machine has no other way to know of the lab. */
export function writeSettings(path: string, knobs: Knobs): void {
  const text = JSON.stringify({ knobs, family: familyOf(knobs.release), dialogue: readDialogue(knobs.dialogue) });
  const length = Buffer.byteLength(text);
  writeFileSync(path, text + ' '.repeat((SECTOR - (length % SECTOR)) % SECTOR), { mode: 0o600 });
}
