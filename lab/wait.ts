/** Waiting for a condition, while a process that should bring it about is alive. */

import { readFileSync } from 'node:fs';
import type { Child } from './household';

const LOOK_EVERY = 100;

/** Looks until `ready` is true. Throws with the end of the log when the child ends or the time is over. */
export async function untilReady(child: Child, ready: () => Promise<boolean>, limit = 60_000): Promise<void> {
  const deadline = Date.now() + limit;
  while (child.running() && Date.now() < deadline) {
    if (await ready().catch(() => false)) return;
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY));
  }
  const what = child.running() ? `was not ready after ${limit / 1000} s` : 'ended at its start';
  throw new Error(`The lab's ${child.name} ${what}. The end of ${child.log}:\n${tailOf(child.log)}`);
}

export function tailOf(log: string): string {
  try {
    return readFileSync(log, 'utf8').trimEnd().split('\n').slice(-12).join('\n');
  } catch {
    return '(no log)';
  }
}
