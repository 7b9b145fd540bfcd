/** `worker` and `lab` are programs of their own, run as this one's child: the client loads nothing of them. */

import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';
import { ClientError } from '../../client/errors';
import { ROOT } from '../../client/paths';
import type { Context } from './context';

const PROGRAMS = { worker: 'dist/src/worker/main.js', lab: 'dist/lab/main.js' } as const;
const PASSED_ON = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT'] as const;

export function workerCommand({ profile }: Context): Promise<number> {
  return runProgram(pathOf('worker'), [], profile === undefined ? {} : { TEMPORAL_PROFILE: profile });
}

/** --json is an option of ours as well, so it never arrives among the lab's. */
export function labCommand({ json }: Context, args: readonly string[]): Promise<number> {
  return runProgram(pathOf('lab'), [...args, ...(json ? ['--json'] : [])]);
}

function pathOf(name: keyof typeof PROGRAMS): string {
  const path = join(ROOT, PROGRAMS[name]);
  if (!existsSync(path)) throw new ClientError('NOT_BUILT', `The ${name} cannot be started. ${path} is not there.`);
  return path;
}

/** @returns the program's own exit code */
export async function runProgram(path: string, args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<number> {
  // Its own group: Ctrl-C would reach it twice, and a second SIGINT means "at once" to a worker.
  const child = spawn(process.execPath, [path, ...args], { stdio: 'inherit', detached: true, env: { ...process.env, ...env } });
  const pass = (signal: NodeJS.Signals): void => void child.kill(signal);
  for (const signal of PASSED_ON) process.on(signal, pass);
  try {
    return await new Promise<number>((resolve, reject) => {
      child.once('error', reject);
      child.once('exit', (code, signal) => resolve(code ?? 128 + constants.signals[signal ?? 'SIGKILL']));
    });
  } finally {
    for (const signal of PASSED_ON) process.removeListener(signal, pass);
  }
}
