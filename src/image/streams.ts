import type { Duplex } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { DeployError } from '../deployment/errors';
import type { ErrorCode } from '../deployment/errors';

/** How much zlib returns at a time: with its default of 16 KiB, unpacking takes twice as long. */
export const ZLIB_CHUNK = 256 * 1024;

/** An error on either side fails the result; leaving the loop early ends both sides, and waits until they have ended. */
export async function* pipeThrough(input: AsyncIterable<Uint8Array>, transform: Duplex): AsyncGenerator<Buffer, void> {
  // Its error destroys the transform, so it is thrown where that is read.
  const piped = pipeline(input, transform).catch(() => undefined);
  try {
    yield* transform as AsyncIterable<Buffer>;
  } finally {
    transform.destroy();
    await piped;
  }
}

/** Calls `onProgress` for every chunk. */
export async function* withProgress(
  stream: AsyncIterable<Buffer>,
  onProgress: () => void,
): AsyncGenerator<Buffer, void> {
  for await (const bytes of stream) {
    onProgress();
    yield bytes;
  }
}

/** Reads a given number of bytes at a time from a stream whose chunks have any length. */
export class ByteReader {
  private readonly stream: AsyncIterator<Buffer>;
  private rest: Buffer = Buffer.alloc(0);

  constructor(
    stream: AsyncIterable<Buffer>,
    /** The error code for a stream that ends too early, or whose content is damaged. */
    readonly damageCode: ErrorCode,
  ) {
    this.stream = stream[Symbol.asyncIterator]();
  }

  async read(length: number): Promise<Buffer> {
    const chunks: Buffer[] = [];
    for await (const chunk of this.chunks(length)) chunks.push(chunk);
    return Buffer.concat(chunks);
  }

  /** The next `length` bytes, without copying them. */
  async *chunks(length: number): AsyncGenerator<Buffer, void> {
    for (let left = length; left > 0;) {
      if (this.rest.length === 0) await this.fill();
      const chunk = this.rest.subarray(0, left);
      this.rest = this.rest.subarray(chunk.length);
      left -= chunk.length;
      yield chunk;
    }
  }

  async skip(length: number): Promise<void> {
    for await (const _ of this.chunks(length));
  }

  /** Reads to the end of the stream; returns how many bytes were left. */
  async drain(): Promise<number> {
    let length = 0;
    for await (const bytes of this.toEnd()) length += bytes.length;
    return length;
  }

  /** All that is left. */
  async *toEnd(): AsyncGenerator<Buffer, void> {
    if (this.rest.length > 0) yield this.rest;
    this.rest = Buffer.alloc(0);
    for (let next = await this.stream.next(); next.done !== true; next = await this.stream.next()) yield next.value;
  }

  async close(): Promise<void> {
    await this.stream.return?.();
  }

  private async fill(): Promise<void> {
    const next = await this.stream.next();
    if (next.done === true) throw new DeployError(this.damageCode, 'The data ends before the image does.');
    this.rest = next.value;
  }
}
