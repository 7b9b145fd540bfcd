/**
 * Unbundles an image with the cloud's private key, as a node does: parts, AES, gzip, tar. Checks it against the
 * manifest.
 */

import { constants, createDecipheriv, createHash, privateDecrypt } from 'node:crypto';
import { closeSync, createReadStream, ftruncateSync, openSync, writeSync } from 'node:fs';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import type { Manifest } from './manifest';
import { untar } from './untar';
import type { TarReader } from './untar';

export interface Unbundled {
  readonly sha256: string;
  readonly size: number;
}

export interface UnbundleOptions extends TarReader {
  /** The cloud's private key, PEM. */
  readonly cloudKey: string;
  /** Path of a part; undefined if there is no such object. */
  readonly pathOf: (filename: string) => string | undefined;
  /** Path to write the image to; absent: it is only checked. */
  readonly into?: string;
}

export async function unbundle(
  manifest: Manifest,
  { cloudKey, pathOf, into, readsPaxSparse }: UnbundleOptions,
): Promise<Unbundled> {
  const [key, iv] = [manifest.encryptedKey, manifest.encryptedIv].map((encrypted) => decrypted(encrypted, cloudKey));
  if (key === undefined || iv === undefined) throw new Error('The image key is not encrypted for this cloud.');
  const archive = createHash('sha1');
  const image = createHash('sha256');
  const kept = into === undefined ? undefined : new SparseFile(into);
  let size = 0;
  const hashed = async function* (source: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    for await (const chunk of source) {
      archive.update(chunk);
      yield chunk;
    }
  };
  await pipeline(
    Readable.from(readParts(manifest, pathOf)),
    createDecipheriv('aes-128-cbc', key, iv),
    createGunzip(),
    (source: AsyncIterable<Buffer>) =>
      untar(hashed(source), { readsPaxSparse }, (bytes) => {
        size += bytes.length;
        image.update(bytes);
        kept?.add(bytes);
      }),
  ).finally(() => kept?.close());
  if (archive.digest('hex') !== manifest.sha1) throw new Error('The digest of the image differs from the manifest.');
  if (size !== manifest.size) throw new Error(`The image has ${size} bytes, the manifest says ${manifest.size}.`);
  return { sha256: image.digest('hex'), size };
}

async function* readParts(
  { parts, bundledSize }: Manifest,
  pathOf: (filename: string) => string | undefined,
): AsyncGenerator<Buffer> {
  let total = 0;
  for (const { filename, sha1 } of parts) {
    const path = pathOf(filename);
    if (path === undefined) throw new Error(`The part ${filename} is missing.`);
    const digest = createHash('sha1');
    for await (const chunk of createReadStream(path)) {
      digest.update(chunk as Buffer);
      total += (chunk as Buffer).length;
      yield chunk as Buffer;
    }
    if (digest.digest('hex') !== sha1) throw new Error(`The digest of the part ${filename} differs from the manifest.`);
  }
  if (total !== bundledSize)
    throw new Error(`The parts have ${total} bytes in total, the manifest says ${bundledSize}.`);
}

/** RSA with PKCS#1 v1.5 padding; the plain text is 32 hexadecimal digits. */
function decrypted(hex: string, privateKey: string): Buffer | undefined {
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

const ZEROS = Buffer.alloc(65_536);

/** Writes a file with holes where the image has only zeros. */
class SparseFile {
  private readonly fd: number;
  private length = 0;

  constructor(path: string) {
    this.fd = openSync(path, 'w', 0o600);
  }

  add(bytes: Buffer): void {
    for (let from = 0; from < bytes.length; from += ZEROS.length) {
      const piece = bytes.subarray(from, from + ZEROS.length);
      if (!piece.equals(ZEROS.subarray(0, piece.length)))
        writeSync(this.fd, piece, 0, piece.length, this.length + from);
    }
    this.length += bytes.length;
  }

  close(): void {
    ftruncateSync(this.fd, this.length);
    closeSync(this.fd);
  }
}
