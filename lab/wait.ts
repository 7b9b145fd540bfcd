/** Waits until a process is ready. */

import { readFileSync } from 'node:fs';
import type { Child } from './child-processes';

const POLL_MS = 100;

/** Polls until `ready` is true. Throws with the end of the log if the process exits or the time is up. */
export async function untilReady(child: Child, ready: () => Promise<boolean>, limit = 60_000): Promise<void> {
  const deadline = Date.now() + limit;
  while (child.running() && Date.now() < deadline) {
    if (await ready().catch(() => false)) return;
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
  const what = child.running() ? `was not ready after ${limit / 1000} s` : 'exited on startup';
  throw new Error(`The lab's ${child.name} ${what}. The end of ${child.log}:\n${tailOf(child.log)}`);
}

export function tailOf(log: string): string {
  try {
    return readFileSync(log, 'utf8').trimEnd().split('\n').slice(-12).join('\n');
  } catch {
    return '(no log)';
  }
}
