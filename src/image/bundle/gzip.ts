/**
 * The compressed stream of a bundle. Every block is a gzip member of its own, so blocks can be compressed on all cores, and any of them
 * again. Readers see one stream: gzip, pigz, Python and Java go on from member to member.
 */

import { createHash } from 'node:crypto';
import { constants, deflateRaw, deflateRawSync, gzip, gzipSync } from 'node:zlib';
import { promisify } from 'node:util';
import { tarHeader, tarTrailer } from '../archive/tar-header';
import { BLOCK_SIZE, ZEROS, alignedBuffers, blockLength, mapInOrder } from '../blocks';
import type { WorkOptions } from '../blocks';
import { sourceChanged } from '../source';
import type { Source } from '../source';
import type { Survey } from './survey';

/**
 * Node's zlib is Chromium's, which only finds matches of four bytes and more. Measured against pigz -6 on one core: a system image is
 * compressed 2.3 times as fast and gets 0.6 % larger, text 0.5 %, JavaScript 1.9 %, programs alone (/usr/bin) 3.9 %. Level 6 is a fifth
 * slower and still 3.3 % larger there, level 4 is a third faster and 6 % larger. `memLevel` 9 (a larger hash) is a tenth faster and
 * takes 130 KiB more per block that is compressed at once.
 */
const SETTINGS = { level: 5, memLevel: 9 };

/** Room for incompressible data: the output must fit into one chunk, since each chunk is another trip to the thread pool. */
const HEADROOM = 64 * 1024;

const gzipAsync = promisify<Buffer, { level: number; memLevel: number; chunkSize: number }, Buffer>(gzip);

/** Runs on the thread pool. Node writes no time into the header, so the same bytes give the same member. */
export async function gzipMember(bytes: Buffer): Promise<Buffer> {
  return gzipAsync(bytes, { ...SETTINGS, chunkSize: bytes.length + HEADROOM });
}

const zeroMembers = new Map<number, Buffer>();

/** The member of a block of zeros, compressed only once for each length. */
export function zeroMember(length: number): Buffer {
  const made = zeroMembers.get(length) ?? gzipSync(ZEROS.subarray(0, length), SETTINGS);
  zeroMembers.set(length, made);
  return made;
}

const deflateAsync = promisify<
  Buffer,
  { level: number; memLevel: number; chunkSize: number; finishFlush: number },
  Buffer
>(deflateRaw);

/** Ends on a whole byte and is not the last block, so the results can stand one after another in one stream. */
const OPEN_END = { ...SETTINGS, finishFlush: constants.Z_SYNC_FLUSH };

/** The compressed data without header and trailer, for a gzip file of one member. Runs on the thread pool. */
export async function deflateBlock(bytes: Buffer): Promise<Buffer> {
  return deflateAsync(bytes, { ...OPEN_END, chunkSize: bytes.length + HEADROOM });
}

const zeroBlocks = new Map<number, Buffer>();

export function deflatedZeros(length: number): Buffer {
  const made = zeroBlocks.get(length) ?? deflateRawSync(ZEROS.subarray(0, length), OPEN_END);
  zeroBlocks.set(length, made);
  return made;
}

/** CRC-32 of the uncompressed content, from the trailer of the member. */
export function crcOf(member: Buffer): number {
  return member.readUInt32LE(member.length - 8);
}

/** Member 0 is the tar header, member n + 1 is block n of the image, the last is the end of the archive. */
function memberCount(survey: Survey): number {
  return survey.blocks.length + 2;
}

/** From member `from` on. Blocks that were zero in the survey are not read again; all others must still be what they were then. */
export async function* gzipMembers(
  source: Source,
  prefix: string,
  survey: Survey,
  from: number,
  { concurrency, signal, onProgress }: WorkOptions,
): AsyncGenerator<Buffer, void> {
  const buffers = alignedBuffers(concurrency);
  const make = async (member: number, slot: number): Promise<Buffer> => {
    signal?.throwIfAborted();
    onProgress?.();
    if (member === 0) return gzipMember(tarHeader(prefix, survey.size));
    if (member > survey.blocks.length) return gzipMember(tarTrailer(survey.size));
    return gzipBlock(source, survey, member - 1, buffers(slot));
  };
  yield* mapInOrder({ from, count: memberCount(survey) }, concurrency, make);
}

async function gzipBlock(source: Source, survey: Survey, index: number, buffer: Buffer): Promise<Buffer> {
  const length = blockLength(survey.size, index);
  const crc = survey.blocks[index];
  if (crc === undefined) return zeroMember(length);
  const bytes = buffer.subarray(0, length);
  await source.read(bytes, index * BLOCK_SIZE);
  const member = await gzipMember(bytes);
  if (crcOf(member) !== crc) throw sourceChanged(source.path);
  return member;
}

let name: string | undefined;

/**
 * Identifies the compressor by its output: another zlib, level or processor that gives other bytes gives another name. The name goes into
 * the derivation of the bundle's key, so that no key ever encrypts two different streams.
 */
export function compressorName(): string {
  name ??= createHash('sha256').update(gzipSync(sample(), SETTINGS)).digest('hex').slice(0, 32);
  return `${BLOCK_SIZE}/${name}`;
}

/** Strings that repeat at short and long distances, mixed with noise. */
function sample(): Buffer {
  const bytes = Buffer.alloc(256 * 1024);
  let state = 1;
  const random = (below: number): number => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return (state >>> 8) % below;
  };
  for (let at = 0; at < bytes.length;) {
    const length = 3 + random(60);
    const from = at - 1 - random(Math.min(at, 40_000) || 1);
    if (at > 1000 && random(4) > 0) at += bytes.copy(bytes, at, from, Math.min(from + length, at));
    else
      for (const end = Math.min(at + length, bytes.length); at < end; at++)
        bytes[at] = random(3) === 0 ? random(256) : 97 + random(12);
  }
  return bytes;
}
