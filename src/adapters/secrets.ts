/** Secrets, read at the moment of use. Errors name the reference and never what was found there. */

import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { inspect } from 'node:util';
import type { Secret, Secrets } from '../steps/ports';
import { DeployError } from '../deployment/errors';
import type { SecretRef } from '../deployment/types';

const MAX_BYTES = 64 * 1024;
const SHOWN = '[secret]';

const FILE_ERRORS: Readonly<Record<string, string>> = {
  ENOENT: 'does not exist',
  ENOTDIR: 'does not exist',
  EACCES: 'may not be read by the worker',
  EPERM: 'may not be read by the worker',
};

export function createSecrets(): Secrets {
  return {
    resolve: async (ref) => new HiddenSecret('env' in ref ? fromEnvironment(ref.env) : await fromFile(ref.file)),
  };
}

/** A private field: nothing that walks over properties finds it. */
class HiddenSecret implements Secret {
  readonly #value: string;

  constructor(value: string) {
    this.#value = value;
  }

  reveal(): string {
    return this.#value;
  }

  toString(): string {
    return SHOWN;
  }

  toJSON(): string {
    return SHOWN;
  }

  [inspect.custom](): string {
    return SHOWN;
  }
}

function fromEnvironment(name: string): string {
  const value = process.env[name];
  if (value === undefined) throw missing({ env: name }, 'is not set');
  if (value === '') throw missing({ env: name }, 'is empty');
  return value;
}

async function fromFile(path: string): Promise<string> {
  let bytes: Uint8Array;
  try {
    bytes = await readStart(path);
  } catch (error) {
    if (error instanceof DeployError) throw error;
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown error';
    throw missing({ file: path }, FILE_ERRORS[code] ?? `cannot be read (${code})`);
  }
  if (bytes.length > MAX_BYTES) throw missing({ file: path }, `is larger than ${MAX_BYTES / 1024} KiB`);
  const value = textOf(path, bytes).replace(/\r?\n$/, '');
  if (value === '') throw missing({ file: path }, 'is empty');
  return value;
}

/** One byte more than is allowed is enough to know. */
async function readStart(path: string): Promise<Uint8Array> {
  // A pipe that nobody writes to would block a thread for good.
  const handle = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    if (!(await handle.stat()).isFile()) throw missing({ file: path }, 'is not a plain file');
    const buffer = Buffer.alloc(MAX_BYTES + 1);
    let length = 0;
    for (;;) {
      const { bytesRead } = await handle.read(buffer, length, buffer.length - length);
      length += bytesRead;
      if (bytesRead === 0 || length === buffer.length) return buffer.subarray(0, length);
    }
  } finally {
    await handle.close();
  }
}

function textOf(path: string, bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw missing({ file: path }, 'is not UTF-8 text');
  }
}

function missing(ref: SecretRef, what: string): DeployError {
  return new DeployError(
    'SECRET_MISSING',
    `${'env' in ref ? `The variable ${ref.env}` : `The file ${ref.file}`} ${what}.`,
  );
}
