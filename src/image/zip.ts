/** Where the one image inside of a zip file is. Stored or deflated, with sizes beyond 4 GiB; nothing encrypted, nothing in volumes. */

import { DeployError } from '../deployment/errors';

export interface ZipEntry {
  readonly name: string;
  readonly deflated: boolean;
  readonly crc: number;
  readonly compressedSize: number;
  readonly size: number;
  /** Of its local header. */
  readonly offset: number;
}

/** Reads so many bytes at a place. */
export type ReadAt = (offset: number, length: number) => Promise<Buffer>;

const END = { signature: 0x06054b50, length: 22, comment: 0xffff };
const END64 = { signature: 0x06064b50, length: 56, locator: 0x07064b50, locatorLength: 20 };
const ENTRY = { signature: 0x02014b50, length: 46 };
const LOCAL = { signature: 0x04034b50, length: 30 };
const SIZE_ELSEWHERE = 0xffffffff;
const DIRECTORY_LIMIT = 64 * 1024 * 1024;

export async function zipEntries(readAt: ReadAt, size: number): Promise<readonly ZipEntry[]> {
  const { offset, length } = await directory(readAt, size);
  if (length > DIRECTORY_LIMIT || offset + length > size) throw damaged();
  const bytes = await readAt(offset, length);
  const entries: ZipEntry[] = [];
  for (let at = 0; at + ENTRY.length <= length && bytes.readUInt32LE(at) === ENTRY.signature;) {
    const [name, extra, comment] = [28, 30, 32].map((field) => bytes.readUInt16LE(at + field)) as [
      number,
      number,
      number,
    ];
    const end = at + ENTRY.length + name + extra;
    if (end > length) throw damaged();
    entries.push(entryOf(bytes.subarray(at, end), name));
    at = end + comment;
  }
  return entries;
}

/** Where the data of an entry begins: the local header has names and extras of its own. */
export async function dataOffset(readAt: ReadAt, { offset }: ZipEntry): Promise<number> {
  const header = await readAt(offset, LOCAL.length);
  if (header.readUInt32LE(0) !== LOCAL.signature) throw damaged();
  return offset + LOCAL.length + header.readUInt16LE(26) + header.readUInt16LE(28);
}

async function directory(readAt: ReadAt, size: number): Promise<{ offset: number; length: number }> {
  const start = Math.max(0, size - END.length - END.comment);
  const tail = await readAt(start, size - start);
  const at = tail.lastIndexOf(signatureBytes(END.signature));
  if (at === -1 || at + END.length > tail.length) throw damaged();
  const locator = at - END64.locatorLength;
  if (locator < 0 || tail.readUInt32LE(locator) !== END64.locator)
    return { length: tail.readUInt32LE(at + 12), offset: tail.readUInt32LE(at + 16) };
  const end = await readAt(Number(tail.readBigUInt64LE(locator + 8)), END64.length);
  if (end.readUInt32LE(0) !== END64.signature) throw damaged();
  return { length: Number(end.readBigUInt64LE(40)), offset: Number(end.readBigUInt64LE(48)) };
}

function entryOf(record: Buffer, nameLength: number): ZipEntry {
  const name = record.toString('utf8', ENTRY.length, ENTRY.length + nameLength);
  const method = record.readUInt16LE(10);
  const encrypted = (record.readUInt16LE(8) & 1) === 1;
  const plain = !name.endsWith('/');
  if (plain && (encrypted || (method !== 0 && method !== 8)))
    throw new DeployError(
      'IMAGE_FORMAT',
      `In the zip file, ${JSON.stringify(name)} is ${encrypted ? 'encrypted' : 'compressed in a way that is not known here'}.`,
    );
  const sizes = wideFields(record, record.subarray(ENTRY.length + nameLength));
  return { name, deflated: method === 8, crc: record.readUInt32LE(16), ...sizes };
}

/** A field that is all ones stands in the zip64 extra instead, in this order. */
function wideFields(record: Buffer, extras: Buffer): Pick<ZipEntry, 'compressedSize' | 'size' | 'offset'> {
  const wide = zip64Extra(extras);
  let at = 0;
  const field = (place: number): number => {
    const narrow = record.readUInt32LE(place);
    if (narrow !== SIZE_ELSEWHERE) return narrow;
    if (wide.length < at + 8) throw damaged();
    at += 8;
    return Number(wide.readBigUInt64LE(at - 8));
  };
  const size = field(24);
  return { size, compressedSize: field(20), offset: field(42) };
}

function zip64Extra(extras: Buffer): Buffer {
  for (let at = 0; at + 4 <= extras.length; at += 4 + extras.readUInt16LE(at + 2)) {
    if (extras.readUInt16LE(at) === 1) return extras.subarray(at + 4, at + 4 + extras.readUInt16LE(at + 2));
  }
  return Buffer.alloc(0);
}

function signatureBytes(signature: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(signature);
  return bytes;
}

function damaged(): DeployError {
  return new DeployError('IMAGE_SOURCE_DAMAGED', 'The zip file is cut off or damaged.');
}
