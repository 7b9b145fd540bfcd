/** The compressed stream of an image, member by member: the tar header, the blocks of the image, the end of the archive. */

import { buffersFor } from './buffers';
import { crcOf, gzipMember, zeroMember, MEMBER } from './compressor';
import { inOrder } from './in-order';
import { changed } from './source';
import type { Source } from './source';
import { blockLength } from './survey';
import type { Lanes, Survey } from './survey';
import { tarHeader, tarTrailer } from './tar';

/** Member 0 is the header, and block n of the image is member n + 1. */
export function memberCount(survey: Survey): number {
  return survey.blocks.length + 2;
}

/** What was all zero in the survey is not read again; everything else must still be what it was then. */
export async function* members(
  source: Source,
  prefix: string,
  seen: Survey,
  from: number,
  { lanes, signal, moved }: Lanes,
): AsyncGenerator<Buffer, void> {
  const buffers = buffersFor(lanes);
  const make = async (member: number, lane: number): Promise<Buffer> => {
    signal?.throwIfAborted();
    moved?.();
    if (member === 0) return gzipMember(tarHeader(prefix, seen.size));
    if (member > seen.blocks.length) return gzipMember(tarTrailer(seen.size));
    return block(source, seen, member - 1, buffers(lane));
  };
  yield* inOrder({ from, count: memberCount(seen) }, lanes, make);
}

async function block(source: Source, seen: Survey, index: number, buffer: Buffer): Promise<Buffer> {
  const length = blockLength(seen.size, index);
  const crc = seen.blocks[index];
  if (crc === undefined) return zeroMember(length);
  const bytes = buffer.subarray(0, length);
  await source.read(bytes, index * MEMBER);
  const member = await gzipMember(bytes);
  if (crcOf(member) !== crc) throw changed(source.path);
  return member;
}
