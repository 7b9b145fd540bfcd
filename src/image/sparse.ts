/**
 * Files with holes in tar archives: only what is between the holes is stored, after a map of where it belongs. GNU tar has four ways to
 * write the map: blocks after the header (its own format), records of the header before (pax 0.0 and 0.1), and the first blocks of the
 * data (pax 1.0). A map that does not fit its data is refused: the digest of a bundle says nothing about how the map is to be read.
 */

import { DeployError } from '../deployment/errors';
import type { ByteInput } from './byte-input';
import { TAR_BLOCK, padding, tarNumber } from './tar';

/** What is stored, in the order of the archive: where in the file it belongs, and its length. What is between is zero. */
export type Extents = readonly (readonly [offset: number, length: number])[];

export interface Sparse {
  /** Of the file, holes included. */
  readonly size: number;
  readonly extents: Extents;
  /** Bytes before the first extent that are the map. */
  readonly mapSize: number;
}

/** What is known of the member before its map is read. */
export interface SparseHeader {
  readonly block: Buffer;
  readonly type: string;
  readonly records: readonly (readonly [key: string, value: string])[];
}

/** More than a file of 8 GiB has where every other page is a hole; each takes about 50 bytes here. */
const EXTENT_LIMIT = 1024 * 1024;
/** Of a decimal number that could be one. */
const DIGITS = 20;
const OLD = {
  entries: 386,
  inHeader: 4,
  more: 482,
  size: 483,
  inBlock: 21,
  moreInBlock: 504,
  entry: 24,
  field: 12,
} as const;

/** Undefined: a file without holes. */
export async function sparseOf(input: ByteInput, { block, type, records }: SparseHeader): Promise<Sparse | undefined> {
  if (type === 'S') return old(input, block);
  const last = new Map(records);
  const [major, minor] = [last.get('GNU.sparse.major'), last.get('GNU.sparse.minor')];
  if (major !== undefined && `${major}.${minor ?? 0}` !== '1.0')
    throw new DeployError(
      'IMAGE_FORMAT',
      `The archive has a sparse file of version ${major}.${minor ?? 0}, which is not known here.`,
    );
  if (major !== undefined) return inData(input, digits(last.get('GNU.sparse.realsize'), input));
  const size = last.get('GNU.sparse.size');
  if (size === undefined) return undefined;
  const listed = records
    .filter(([key]) => key === 'GNU.sparse.offset' || key === 'GNU.sparse.numbytes')
    .map(([, value]) => value);
  const numbers = (last.get('GNU.sparse.map')?.split(',') ?? listed)
    .filter((text) => text !== '')
    .map((text) => digits(text, input));
  if (numbers.length !== 2 * digits(last.get('GNU.sparse.numblocks'), input)) throw misfit(input);
  return { size: digits(size, input), extents: pairs(numbers, input), mapSize: 0 };
}

/** How much is stored without the map, if the map fits it and the size. The last extent alone may end within a block. */
export function storedSize({ size, extents, mapSize }: Sparse, stated: number, input: ByteInput): number {
  let [end, stored] = [0, 0];
  for (const [index, [offset, length]] of extents.entries()) {
    if (offset < end || (padding(length) > 0 && index < extents.length - 1)) throw misfit(input);
    end = offset + length;
    stored += length;
  }
  if (end > size || stored + mapSize !== stated) throw misfit(input);
  return stored;
}

async function old(input: ByteInput, header: Buffer): Promise<Sparse> {
  const numbers = oldEntries(header, OLD.entries, OLD.inHeader, input);
  for (let more = header[OLD.more]; more !== 0;) {
    const block = await input.exactly(TAR_BLOCK);
    numbers.push(...oldEntries(block, 0, OLD.inBlock, input));
    if (numbers.length > 2 * EXTENT_LIMIT) throw tooMany();
    more = block[OLD.moreInBlock];
  }
  return {
    size: number(header.subarray(OLD.size, OLD.size + OLD.field), input),
    extents: pairs(numbers, input),
    mapSize: 0,
  };
}

/** Entries end where one has no length, not even that of zero. */
function oldEntries(block: Buffer, from: number, count: number, input: ByteInput): number[] {
  const numbers: number[] = [];
  for (let at = from; at < from + count * OLD.entry && block[at + OLD.field] !== 0; at += OLD.entry) {
    numbers.push(
      number(block.subarray(at, at + OLD.field), input),
      number(block.subarray(at + OLD.field, at + OLD.entry), input),
    );
  }
  return numbers;
}

/** Decimal numbers, a line each: how many extents, then offset and length of each; filled up to a block. */
async function inData(input: ByteInput, size: number): Promise<Sparse> {
  const numbers: number[] = [];
  let [mapSize, rest, wanted] = [0, '', 1];
  while (numbers.length < wanted) {
    const lines = (rest + (await input.exactly(TAR_BLOCK)).toString('latin1')).split('\n');
    mapSize += TAR_BLOCK;
    rest = lines.pop() ?? '';
    for (const line of lines) {
      if (numbers.length === wanted) break;
      numbers.push(digits(line, input));
      wanted = 1 + 2 * (numbers[0] ?? 0);
    }
    if (wanted > 1 + 2 * EXTENT_LIMIT) throw tooMany();
    if (numbers.length < wanted && rest.length > DIGITS) throw misfit(input);
  }
  return { size, extents: pairs(numbers.slice(1), input), mapSize };
}

function pairs(numbers: readonly number[], input: ByteInput): Extents {
  if (numbers.length % 2 !== 0) throw misfit(input);
  if (numbers.length > 2 * EXTENT_LIMIT) throw tooMany();
  const extents: [number, number][] = [];
  // One of no length stands at the end, so that a hole before it is seen.
  for (let at = 0; at < numbers.length; at += 2)
    if (numbers[at + 1] !== 0) extents.push([numbers[at] ?? 0, numbers[at + 1] ?? 0]);
  return extents;
}

function number(field: Buffer, input: ByteInput): number {
  return checked(tarNumber(field), input);
}

function digits(text: string | undefined, input: ByteInput): number {
  return checked(/^[0-9]+$/.test(text ?? '') ? Number(text) : NaN, input);
}

function checked(value: number, input: ByteInput): number {
  if (!Number.isSafeInteger(value) || value < 0) throw misfit(input);
  return value;
}

function misfit({ short }: ByteInput): DeployError {
  return new DeployError(short, 'The map of a sparse file in the archive is damaged, or does not fit what is stored.');
}

function tooMany(): DeployError {
  return new DeployError(
    'IMAGE_FORMAT',
    `The archive has a sparse file of more than ${EXTENT_LIMIT} pieces. Store it without -S (--sparse).`,
  );
}
