/** Cuts the encrypted stream into parts. Any part can be made again by itself: CBC goes on from the last block of the part before. */

import { createCipheriv, createHash } from 'node:crypto';
import type { Cipher, Hash } from 'node:crypto';

export const PART = 10 * 1024 * 1024;
const CIPHER_BLOCK = 16;

/** Where a part begins: so many bytes into a member, the cipher going on from this block (hex; it is the end of the part before). */
export interface PartStart {
  readonly member: number;
  readonly skip: number;
  readonly iv: string;
}

/** Nothing in it is secret. */
export interface PartRecord {
  readonly index: number;
  /** The object's name. */
  readonly name: string;
  readonly size: number;
  /** Hex. */
  readonly sha1: string;
  readonly md5: string;
  /** Where the next part begins; absent: this is the last. */
  readonly next?: PartStart;
}

export interface Part extends PartRecord {
  /** Undefined: there already. */
  readonly bytes: Buffer | undefined;
}

export interface MadePart extends Part {
  readonly bytes: Buffer;
}

export function partName(prefix: string, index: number): string {
  return `${prefix}.part.${String(index).padStart(2, '0')}`;
}

/** Whether a part of that bundle could be called so: not all that begins like one is one. */
export function isPartName(prefix: string, name: string): boolean {
  const digits = name.startsWith(`${prefix}.part.`)
    ? /^\d{2,6}$/.exec(name.slice(prefix.length + '.part.'.length))?.[0]
    : undefined;
  return digits !== undefined && partName(prefix, Number(digits)) === name;
}

export interface Cutting {
  readonly prefix: string;
  readonly key: Buffer;
  /** Number of the first part. */
  readonly index: number;
  readonly start: PartStart;
}

/** `members` begin with the member that `start` names. */
export async function* cutParts(
  members: AsyncIterable<Buffer>,
  { prefix, key, index, start }: Cutting,
): AsyncGenerator<MadePart, void> {
  const cipher = createCipheriv('aes-128-cbc', key, Buffer.from(start.iv, 'hex'));
  let part = new OpenPart(prefix, index, cipher);
  let member = start.member;
  let at = start.skip;
  for await (const bytes of members) {
    while (at < bytes.length) {
      at += part.take(bytes.subarray(at));
      if (part.room > 0) continue;
      // There is always another: the padding of the cipher is still to come. So no part is ever empty.
      yield part.close(at < bytes.length ? { member, skip: at } : { member: member + 1, skip: 0 });
      part = part.following();
    }
    member++;
    at = 0;
  }
  yield part.closeLast();
}

class OpenPart {
  private readonly bytes = Buffer.allocUnsafeSlow(PART);
  private readonly sha1: Hash = createHash('sha1');
  private readonly md5: Hash = createHash('md5');
  private encrypted = 0;
  private taken = 0;

  constructor(
    private readonly prefix: string,
    private readonly index: number,
    private readonly cipher: Cipher,
  ) {}

  /** How much more goes in. A part is a whole number of cipher blocks, so the cipher holds nothing back where one ends. */
  get room(): number {
    return PART - this.taken;
  }

  take(bytes: Buffer): number {
    const piece = bytes.subarray(0, this.room);
    this.put(this.cipher.update(piece));
    this.taken += piece.length;
    return piece.length;
  }

  close(next: Omit<PartStart, 'iv'>): MadePart {
    return this.closed({ ...next, iv: this.bytes.toString('hex', PART - CIPHER_BLOCK) });
  }

  closeLast(): MadePart {
    this.put(this.cipher.final());
    return this.closed(undefined);
  }

  following(): OpenPart {
    return new OpenPart(this.prefix, this.index + 1, this.cipher);
  }

  private put(piece: Buffer): void {
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
