/**
 * Reads tar archives as a stream. Not with tar-stream: it cannot read sparse files (it drops the map in GNU headers and repeated pax
 * keywords, checked with 3.2.2), and it holds extended headers of any size in memory.
 */

import { DeployError } from '../../deployment/errors';
import type { ErrorCode } from '../../deployment/errors';
import { ZEROS, isZero } from '../blocks';
import { ByteReader } from '../streams';
import { TAR_BLOCK, padding, readTarHeader } from './tar-header';
import type { TarHeader } from './tar-header';
import { readSparseMap, storedSize } from './tar-sparse';
import type { Extents } from './tar-sparse';

/** `S`: a sparse file in GNU tar's own format. */
const REGULAR_FILES = ['0', '\0', 'S'];
/** Names, times, sizes and sparse maps of the member that follows. */
const EXTENDED_HEADERS = ['x', 'g', 'L', 'K'];

export interface HeaderLimits {
  /** Bytes of one extended header: it is held in memory. */
  readonly extendedHeader: number;
  /** Extended headers before one member. */
  readonly perMember: number;
}

const HEADER_LIMITS: HeaderLimits = { extendedHeader: 64 * 1024 * 1024, perMember: 16 };

export interface TarMember extends TarHeader {
  /** How much data the archive has for it, without holes. */
  readonly stored: number;
  /** Undefined if the file has no holes. */
  readonly extents?: Extents;
}

export function isRegularFile({ type }: TarHeader): boolean {
  return REGULAR_FILES.includes(type);
}

/** Reads up to the data of the next member; undefined at the end of the archive. */
export async function nextMember(
  reader: ByteReader,
  { extendedHeader, perMember }: HeaderLimits = HEADER_LIMITS,
): Promise<TarMember | undefined> {
  let records: PaxRecords = [];
  let name: string | undefined;
  for (let count = 1; ; count++) {
    const block = await reader.read(TAR_BLOCK);
    if (isZero(block)) return undefined;
    const header = readTarHeader(block, reader.damageCode);
    if (!EXTENDED_HEADERS.includes(header.type))
      return memberOf(reader, block, { ...header, ...(name === undefined ? {} : { name }) }, records);
    if (header.size > extendedHeader)
      throw new DeployError(
        'IMAGE_FORMAT',
        `The archive has an extended header of ${header.size} bytes. The limit is ${extendedHeader}.`,
      );
    if (count > perMember)
      throw new DeployError('IMAGE_FORMAT', `The archive has more than ${perMember} extended headers for one file.`);
    const content = (await reader.read(header.size + padding(header.size))).subarray(0, header.size);
    if (header.type === 'x') records = paxRecords(content, reader.damageCode);
    if (header.type === 'L') name = content.toString('latin1').replace(/\0.*$/s, '');
  }
}

async function memberOf(reader: ByteReader, block: Buffer, header: TarHeader, records: PaxRecords): Promise<TarMember> {
  const record = (keyword: string): string | undefined => records.findLast(([each]) => each === keyword)?.[1];
  const stated = Number(record('size') ?? header.size);
  if (!Number.isSafeInteger(stated) || stated < 0) throw damagedHeader(reader.damageCode);
  const member = { ...header, name: record('GNU.sparse.name') ?? record('path') ?? header.name };
  const map = isRegularFile(header) ? await readSparseMap(reader, { block, type: header.type, records }) : undefined;
  if (map === undefined) return { ...member, size: stated, stored: stated };
  return { ...member, size: map.size, stored: storedSize(map, stated, reader), extents: map.extents };
}

/** Reads a member's data, with zeros for holes. The chunks are shared: nobody may write into them. */
export async function* readMember(
  reader: ByteReader,
  { size, extents = [[0, size]] }: TarMember,
): AsyncGenerator<Buffer, void> {
  let at = 0;
  for (const [offset, length] of extents) {
    yield* zeros(offset - at);
    yield* reader.chunks(length);
    at = offset + length;
  }
  yield* zeros(size - at);
}

function* zeros(length: number): Generator<Buffer, void> {
  for (let left = length; left > 0; left -= ZEROS.length) yield ZEROS.subarray(0, left);
}

export async function skipMember(reader: ByteReader, { stored }: TarMember): Promise<void> {
  await reader.skip(stored + padding(stored));
}

/** The only file in the archive of a bundle. Reads to the archive's end, so that a digest of the archive covers all of it. */
export async function* readOnlyFile(archive: AsyncIterable<Buffer>, size: number): AsyncGenerator<Buffer, void> {
  const reader = new ByteReader(archive, 'IMAGE_BUNDLE_BROKEN');
  const member = await nextMember(reader);
  if (member === undefined) throw new DeployError('IMAGE_BUNDLE_BROKEN', 'The archive is empty.');
  if (!isRegularFile(member))
    throw new DeployError('IMAGE_FORMAT', 'The archive holds something else than one plain file.');
  if (member.size !== size)
    throw new DeployError('IMAGE_BUNDLE_BROKEN', `The archive holds ${member.size} bytes, the manifest says ${size}.`);
  yield* readMember(reader, member);
  await reader.drain();
}

/** The records of a pax header. The order matters: pax 0.0 repeats keywords. */
type PaxRecords = readonly (readonly [keyword: string, value: string])[];

/** Of the length of a record. */
const MAX_DIGITS = 9;

/** A record is `<length> <keyword>=<value>` and a newline; the length is that of the whole record. Keywords and values as Latin-1. */
function paxRecords(bytes: Buffer, damageCode: ErrorCode): PaxRecords {
  const records: (readonly [string, string])[] = [];
  for (let at = 0; at < bytes.length;) {
    const [length = ''] = /^[0-9]+(?= )/.exec(bytes.toString('latin1', at, at + MAX_DIGITS + 1)) ?? [];
    const record = bytes.toString('latin1', at + length.length + 1, at + Number(length));
    const equals = record.indexOf('=');
    if (equals < 1 || !record.endsWith('\n') || at + Number(length) > bytes.length) throw damagedHeader(damageCode);
    records.push([record.slice(0, equals), record.slice(equals + 1, -1)]);
    at += Number(length);
  }
  return records;
}

function damagedHeader(damageCode: ErrorCode): DeployError {
  return new DeployError(damageCode, 'A header of the tar archive is damaged.');
}
