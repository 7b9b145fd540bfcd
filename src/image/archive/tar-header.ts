/**
 * Headers of tar archives, and what stands around the image in the archive of a bundle: one header before, zeros behind. tar-stream
 * cannot write this archive (its headers are ustar; bundles have always had GNU headers, and must stay the same to the byte).
 * The archive is not padded to a record of 10 240 bytes: euca-unbundle closes its pipe after the first member, and sometimes fails (seen
 * in one run of eight) on what is still on its way.
 */

import { DeployError } from '../../deployment/errors';
import type { ErrorCode } from '../../deployment/errors';

export const TAR_BLOCK = 512;
/** Most programs pad an archive to a multiple of this. */
export const RECORD = 20 * TAR_BLOCK;
/** Larger sizes do not fit into 11 octal digits. */
const OCTAL_LIMIT = 8 ** 11;
const NAME_LENGTH = 100;

/** Offset and length of the fields of a header. */
const FIELDS = {
  name: [0, NAME_LENGTH],
  mode: [100, 8],
  uid: [108, 8],
  gid: [116, 8],
  size: [124, 12],
  mtime: [136, 12],
  checksum: [148, 8],
  type: [156, 1],
  magic: [257, 8],
  devices: [329, 16],
  prefix: [345, 155],
} as const;

/** GNU header of a regular file: mode 0644, and zero for everything else that could differ between two attempts. */
export function tarHeader(name: string, size: number): Buffer {
  return header(name, size, {});
}

/** Of a folder; the name without a slash at its end. */
export function folderHeader(name: string): Buffer {
  return header(`${name}/`, 0, { mode: '0000755\0', type: '5' });
}

/** The header that Python 2 writes, and so does euca2ools since 3.1: it has device numbers although the file is no device. */
export function pythonTarHeader(name: string, size: number): Buffer {
  return header(name, size, { devices: '0000000\0'.repeat(2) });
}

function header(
  name: string,
  size: number,
  { mode = '0000644\0', type = '0', devices = '' }: Readonly<Partial<Record<'mode' | 'type' | 'devices', string>>>,
): Buffer {
  const bytes = Buffer.alloc(TAR_BLOCK);
  const put = (field: keyof typeof FIELDS, text: string): void => void bytes.write(text, FIELDS[field][0], 'latin1');
  put('name', name);
  put('mode', mode);
  put('uid', '0000000\0');
  put('gid', '0000000\0');
  if (size < OCTAL_LIMIT) put('size', `${size.toString(8).padStart(11, '0')}\0`);
  else bytes.writeBigUInt64BE(BigInt(size), FIELDS.size[0] + 4);
  if (size >= OCTAL_LIMIT) bytes[FIELDS.size[0]] = 0x80;
  put('mtime', '00000000000\0');
  put('type', type);
  put('magic', 'ustar  \0');
  put('devices', devices);
  put('checksum', `${checksum(bytes).toString(8).padStart(6, '0')}\0 `);
  return bytes;
}

/** What follows the image: padding to a whole block, and two blocks of zeros. */
export function tarTrailer(size: number): Buffer {
  return Buffer.alloc(padding(size) + 2 * TAR_BLOCK);
}

export function padding(size: number): number {
  return (TAR_BLOCK - (size % TAR_BLOCK)) % TAR_BLOCK;
}

export interface TarHeader {
  readonly name: string;
  readonly size: number;
  /** The type flag: `0` or NUL for a regular file. */
  readonly type: string;
}

/** @param damageCode of the error that is thrown if the block is not a header */
export function readTarHeader(block: Buffer, damageCode: ErrorCode = 'IMAGE_BUNDLE_BROKEN'): TarHeader {
  const number = (name: keyof typeof FIELDS): number =>
    tarNumber(block.subarray(FIELDS[name][0], FIELDS[name][0] + FIELDS[name][1]));
  const size = number('size');
  if (block.length !== TAR_BLOCK || number('checksum') !== checksum(block) || !Number.isSafeInteger(size)) {
    throw new DeployError(damageCode, 'The data is not a tar archive, or the archive is damaged.');
  }
  return { name: fullName(block), size, type: String.fromCharCode(block[FIELDS.type[0]] ?? 0) };
}

/** Octal digits, or base 256 for numbers that need more; NaN if it is neither. */
export function tarNumber(field: Buffer): number {
  if (((field[0] ?? 0) & 0x80) === 0) {
    const text = field.toString('latin1').replace(/\0.*$/s, '').trim();
    return /^[0-7]*$/.test(text) ? parseInt(text || '0', 8) : NaN;
  }
  // 0xff would begin a negative number, which is never valid here.
  return field[0] === 0x80 ? field.subarray(1).reduce((sum, byte) => sum * 256 + byte, 0) : NaN;
}

/** In ustar archives, the folder may stand in a field of its own. */
function fullName(block: Buffer): string {
  const folder = field(block, 'magic') === 'ustar' ? field(block, 'prefix') : '';
  return `${folder === '' ? '' : `${folder}/`}${field(block, 'name')}`;
}

function field(block: Buffer, name: keyof typeof FIELDS): string {
  const [start, length] = FIELDS[name];
  const text = block.toString('latin1', start, start + length);
  const end = text.indexOf('\0');
  return end === -1 ? text : text.slice(0, end);
}

/** The sum of all bytes, with those of the checksum field counted as spaces. */
function checksum(block: Buffer): number {
  const [start, length] = FIELDS.checksum;
  return block.reduce((sum, byte, at) => sum + (at >= start && at < start + length ? 0x20 : byte), 0);
}
