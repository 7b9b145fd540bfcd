/** Opens a bundle with the cloud's private key, as a node does: parts, AES, gzip, tar; and looks whether it is what the manifest says. */

import { constants, createDecipheriv, createHash, privateDecrypt } from 'node:crypto';
import type { Hash } from 'node:crypto';
import { closeSync, createReadStream, ftruncateSync, openSync, writeSync } from 'node:fs';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import type { Manifest } from './manifest';

export interface Unbundled {
  readonly sha256: string;
  readonly size: number;
}

const BLOCK = 512;

/** @param pathOf the file of a part; undefined where there is none of that name. @param into the file that the image goes to, if it is kept. */
export async function unbundle(manifest: Manifest, cloudKey: string, pathOf: (filename: string) => string | undefined, into?: string): Promise<Unbundled> {
  const [key, iv] = [manifest.encryptedKey, manifest.encryptedIv].map((encrypted) => opened(encrypted, cloudKey));
  if (key === undefined || iv === undefined) throw new Error('The key of the image is not encrypted for this cloud.');
  const archive = createHash('sha1');
  const kept = into === undefined ? undefined : new Kept(into);
  const member = new Member((bytes) => kept?.add(bytes));
  await pipeline(Readable.from(encrypted(manifest, pathOf)), createDecipheriv('aes-128-cbc', key, iv), createGunzip(), async (source: AsyncIterable<Buffer>) => {
    for await (const chunk of source) {
      archive.update(chunk);
      member.take(chunk);
    }
  }).finally(() => kept?.close());
  const { sha256, size } = member.end();
  if (archive.digest('hex') !== manifest.sha1) throw new Error('The digest of the image is not that of the manifest.');
  if (size !== manifest.size) throw new Error(`The image has ${size} bytes and not ${manifest.size}.`);
  return { sha256, size };
}

async function* encrypted({ parts, bundledSize }: Manifest, pathOf: (filename: string) => string | undefined): AsyncGenerator<Buffer> {
  let total = 0;
  for (const { filename, sha1 } of parts) {
    const path = pathOf(filename);
    if (path === undefined) throw new Error(`The part ${filename} is not there.`);
    const digest = createHash('sha1');
    for await (const chunk of createReadStream(path)) {
      digest.update(chunk as Buffer);
      total += (chunk as Buffer).length;
      yield chunk as Buffer;
    }
    if (digest.digest('hex') !== sha1) throw new Error(`The part ${filename} has another digest than the manifest.`);
  }
  if (total !== bundledSize) throw new Error(`The parts have ${total} bytes together and not ${bundledSize}.`);
}

/** RSA with PKCS#1 v1.5 padding, and in it the bytes as 32 hexadecimal digits. */
function opened(hex: string, privateKey: string): Buffer | undefined {
  try {
    const block = privateDecrypt({ key: privateKey, padding: constants.RSA_NO_PADDING }, Buffer.from(hex, 'hex')).toString('latin1');
    const digits = /^\x00\x02[^\x00]{8,}\x00([0-9a-f]{32})$/.exec(block)?.[1];
    return digits === undefined ? undefined : Buffer.from(digits, 'hex');
  } catch {
    return undefined;
  }
}

const NOTHING = Buffer.alloc(65_536);

/** A file with holes where the image has nothing. */
class Kept {
  private readonly fd: number;
  private length = 0;

  constructor(path: string) {
    this.fd = openSync(path, 'w', 0o600);
  }

  add(bytes: Buffer): void {
    for (let from = 0; from < bytes.length; from += NOTHING.length) {
      const piece = bytes.subarray(from, from + NOTHING.length);
      if (!piece.equals(NOTHING.subarray(0, piece.length))) writeSync(this.fd, piece, 0, piece.length, this.length + from);
    }
    this.length += bytes.length;
  }

  close(): void {
    ftruncateSync(this.fd, this.length);
    closeSync(this.fd);
  }
}

/** The first member of a tar archive that flows by. */
class Member {
  private header = Buffer.alloc(0);
  private left = 0;
  private size = 0;
  private readonly digest: Hash = createHash('sha256');

  constructor(private readonly found: (bytes: Buffer) => void) {}

  take(chunk: Buffer): void {
    let rest = chunk;
    if (this.header.length < BLOCK) {
      const missing = BLOCK - this.header.length;
      this.header = Buffer.concat([this.header, rest.subarray(0, missing)]);
      rest = rest.subarray(missing);
      if (this.header.length < BLOCK) return;
      this.size = this.left = sizeIn(this.header);
    }
    if (this.left === 0) return;
    const mine = rest.subarray(0, this.left);
    this.digest.update(mine);
    this.found(mine);
    this.left -= mine.length;
  }

  end(): Unbundled {
    if (this.header.length < BLOCK) throw new Error('The archive has no header.');
    if (this.left > 0) throw new Error(`The archive ends ${this.left} bytes before its image does.`);
    return { sha256: this.digest.digest('hex'), size: this.size };
  }
}

/** Octal, or base 256 for what has no room in eleven digits. Only a plain file is an image here. */
function sizeIn(header: Buffer): number {
  const [sum, type] = [header.toString('latin1', 148, 156), header.toString('latin1', 156, 157)];
  const blank = Buffer.concat([header.subarray(0, 148), Buffer.alloc(8, ' '), header.subarray(156)]);
  if (parseInt(sum, 8) !== blank.reduce((total, byte) => total + byte, 0)) throw new Error('The header of the archive has a wrong checksum.');
  if (type !== '0' && type !== '\0') throw new Error(`The archive begins with a member of type ${JSON.stringify(type)}.`);
  if ((header[124] ?? 0) >= 0x80) return Number(header.readBigUInt64BE(128));
  return parseInt(header.toString('latin1', 124, 136), 8);
}
