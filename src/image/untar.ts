/** Reads tar archives as a stream. */

import { DeployError } from '../deployment/errors';
import { ByteInput } from './byte-input';
import { ZEROS, isZero } from './compressor';
import { paxRecords } from './pax';
import type { PaxRecords } from './pax';
import { sparseOf, storedSize } from './sparse';
import type { Extents } from './sparse';
import { TAR_BLOCK, padding, readTarHeader } from './tar';
import type { TarMember } from './tar';

/** `S`: with holes, in GNU tar's own way. */
const PLAIN = ['0', '\0', 'S'];
/** Extended headers: names, times, sizes and maps of what follows. */
const BESIDES = ['x', 'g', 'L', 'K'];
const BESIDES_LIMIT = 64 * 1024 * 1024;

export interface FoundMember extends TarMember {
  /** Of its data as the archive has them, that is without holes. */
  readonly stored: number;
  /** Undefined: all of it is stored. */
  readonly extents?: Extents;
}

export function isPlain({ type }: TarMember): boolean {
  return PLAIN.includes(type);
}

/** The header of the next member, its data being next; undefined at the archive's end. */
export async function nextMember(input: ByteInput): Promise<FoundMember | undefined> {
  let records: PaxRecords = [];
  let name: string | undefined;
  for (;;) {
    const block = await input.exactly(TAR_BLOCK);
    if (isZero(block)) return undefined;
    const header = readTarHeader(block, input.short);
    if (!BESIDES.includes(header.type))
      return found(input, block, { ...header, ...(name === undefined ? {} : { name }) }, records);
    if (header.size > BESIDES_LIMIT)
      throw new DeployError(
        'IMAGE_FORMAT',
        `The archive has a header of ${header.size} bytes, more than are read here.`,
      );
    const text = (await input.exactly(header.size + padding(header.size))).subarray(0, header.size);
    if (header.type === 'x') records = paxRecords(text, input.short);
    if (header.type === 'L') name = text.toString('latin1').replace(/\0.*$/s, '');
  }
}

async function found(input: ByteInput, block: Buffer, header: TarMember, records: PaxRecords): Promise<FoundMember> {
  const record = (key: string): string | undefined => records.findLast(([each]) => each === key)?.[1];
  const stated = Number(record('size') ?? header.size);
  if (!Number.isSafeInteger(stated) || stated < 0)
    throw new DeployError(input.short, 'A header of the tar archive is damaged.');
  const member = { ...header, name: record('GNU.sparse.name') ?? record('path') ?? header.name };
  const sparse = isPlain(header) ? await sparseOf(input, { block, type: header.type, records }) : undefined;
  if (sparse === undefined) return { ...member, size: stated, stored: stated };
  return { ...member, size: sparse.size, stored: storedSize(sparse, stated, input), extents: sparse.extents };
}

/** A member's data, holes as zeros. Nobody may write into what comes out. */
export async function* dataOf(
  input: ByteInput,
  { size, extents = [[0, size]] }: FoundMember,
): AsyncGenerator<Buffer, void> {
  let at = 0;
  for (const [offset, length] of extents) {
    yield* zeros(offset - at);
    yield* input.upTo(length);
    at = offset + length;
  }
  yield* zeros(size - at);
}

function* zeros(length: number): Generator<Buffer, void> {
  for (let left = length; left > 0; left -= ZEROS.length) yield ZEROS.subarray(0, left);
}

export async function passOver(input: ByteInput, { stored }: FoundMember): Promise<void> {
  await input.skip(stored + padding(stored));
}

/** The one file of a bundle's archive, of this size; reads on to the archive's end, so that who hashes the archive sees all of it. */
export async function* untar(archive: AsyncIterable<Buffer>, size: number): AsyncGenerator<Buffer, void> {
  const input = new ByteInput(archive, 'IMAGE_BUNDLE_BROKEN');
  const member = await nextMember(input);
  if (member === undefined) throw new DeployError('IMAGE_BUNDLE_BROKEN', 'The archive is empty.');
  if (!isPlain(member)) throw new DeployError('IMAGE_FORMAT', 'The archive holds something else than one plain file.');
  if (member.size !== size)
    throw new DeployError('IMAGE_BUNDLE_BROKEN', `The archive holds ${member.size} bytes, the manifest says ${size}.`);
  yield* dataOf(input, member);
  await input.drain();
}
