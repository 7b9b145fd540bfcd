/** Decompresses xz, which Node cannot, with the program `xz -dc`. The caller starts it: no process is started in this folder. */

import type { Readable, Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { DeployError } from '../../deployment/errors';

export type XzDecompressor = (compressed: AsyncIterable<Uint8Array>) => AsyncIterable<Buffer>;

/** The part of a child process that is used here. */
export interface XzProcess {
  readonly stdin: Writable;
  readonly stdout: Readable;
  once(event: 'error', listener: (error: Error) => void): unknown;
  once(event: 'close', listener: (code: number | null) => void): unknown;
  kill(): unknown;
}

export function xzDecompressor(start: () => XzProcess): XzDecompressor {
  return async function* (compressed) {
    const child = start();
    const ended = new Promise<number | Error | null>((resolve) => {
      child.once('error', resolve);
      child.once('close', resolve);
    });
    // If this fails, the process ends with an error of its own, or never started.
    const piped = pipeline(compressed, child.stdin).catch(() => undefined);
    try {
      yield* child.stdout as AsyncIterable<Buffer>;
      const end = await ended;
      if (end instanceof Error) throw new DeployError('IMAGE_FORMAT', 'The program xz is not installed.');
      if (end !== 0) throw new DeployError('IMAGE_SOURCE_DAMAGED', 'The xz file is cut off or damaged.');
    } finally {
      child.kill();
      await piped;
    }
  };
}
