/** Secrets, read at the moment of use. Errors name the reference, never the content. */

import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { inspect } from 'node:util';
import type { AllSecrets } from '../steps/ports';
import { DeployError } from '../deployment/errors';
import { MASK } from '../deployment/mask';
import type { SecretRef } from '../deployment/spec';
import { codeOf } from './node-errors';

const MAX_BYTES = 64 * 1024;

const FILE_ERRORS: Readonly<Record<string, string>> = {
  ENOENT: 'does not exist',
  ENOTDIR: 'does not exist',
  EACCES: 'may not be read by the worker',
  EPERM: 'may not be read by the worker',
};

export function createSecrets(): AllSecrets {
  return {
    resolve: async (ref) => new HiddenSecret('env' in ref ? fromEnvironment(ref.env) : await fromFile(ref.file)),
    resolveBytes: async (ref) =>
      new HiddenSecret('env' in ref ? Buffer.from(fromEnvironment(ref.env)) : await bytesFrom(ref.file)),
  };
}

/** In a private field, because nothing that enumerates properties finds it there. */
class HiddenSecret<T extends string | Buffer> {
  readonly #value: T;

  constructor(value: T) {
    this.#value = value;
  }

  reveal(): T {
    return this.#value;
  }

  toString(): string {
    return MASK;
  }

  toJSON(): string {
    return MASK;
  }

  [inspect.custom](): string {
    return MASK;
  }
}

function fromEnvironment(name: string): string {
  const value = process.env[name];
  if (value === undefined) throw missing({ env: name }, 'is not set');
  if (value === '') throw missing({ env: name }, 'is empty');
  return value;
}

async function fromFile(path: string): Promise<string> {
  const value = textOf(path, await bytesFrom(path)).replace(/\r?\n$/, '');
  if (value === '') throw missing({ file: path }, 'is empty');
  return value;
}

async function bytesFrom(path: string): Promise<Buffer> {
  let bytes: Uint8Array;
  try {
    bytes = await readStart(path);
  } catch (error) {
    if (error instanceof DeployError) throw error;
    const code = codeOf(error) ?? 'unknown error';
    throw missing({ file: path }, FILE_ERRORS[code] ?? `cannot be read (${code})`);
  }
  if (bytes.length > MAX_BYTES) throw missing({ file: path }, `is larger than ${MAX_BYTES / 1024} KiB`);
  if (bytes.length === 0) throw missing({ file: path }, 'is empty');
  return Buffer.from(bytes);
}

/** Reads at most one byte more than is allowed, which is enough to tell. */
async function readStart(path: string): Promise<Uint8Array> {
  // Opening a named pipe that nobody writes to would block a thread forever.
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
