/** Opens a bundle with the cloud's private key, as a node does: parts, AES, gzip, tar; and looks whether it is what the manifest says. */

import { constants, createDecipheriv, createHash, privateDecrypt } from 'node:crypto';
import { closeSync, createReadStream, ftruncateSync, openSync, writeSync } from 'node:fs';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import type { Manifest } from './manifest';
import { untar } from './untar';
import type { Archive } from './untar';

export interface Unbundled {
  readonly sha256: string;
  readonly size: number;
}

export interface Opening extends Archive {
  /** PEM, of the cloud. */
  readonly cloudKey: string;
  /** The file of a part; undefined where there is none of that name. */
  readonly pathOf: (filename: string) => string | undefined;
  /** The file that the image goes to, if it is kept. */
  readonly into?: string;
}

export async function unbundle(
  manifest: Manifest,
  { cloudKey, pathOf, into, readsPaxSparse }: Opening,
): Promise<Unbundled> {
  const [key, iv] = [manifest.encryptedKey, manifest.encryptedIv].map((encrypted) => opened(encrypted, cloudKey));
  if (key === undefined || iv === undefined) throw new Error('The key of the image is not encrypted for this cloud.');
  const archive = createHash('sha1');
  const image = createHash('sha256');
  const kept = into === undefined ? undefined : new Kept(into);
  let size = 0;
  const hashed = async function* (source: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    for await (const chunk of source) {
      archive.update(chunk);
      yield chunk;
    }
  };
  await pipeline(
    Readable.from(encrypted(manifest, pathOf)),
    createDecipheriv('aes-128-cbc', key, iv),
    createGunzip(),
    (source: AsyncIterable<Buffer>) =>
      untar(hashed(source), { readsPaxSparse }, (bytes) => {
        size += bytes.length;
        image.update(bytes);
        kept?.add(bytes);
      }),
  ).finally(() => kept?.close());
  if (archive.digest('hex') !== manifest.sha1) throw new Error('The digest of the image is not that of the manifest.');
  if (size !== manifest.size) throw new Error(`The image has ${size} bytes and not ${manifest.size}.`);
  return { sha256: image.digest('hex'), size };
}

async function* encrypted(
  { parts, bundledSize }: Manifest,
  pathOf: (filename: string) => string | undefined,
): AsyncGenerator<Buffer> {
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
    const block = privateDecrypt(
      { key: privateKey, padding: constants.RSA_NO_PADDING },
      Buffer.from(hex, 'hex'),
    ).toString('latin1');
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
      if (!piece.equals(NOTHING.subarray(0, piece.length)))
        writeSync(this.fd, piece, 0, piece.length, this.length + from);
    }
    this.length += bytes.length;
  }

  close(): void {
    ftruncateSync(this.fd, this.length);
    closeSync(this.fd);
  }
}
