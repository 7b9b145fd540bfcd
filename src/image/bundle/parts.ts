/** Encrypts the stream and cuts it into parts. Any part can be made again alone: CBC continues from the last block of the part before. */

import { createCipheriv, createHash } from 'node:crypto';
import type { Cipher, Hash } from 'node:crypto';

export const PART_SIZE = 10 * 1024 * 1024;
const CIPHER_BLOCK = 16;

/** Where a part begins: at byte `skip` of a gzip member, with the end of the part before (hex) as IV of the cipher. */
export interface PartStart {
  readonly member: number;
  readonly skip: number;
  readonly iv: string;
}

/** Holds no secret. */
export interface PartRecord {
  readonly index: number;
  /** The object's name. */
  readonly name: string;
  readonly size: number;
  /** Hex. */
  readonly sha1: string;
  readonly md5: string;
  /** Where the next part begins; absent for the last. */
  readonly next?: PartStart;
}

export interface Part extends PartRecord {
  /** Undefined if it is stored already. */
  readonly bytes: Buffer | undefined;
}

export interface MadePart extends Part {
  readonly bytes: Buffer;
}

export function partName(prefix: string, index: number): string {
  return `${prefix}.part.${String(index).padStart(2, '0')}`;
}

/** Whether a part of that bundle could have this name: another bundle's prefix may begin with it. */
export function isPartName(prefix: string, name: string): boolean {
  const digits = name.startsWith(`${prefix}.part.`)
    ? /^\d{2,6}$/.exec(name.slice(prefix.length + '.part.'.length))?.[0]
    : undefined;
  return digits !== undefined && partName(prefix, Number(digits)) === name;
}

export interface CutOptions {
  readonly prefix: string;
  readonly key: Buffer;
  /** Of the first part. */
  readonly index: number;
  readonly start: PartStart;
}

/** `members` begin with the member that `start` names. */
export async function* cutParts(
  members: AsyncIterable<Buffer>,
  { prefix, key, index, start }: CutOptions,
): AsyncGenerator<MadePart, void> {
  const cipher = createCipheriv('aes-128-cbc', key, Buffer.from(start.iv, 'hex'));
  let part = new OpenPart(prefix, index, cipher);
  let member = start.member;
  let at = start.skip;
  for await (const bytes of members) {
    while (at < bytes.length) {
      at += part.add(bytes.subarray(at));
      if (part.room > 0) continue;
      // Another part always follows, with the padding of the cipher at least. So no part is ever empty.
      yield part.close(at < bytes.length ? { member, skip: at } : { member: member + 1, skip: 0 });
      part = part.next();
    }
    member++;
    at = 0;
  }
  yield part.closeLast();
}

class OpenPart {
  private readonly bytes = Buffer.allocUnsafeSlow(PART_SIZE);
  private readonly sha1: Hash = createHash('sha1');
  private readonly md5: Hash = createHash('md5');
  private encrypted = 0;
  private added = 0;

  constructor(
    private readonly prefix: string,
    private readonly index: number,
    private readonly cipher: Cipher,
  ) {}

  /** Bytes that still fit. A part is a whole number of cipher blocks, so the cipher holds nothing back at its end. */
  get room(): number {
    return PART_SIZE - this.added;
  }

  add(bytes: Buffer): number {
    const piece = bytes.subarray(0, this.room);
    this.append(this.cipher.update(piece));
    this.added += piece.length;
    return piece.length;
  }

  close(next: Omit<PartStart, 'iv'>): MadePart {
    return this.closed({ ...next, iv: this.bytes.toString('hex', PART_SIZE - CIPHER_BLOCK) });
  }

  closeLast(): MadePart {
    this.append(this.cipher.final());
    return this.closed(undefined);
  }

  next(): OpenPart {
    return new OpenPart(this.prefix, this.index + 1, this.cipher);
  }

  private append(piece: Buffer): void {
    this.sha1.update(piece);
    this.md5.update(piece);
    this.encrypted += piece.copy(this.bytes, this.encrypted);
  }

  private closed(next: PartStart | undefined): MadePart {
    return {
      index: this.index,
      name: partName(this.prefix, this.index),
      size: this.encrypted,
      sha1: this.sha1.digest('hex'),
      md5: this.md5.digest('hex'),
      ...(next === undefined ? {} : { next }),
      bytes: this.bytes.subarray(0, this.encrypted),
    };
  }
}
