/** What operations on files throw, in our words. */

import { DeployError } from '../deployment/errors';
import type { ErrorCode } from '../deployment/errors';

const FILE_ERRORS: Readonly<Record<string, { readonly code: ErrorCode; readonly what: string }>> = {
  ENOENT: { code: 'IMAGE_SOURCE_MISSING', what: 'does not exist' },
  ENOTDIR: { code: 'IMAGE_SOURCE_MISSING', what: 'does not exist' },
  EACCES: { code: 'IMAGE_SOURCE_UNREADABLE', what: 'may not be read' },
  EISDIR: { code: 'IMAGE_SOURCE_UNREADABLE', what: 'is a folder' },
  EPERM: { code: 'IMAGE_SOURCE_UNREADABLE', what: 'may not be read' },
  ENOSPC: { code: 'IMAGE_DISK_FULL', what: 'finds no space on the disk' },
  EDQUOT: { code: 'IMAGE_DISK_FULL', what: 'is over the quota of its owner' },
};

export function fileError(path: string, error: unknown): unknown {
  if (!(error instanceof Error) || error instanceof DeployError || !('syscall' in error)) return error;
  const reason = 'code' in error ? String(error.code) : 'unknown error';
  const { code, what } = FILE_ERRORS[reason] ?? { code: 'IMAGE_SOURCE_UNREADABLE', what: `cannot be used (${reason})` };
  return new DeployError(code, `The file ${path} ${what}.`);
}
