/**
 * The tar archive around an image: one header, the image, zeros. It is not padded to a record of 10 240 bytes: euca-unbundle closes its
 * pipe after the first member, and what is then still on its way makes it fail (seen in one run of eight).
 */

import { DeployError } from '../deployment/errors';
import type { ErrorCode } from '../deployment/errors';

export const TAR_BLOCK = 512;
/** What most programs fill an archive up to. */
export const RECORD = 20 * TAR_BLOCK;
/** From here on, the 11 octal digits of the size do not do. */
const OCTAL_LIMIT = 8 ** 11;
const NAME_LENGTH = 100;

/** Start and length of the fields of a header. */
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

/** GNU header of a plain file: mode 0644, everything else that could differ between two attempts is zero. */
export function tarHeader(name: string, size: number): Buffer {
  return header(name, size, '');
}

/** As Python 2 writes it, and so euca2ools from 3.1: with device numbers, as if the file were a device. */
export function pythonHeader(name: string, size: number): Buffer {
  return header(name, size, '0000000\0'.repeat(2));
}

function header(name: string, size: number, devices: string): Buffer {
  const bytes = Buffer.alloc(TAR_BLOCK);
  const put = (field: keyof typeof FIELDS, text: string): void => void bytes.write(text, FIELDS[field][0], 'latin1');
  put('name', name);
  put('mode', '0000644\0');
  put('uid', '0000000\0');
  put('gid', '0000000\0');
  if (size < OCTAL_LIMIT) put('size', `${size.toString(8).padStart(11, '0')}\0`);
  else bytes.writeBigUInt64BE(BigInt(size), FIELDS.size[0] + 4);
  if (size >= OCTAL_LIMIT) bytes[FIELDS.size[0]] = 0x80;
  put('mtime', '00000000000\0');
  put('type', '0');
  put('magic', 'ustar  \0');
  put('devices', devices);
  put('checksum', `${checksum(bytes).toString(8).padStart(6, '0')}\0 `);
  return bytes;
}

/** What follows the image: zeros up to a whole block, and two blocks of zeros. */
export function tarTrailer(size: number): Buffer {
  return Buffer.alloc(padding(size) + 2 * TAR_BLOCK);
}

export function padding(size: number): number {
  return (TAR_BLOCK - (size % TAR_BLOCK)) % TAR_BLOCK;
}

export interface TarMember {
  readonly name: string;
  readonly size: number;
  /** `0` or NUL: a plain file. */
  readonly type: string;
}

/** `otherwise`: what it is where this is no header. */
export function readTarHeader(header: Buffer, otherwise: ErrorCode = 'IMAGE_BUNDLE_BROKEN'): TarMember {
  const number = (name: keyof typeof FIELDS): number =>
    tarNumber(header.subarray(FIELDS[name][0], FIELDS[name][0] + FIELDS[name][1]));
  const size = number('size');
  if (header.length !== TAR_BLOCK || number('checksum') !== checksum(header) || !Number.isSafeInteger(size)) {
    throw new DeployError(otherwise, 'What should be a tar archive is none, or is damaged.');
  }
  return { name: nameIn(header), size, type: String.fromCharCode(header[FIELDS.type[0]] ?? 0) };
}

/** Octal digits, or base 256 for what those have no room for; NaN: neither. */
export function tarNumber(field: Buffer): number {
  if (((field[0] ?? 0) & 0x80) === 0) {
    const text = field.toString('latin1').replace(/\0.*$/s, '').trim();
    return /^[0-7]*$/.test(text) ? parseInt(text || '0', 8) : NaN;
  }
  // 0x80 and not 0xff: a number below zero is nothing here.
  return field[0] === 0x80 ? field.subarray(1).reduce((sum, byte) => sum * 256 + byte, 0) : NaN;
}

/** In archives that POSIX knows, the folder may stand in a field of its own. */
function nameIn(header: Buffer): string {
  const folder = field(header, 'magic') === 'ustar' ? field(header, 'prefix') : '';
  return `${folder === '' ? '' : `${folder}/`}${field(header, 'name')}`;
}

function field(header: Buffer, name: keyof typeof FIELDS): string {
  const [start, length] = FIELDS[name];
  const text = header.toString('latin1', start, start + length);
  const end = text.indexOf('\0');
  return end === -1 ? text : text.slice(0, end);
}

/** The sum of all bytes, those of the checksum itself counting as spaces. */
function checksum(header: Buffer): number {
  const [start, length] = FIELDS.checksum;
  return header.reduce((sum, byte, at) => sum + (at >= start && at < start + length ? 0x20 : byte), 0);
}
