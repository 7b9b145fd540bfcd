/**
 * The machine's processes on the host: all that have its folder in their environment, whatever session they moved to.
 */

import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';

export const MACHINE_VARIABLE = 'STACKATO_LAB_MACHINE';

const POLL_MS = 10;
const TIMEOUT_MS = 10_000;

/** Kills until none is left, since a process may have started another one meanwhile. */
export async function endProcesses(mark: string): Promise<void> {
  const deadline = Date.now() + TIMEOUT_MS;
  for (let pids = processesOf(mark); pids.length > 0; pids = processesOf(mark)) {
    for (const pid of pids) kill(pid);
    if (Date.now() > deadline) throw new Error(`Processes of the machine ${mark} do not end: ${pids.join(', ')}.`);
    await delay(POLL_MS);
  }
}

/** Zombies are left out: they no longer have an environment. */
export function processesOf(mark: string): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => belongsTo(pid, mark));
}

function belongsTo(pid: number, mark: string): boolean {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'latin1')
      .split('\0')
      .includes(Buffer.from(`${MACHINE_VARIABLE}=${mark}`).toString('latin1'));
  } catch {
    return false;
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has already exited.
  }
}
