/** Errors that no activity foresaw: what the worker's own machine lacks, and bugs. */

import { DeployError } from '../deployment/errors';

/** What a person can mend on the worker's machine, by Node's names for it. */
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

/** Of a DeployError itself. */
export function toDeployError(error: unknown): DeployError {
  if (error instanceof DeployError) return error;
  const lack =
    error instanceof Error && 'code' in error && typeof error.code === 'string' ? LACKS.get(error.code) : undefined;
  if (lack !== undefined)
    return new DeployError(
      'WORKER_MACHINE',
      `The worker's own machine stands in the way, ${lack}: ${(error as Error).message}.`,
    );
  return new DeployError('INTERNAL', error instanceof Error ? `${error.name}: ${error.message}` : String(error));
}
