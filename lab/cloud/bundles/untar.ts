/** What is in a bundle's archive, as the system's tar tells it: so Walrus does it (`/bin/tar xfO`), holes and all. */

import { spawn } from 'node:child_process';
import { once } from 'node:events';

/** Where pax headers say that a file has holes: the first member's header is among these bytes, or a name that none has precedes it. */
const HEAD = 4096;

export interface Archive {
  /** Opens what Python 2 cannot: a pax archive of a file with holes. */
  readonly readsPaxSparse: boolean;
}

/** @param source the archive; read to its end, so that who hashes it on the way has seen all of it */
export async function untar(
  source: AsyncIterable<Buffer>,
  { readsPaxSparse }: Archive,
  found: (bytes: Buffer) => void,
): Promise<void> {
  const tar = spawn('tar', ['-xOf', '-'], { stdio: ['pipe', 'pipe', 'pipe'] });
  const ended = once(tar, 'close');
  ended.catch(() => undefined);
  let said = '';
  tar.stdout.on('data', found);
  tar.stderr.on('data', (bytes: Buffer) => void (said = (said + bytes.toString()).slice(0, 500)));
  // It may stop reading before the archive ends.
  tar.stdin.on('error', () => undefined);
  try {
    await feed(tar.stdin, source, readsPaxSparse);
    const [code] = (await ended) as [number | null];
    if (code !== 0) throw new Error(`The archive cannot be read: ${said.trim()}`);
  } finally {
    tar.kill();
  }
}

async function feed(
  into: NodeJS.WritableStream & { readonly writable: boolean },
  source: AsyncIterable<Buffer>,
  readsPaxSparse: boolean,
): Promise<void> {
  let head = Buffer.alloc(0);
  for await (const bytes of source) {
    if (head.length < HEAD) head = Buffer.concat([head, bytes.subarray(0, HEAD - head.length)]);
    if (into.writable && !into.write(bytes)) await ready(into);
  }
  into.end();
  // Only now: whatever feeds this is at its end, and is not cut off in the middle.
  if (!readsPaxSparse && head.includes('GNU.sparse.'))
    throw new Error('The archive holds a file with holes in the pax format, which Python 2 cannot read.');
}

async function ready(stream: NodeJS.WritableStream): Promise<void> {
  await new Promise<void>((resolve) => {
    const done = (): void => {
      stream.off('drain', done).off('close', done);
      resolve();
    };
    stream.on('drain', done).on('close', done);
  });
}
