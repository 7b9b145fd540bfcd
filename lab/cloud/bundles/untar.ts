/** Unpacks a bundle's archive with the system's tar, as Walrus does (`/bin/tar xfO`), including sparse files. */

import { spawn } from 'node:child_process';
import { once } from 'node:events';

/** The pax headers that mark a sparse file are within the first bytes of the archive. */
const HEAD = 4096;

export interface TarReader {
  /** Whether it can read a sparse file in the pax format, which Python 2 cannot. */
  readonly readsPaxSparse: boolean;
}

/** @param source the archive; always read to its end, because the caller hashes it on the way */
export async function untar(
  source: AsyncIterable<Buffer>,
  { readsPaxSparse }: TarReader,
  found: (bytes: Buffer) => void,
): Promise<void> {
  const tar = spawn('tar', ['-xOf', '-'], { stdio: ['pipe', 'pipe', 'pipe'] });
  const ended = once(tar, 'close');
  ended.catch(() => undefined);
  let said = '';
  tar.stdout.on('data', found);
  tar.stderr.on('data', (bytes: Buffer) => void (said = (said + bytes.toString()).slice(0, 500)));
  // tar may stop reading before the end of the archive.
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
  // Only after the loop, so that the source has been read to its end.
  if (!readsPaxSparse && head.includes('GNU.sparse.'))
    throw new Error('The archive has a sparse file in the pax format, which Python 2 cannot read.');
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
