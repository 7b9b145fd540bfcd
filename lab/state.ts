/** The file with a running lab's addresses. It contains the secret keys, so only its user may read it. */

import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { startTimeOf } from './child-processes';
import type { LabState } from './types';

const STATE_FILE = 'state.json';

export function stateFileOf(dir: string): string {
  return join(dir, STATE_FILE);
}

export function writeState(state: LabState): void {
  // `started` lets a reader check that the pid is still this process.
  const text = JSON.stringify({ ...state, started: startTimeOf(state.pid) }, undefined, 2);
  writeFileSync(stateFileOf(state.dir), text, { mode: 0o600 });
}

/** The state of the lab that runs in the folder; undefined where it is dead. */
export function readState(dir: string): LabState | undefined {
  try {
    const { started, ...state } = JSON.parse(readFileSync(stateFileOf(dir), 'utf8')) as LabState & { started: string };
    return startTimeOf(state.pid) === started ? state : undefined;
  } catch {
    return undefined;
  }
}

export function removeState(dir: string): void {
  rmSync(stateFileOf(dir), { force: true });
}
