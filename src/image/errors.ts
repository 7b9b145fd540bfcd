/** Errors of the file system and of zlib, as errors of this product. */

import { DeployError } from '../deployment/errors';
import type { ErrorCode } from '../deployment/errors';

const FILE_ERRORS: Readonly<Record<string, { readonly code: ErrorCode; readonly what: string }>> = {
  ENOENT: { code: 'IMAGE_SOURCE_MISSING', what: 'does not exist' },
  ENOTDIR: { code: 'IMAGE_SOURCE_MISSING', what: 'does not exist' },
  EACCES: { code: 'IMAGE_SOURCE_UNREADABLE', what: 'may not be read' },
  EISDIR: { code: 'IMAGE_SOURCE_UNREADABLE', what: 'is a folder' },
  EPERM: { code: 'IMAGE_SOURCE_UNREADABLE', what: 'may not be read' },
  ENOSPC: { code: 'IMAGE_DISK_FULL', what: 'cannot be written: the disk is full' },
  EDQUOT: { code: 'IMAGE_DISK_FULL', what: 'cannot be written: its owner is over the disk quota' },
};

/** Anything but a failed file operation is returned as it is. */
export function fileError(path: string, error: unknown): unknown {
  if (!isFileError(error)) return error;
  const reason = 'code' in error ? String(error.code) : 'unknown error';
  const { code, what } = FILE_ERRORS[reason] ?? { code: 'IMAGE_SOURCE_UNREADABLE', what: `cannot be used (${reason})` };
  return new DeployError(code, `The file ${path} ${what}.`);
}

export function isFileError(error: unknown): error is Error {
  return error instanceof Error && !(error instanceof DeployError) && 'syscall' in error;
}

/** zlib's error for data that is truncated or damaged. */
export function isZlibError(error: unknown): boolean {
  return error instanceof Error && 'code' in error && String(error.code).startsWith('Z_');
}
