/** The file that says where a lab is. It holds the keys, so it is for its user only. */

import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { startOf } from './household';
import type { LabState } from './types';

const STATE_FILE = 'state.json';

export function stateFileOf(dir: string): string {
  return join(dir, STATE_FILE);
}

export function writeState(state: LabState): void {
  // `started` tells a reader whether the pid is still this process.
  const text = JSON.stringify({ ...state, started: startOf(state.pid) }, undefined, 2);
  writeFileSync(stateFileOf(state.dir), text, { mode: 0o600 });
}

/** The state of the lab that runs there: what a dead one left does not count. */
export function readState(dir: string): LabState | undefined {
  try {
    const { started, ...state } = JSON.parse(readFileSync(stateFileOf(dir), 'utf8')) as LabState & { started: string };
    return startOf(state.pid) === started ? state : undefined;
  } catch {
    return undefined;
  }
}

export function removeState(dir: string): void {
  rmSync(stateFileOf(dir), { force: true });
}
