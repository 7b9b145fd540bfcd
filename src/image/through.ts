import type { Duplex } from 'node:stream';
import { pipeline } from 'node:stream/promises';

/** A stream through one of Node's transforms. What fails on either side fails here; whoever stops listening ends both. */
export async function* through(input: AsyncIterable<Uint8Array>, transform: Duplex): AsyncGenerator<Buffer, void> {
  const pump = pipeline(input, transform).catch(() => undefined);
  try {
    yield* transform as AsyncIterable<Buffer>;
  } finally {
    transform.destroy();
    await pump;
  }
}

/** What zlib says of data that is cut off or damaged. */
export function isDamage(error: unknown): boolean {
  return error instanceof Error && 'code' in error && String(error.code).startsWith('Z_');
}
