/**
 * `worker` and `lab` are programs of their own, which take over this process: signals reach them directly, SIGKILL and SIGSTOP too, which a
 * parent process could not pass on.
 */

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { ClientError } from '../../client/errors';
import type { Context } from '../context';
import { PACKAGE_ROOT } from '../package';

/** What their main modules export. */
interface WorkerProgram {
  /** Ends the process. */
  runWorker(options: { readonly json: boolean }): Promise<never>;
}
interface LabProgram {
  /** @returns the exit code */
  runLab(args: readonly string[]): Promise<number>;
}

export async function workerCommand({ profile, json }: Context): Promise<never> {
  if (profile !== undefined) process.env.TEMPORAL_PROFILE = profile;
  const { runWorker } = (await import(urlOf('worker', 'dist/src/worker/main.js'))) as WorkerProgram;
  return runWorker({ json });
}

/** Our own parser takes --json, so it is not among the lab's arguments. */
export async function labCommand({ json }: Context, args: readonly string[]): Promise<number> {
  const { runLab } = (await import(urlOf('lab', 'dist/lab/main.js'))) as LabProgram;
  return runLab([...args, ...(json ? ['--json'] : [])]);
}

function urlOf(what: string, program: string): string {
  const path = join(PACKAGE_ROOT, program);
  if (!existsSync(path)) throw new ClientError('NOT_BUILT', `The ${what} cannot be started. ${path} does not exist.`);
  return pathToFileURL(path).href;
}
