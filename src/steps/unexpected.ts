/** Errors that no activity expects: problems of the worker's own machine, and bugs. */

import { DeployError } from '../deployment/errors';

/** What a person can fix on the worker's machine, by Node's error codes. */
const LACKS: ReadonlyMap<string, string> = new Map([
  ['ENOSPC', 'its disk is full'],
  ['EDQUOT', 'its disk quota is used up'],
  ['EROFS', 'its disk is read-only'],
  ['EACCES', 'it may not use that file'],
  ['EPERM', 'it may not use that file'],
  ['EMFILE', 'it has too many files open'],
  ['ENFILE', 'it has too many files open'],
  ['ENOMEM', 'it is out of memory'],
  ['EAGAIN', 'it cannot start another process'],
]);

/** Returns a DeployError as it is. */
export function toDeployError(error: unknown): DeployError {
  if (error instanceof DeployError) return error;
  if (!(error instanceof Error)) return new DeployError('INTERNAL', String(error));
  const lack = 'code' in error && typeof error.code === 'string' ? LACKS.get(error.code) : undefined;
  if (lack !== undefined)
    return new DeployError('WORKER_MACHINE', `The worker's own machine has a problem, ${lack}: ${error.message}.`);
  return new DeployError('INTERNAL', `${error.name}: ${error.message}`);
}
