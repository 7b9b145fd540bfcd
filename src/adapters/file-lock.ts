/**
 * A lock between processes, held by the kernel for as long as the process lives: nothing is left of one that was killed. Node has no
 * flock(2), so the program flock holds it, with a child that ends when its input does.
 */

import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { DeployError } from '../deployment/errors';

/** @param path of the file that is locked; made where there is none, and never removed: a lock on a removed file locks nothing */
export async function withFileLock<T>(path: string, work: () => Promise<T>): Promise<T> {
  // In a session of its own: Ctrl-C must not take the lock from a process that is still writing.
  const child = spawn('flock', [path, 'sh', '-c', 'echo locked; exec cat >/dev/null'], {
    stdio: ['pipe', 'pipe', 'ignore'],
    detached: true,
  });
  const ended = once(child, 'close').catch(() => undefined);
  child.stdin.on('error', () => undefined);
  try {
    await locked(child, path);
    return await work();
  } finally {
    child.stdin.end();
    await ended;
  }
}

async function locked(child: ChildProcess, path: string): Promise<void> {
  const refused = (why: string): DeployError =>
    new DeployError('IMAGE_SOURCE_UNREADABLE', `The file ${path} cannot be locked: ${why}.`);
  await new Promise<void>((resolve, reject) => {
    child.stdout?.once('data', () => resolve());
    child.once('error', () => reject(refused('the program flock (of util-linux) is not installed')));
    child.once('close', () => reject(refused('it may not be written to')));
  });
}
