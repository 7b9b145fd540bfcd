/** The machine's processes on the host: all that were started with its mark in their environment, whatever session they went to. */

import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';

export const MARK = 'STACKATO_LAB_MACHINE';

const LOOK_EVERY = 10;
const PATIENCE = 10_000;

/** Kills them until none is left: one may have started another meanwhile. */
export async function endProcesses(mark: string): Promise<void> {
  const deadline = Date.now() + PATIENCE;
  for (let pids = processesOf(mark); pids.length > 0; pids = processesOf(mark)) {
    for (const pid of pids) kill(pid);
    if (Date.now() > deadline) throw new Error(`Processes of the machine ${mark} do not end: ${pids.join(', ')}.`);
    await delay(LOOK_EVERY);
  }
}

/** A zombie has no environment any more, so it does not count. */
export function processesOf(mark: string): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => hasMark(pid, mark));
}

function hasMark(pid: number, mark: string): boolean {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'latin1')
      .split('\0')
      .includes(Buffer.from(`${MARK}=${mark}`).toString('latin1'));
  } catch {
    return false;
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It ended by itself.
  }
}
