/** Unpacks xz with a program, as Node has none for it: whoever may start processes lends `xz -dc`. */

import type { Readable, Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { DeployError } from '../deployment/errors';
import type { Unxz } from './packed';

/** What is used of a child process. */
export interface Unpacker {
  readonly stdin: Writable;
  readonly stdout: Readable;
  once(event: 'error', listener: (error: Error) => void): unknown;
  once(event: 'close', listener: (code: number | null) => void): unknown;
  kill(): unknown;
}

export function unxzBy(start: () => Unpacker): Unxz {
  return async function* (compressed) {
    const child = start();
    const ended = new Promise<number | Error | null>((resolve) => {
      child.once('error', resolve);
      child.once('close', resolve);
    });
    const pump = pipeline(compressed, child.stdin).catch(() => undefined);
    try {
      yield* child.stdout as AsyncIterable<Buffer>;
      const end = await ended;
      if (end instanceof Error) throw new DeployError('IMAGE_FORMAT', 'There is no program xz here to unpack it with.');
      if (end !== 0) throw new DeployError('IMAGE_SOURCE_DAMAGED', 'The xz file is cut off or damaged.');
    } finally {
      child.kill();
      await pump;
    }
  };
}
