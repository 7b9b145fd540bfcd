/**
 * Sparse files in tar archives: only the data between the holes is stored, with a map of where it belongs. GNU tar writes the map in
 * four ways: in blocks after the header (its own format), in records of the extended header (pax 0.0 and 0.1), or at the start of the
 * data (pax 1.0). A map that does not fit its data is refused: the digest of a bundle does not say how the map is to be read.
 */

import { DeployError } from '../../deployment/errors';
import type { ByteReader } from '../streams';
import { TAR_BLOCK, padding, tarNumber } from './tar-header';

/** The stored data, in the order of the archive: its offset in the file, and its length. Everything between is zero. */
export type Extents = readonly (readonly [offset: number, length: number])[];

export interface SparseMap {
  /** Of the file, holes included. */
  readonly size: number;
  readonly extents: Extents;
  /** How many bytes the map takes at the start of the data. */
  readonly mapSize: number;
}

/** What is known of a member before its map is read. */
export interface SparseHeader {
  readonly block: Buffer;
  readonly type: string;
  readonly records: readonly (readonly [keyword: string, value: string])[];
}

/** Enough for a file of 8 GiB with a hole on every other page. Each extent takes about 50 bytes of memory. */
const EXTENT_LIMIT = 1024 * 1024;
/** The longest decimal number in a map. */
const MAX_DIGITS = 20;
/** Offsets and lengths in GNU tar's own format. */
const GNU = {
  entries: 386,
  entriesInHeader: 4,
  extended: 482,
  size: 483,
  entriesInBlock: 21,
  extendedInBlock: 504,
  entry: 24,
  field: 12,
} as const;

/** Undefined for a file without holes. */
export async function readSparseMap(
  reader: ByteReader,
  { block, type, records }: SparseHeader,
): Promise<SparseMap | undefined> {
  if (type === 'S') return gnuMap(reader, block);
  // Of a keyword that is repeated, the last value counts.
  const last = new Map(records);
  const [major, minor] = [last.get('GNU.sparse.major'), last.get('GNU.sparse.minor')];
  if (major !== undefined && `${major}.${minor ?? 0}` !== '1.0')
    throw new DeployError(
      'IMAGE_FORMAT',
      `The archive has a sparse file of version ${major}.${minor ?? 0}, which cannot be read here.`,
    );
  if (major !== undefined) return mapInData(reader, digits(last.get('GNU.sparse.realsize'), reader));
  const size = last.get('GNU.sparse.size');
  if (size === undefined) return undefined;
  const listed = records
    .filter(([keyword]) => keyword === 'GNU.sparse.offset' || keyword === 'GNU.sparse.numbytes')
    .map(([, value]) => value);
  const numbers = (last.get('GNU.sparse.map')?.split(',') ?? listed)
    .filter((text) => text !== '')
    .map((text) => digits(text, reader));
  if (numbers.length !== 2 * digits(last.get('GNU.sparse.numblocks'), reader)) throw badMap(reader);
  return { size: digits(size, reader), extents: pairs(numbers, reader), mapSize: 0 };
}

/** How much data is stored, without the map. Checks that the map fits the data and the size; only the last extent may end within a block. */
export function storedSize({ size, extents, mapSize }: SparseMap, stated: number, reader: ByteReader): number {
  let [end, stored] = [0, 0];
  for (const [index, [offset, length]] of extents.entries()) {
    if (offset < end || (padding(length) > 0 && index < extents.length - 1)) throw badMap(reader);
    end = offset + length;
    stored += length;
  }
  if (end > size || stored + mapSize !== stated) throw badMap(reader);
  return stored;
}

async function gnuMap(reader: ByteReader, header: Buffer): Promise<SparseMap> {
  const numbers = gnuEntries(header, GNU.entries, GNU.entriesInHeader, reader);
  for (let extended = header[GNU.extended]; extended !== 0;) {
    const block = await reader.read(TAR_BLOCK);
    numbers.push(...gnuEntries(block, 0, GNU.entriesInBlock, reader));
    if (numbers.length > 2 * EXTENT_LIMIT) throw tooMany();
    extended = block[GNU.extendedInBlock];
  }
  return {
    size: number(header.subarray(GNU.size, GNU.size + GNU.field), reader),
    extents: pairs(numbers, reader),
    mapSize: 0,
  };
}

/** The list ends at the first entry whose length is empty (a length of zero is written as digits). */
function gnuEntries(block: Buffer, from: number, count: number, reader: ByteReader): number[] {
  const numbers: number[] = [];
  for (let at = from; at < from + count * GNU.entry && block[at + GNU.field] !== 0; at += GNU.entry) {
    numbers.push(
      number(block.subarray(at, at + GNU.field), reader),
      number(block.subarray(at + GNU.field, at + GNU.entry), reader),
    );
  }
  return numbers;
}

/** Decimal numbers, one per line: the count of extents, then offset and length of each; padded to a block. */
async function mapInData(reader: ByteReader, size: number): Promise<SparseMap> {
  const numbers: number[] = [];
  let [mapSize, rest, wanted] = [0, '', 1];
  while (numbers.length < wanted) {
    const lines = (rest + (await reader.read(TAR_BLOCK)).toString('latin1')).split('\n');
    mapSize += TAR_BLOCK;
    rest = lines.pop() ?? '';
    for (const line of lines) {
      if (numbers.length === wanted) break;
      numbers.push(digits(line, reader));
      wanted = 1 + 2 * (numbers[0] ?? 0);
    }
    if (wanted > 1 + 2 * EXTENT_LIMIT) throw tooMany();
    if (numbers.length < wanted && rest.length > MAX_DIGITS) throw badMap(reader);
  }
  return { size, extents: pairs(numbers.slice(1), reader), mapSize };
}

function pairs(numbers: readonly number[], reader: ByteReader): Extents {
  if (numbers.length % 2 !== 0) throw badMap(reader);
  if (numbers.length > 2 * EXTENT_LIMIT) throw tooMany();
  const extents: [number, number][] = [];
  // An empty extent marks the end of the file after a hole.
  for (let at = 0; at < numbers.length; at += 2)
    if (numbers[at + 1] !== 0) extents.push([numbers[at] ?? 0, numbers[at + 1] ?? 0]);
  return extents;
}

function number(field: Buffer, reader: ByteReader): number {
  return checked(tarNumber(field), reader);
}

function digits(text: string | undefined, reader: ByteReader): number {
  return checked(/^[0-9]+$/.test(text ?? '') ? Number(text) : NaN, reader);
}

function checked(value: number, reader: ByteReader): number {
  if (!Number.isSafeInteger(value) || value < 0) throw badMap(reader);
  return value;
}

function badMap({ damageCode }: ByteReader): DeployError {
  return new DeployError(
    damageCode,
    'The map of a sparse file in the archive is damaged, or does not fit the stored data.',
  );
}

function tooMany(): DeployError {
  return new DeployError(
    'IMAGE_FORMAT',
    `The archive has a sparse file with more than ${EXTENT_LIMIT} extents. Create the archive without -S (--sparse).`,
  );
}
