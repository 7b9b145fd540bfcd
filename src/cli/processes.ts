/**
 * `worker` and `lab` are programs of their own, which take this process over: whatever is told to it reaches them, SIGKILL and
 * SIGSTOP too, which no parent can pass on. Nothing of them is loaded for any other command.
 */

import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { ClientError } from '../client/errors';
import { ROOT } from '../client/paths';
import type { Context } from './context';

/** What their main modules export. */
interface WorkerProgram {
  /** Ends the process. */
  runWorker(options: { readonly json: boolean }): Promise<never>;
}
interface LabProgram {
  /** @returns the exit code */
  runLab(args: readonly string[]): Promise<number>;
}

const load = createRequire(__filename);

export function workerCommand({ profile, json }: Context): Promise<never> {
  if (profile !== undefined) process.env.TEMPORAL_PROFILE = profile;
  return (load(pathOf('worker', 'dist/src/worker/main.js')) as WorkerProgram).runWorker({ json });
}

/** --json is an option of ours as well, so it never arrives among the lab's. */
export function labCommand({ json }: Context, args: readonly string[]): Promise<number> {
  return (load(pathOf('lab', 'dist/lab/main.js')) as LabProgram).runLab([...args, ...(json ? ['--json'] : [])]);
}

function pathOf(what: string, program: string): string {
  const path = join(ROOT, program);
  if (!existsSync(path)) throw new ClientError('NOT_BUILT', `The ${what} cannot be started. ${path} is not there.`);
  return path;
}
