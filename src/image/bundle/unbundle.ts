/** Opens a bundle: parts → decrypt → gunzip → tar → image. Everything is verified on the way, nothing is kept in memory. */

import { createDecipheriv, createHash } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { createGunzip } from 'node:zlib';
import { DeployError } from '../../deployment/errors';
import { readOnlyFile } from '../archive/tar-reader';
import { isZlibError } from '../errors';
import type { Manifest } from '../manifest/reader';
import type { ManifestPart } from '../manifest/writer';
import { ZLIB_CHUNK, pipeThrough } from '../streams';
import { decryptKey, wrongKeyReason } from './bundle-key';
import type { BundleKey } from './bundle-key';

/** Reads one part from wherever the bundle is; throws if it is not there. */
export type ReadPart = (name: string) => AsyncIterable<Uint8Array>;

export interface PartDigest {
  /** Hex. */
  readonly sha1: string;
  readonly size: number;
}

/** Called with what was read, once a part was read to its end. */
export type OnPartRead = (part: ManifestPart, digest: PartDigest) => void;

/** Yields the image. The digest of the whole comes last: nothing can be trusted until the end was reached. */
export async function* unbundle(
  manifest: Manifest,
  readPart: ReadPart,
  privateKey: KeyObject,
): AsyncGenerator<Buffer, void> {
  const key = decryptKey(manifest, privateKey);
  if (key === undefined) throw new DeployError('IMAGE_WRONG_KEY', `${wrongKeyReason(manifest)}.`);
  try {
    yield* extractImage(manifest, readParts(manifest, readPart, requireDigest), key);
  } catch (error) {
    // A damaged part makes decompression fail before its end is reached, so this error does not name the part.
    if (error instanceof DeployError && error.code === 'IMAGE_BUNDLE_BROKEN') await requireParts(manifest, readPart);
    throw error;
  }
}

const requireDigest: OnPartRead = (part, { sha1 }) => {
  if (sha1 !== part.sha1) throw broken(`The part ${part.name} is damaged`);
};

/** Throws if any part is missing or damaged, naming all of them. */
async function requireParts(manifest: Manifest, readPart: ReadPart): Promise<void> {
  const failures: string[] = [];
  for (const part of manifest.parts) {
    try {
      for await (const _ of readParts({ ...manifest, parts: [part] }, readPart, requireDigest));
    } catch (error) {
      if (!(error instanceof DeployError) || error.code !== 'IMAGE_BUNDLE_BROKEN') throw error;
      failures.push(error.message);
    }
  }
  if (failures.length > 0) throw new DeployError('IMAGE_BUNDLE_BROKEN', failures.join(' '));
}

/** The encrypted stream: all parts in order. */
export async function* readParts(
  manifest: Manifest,
  readPart: ReadPart,
  onPartRead: OnPartRead,
): AsyncGenerator<Uint8Array, void> {
  for (const part of manifest.parts) {
    const hash = createHash('sha1');
    let size = 0;
    for await (const bytes of readPart(part.name)) {
      hash.update(bytes);
      size += bytes.length;
      yield bytes;
    }
    onPartRead(part, { sha1: hash.digest('hex'), size });
  }
}

/** Decrypts and unpacks the encrypted stream, and verifies size and digest. */
export async function* extractImage(
  manifest: Manifest,
  encrypted: AsyncIterable<Uint8Array>,
  key: BundleKey,
): AsyncGenerator<Buffer, void> {
  const digest = createHash('sha1');
  let size = 0;
  try {
    const archive = pipeThrough(decrypt(encrypted, key), createGunzip({ chunkSize: ZLIB_CHUNK }));
    for await (const bytes of readOnlyFile(hashed(archive, digest), manifest.size)) {
      size += bytes.length;
      yield bytes;
    }
  } catch (error) {
    throw isZlibError(error) ? broken('The decrypted data is not valid gzip, or is cut off') : error;
  }
  if (size !== manifest.size) throw broken(`The image has ${size} bytes, the manifest says ${manifest.size}`);
  if (digest.digest('hex') !== manifest.digest)
    throw broken('The image does not have the digest that the manifest names');
}

async function* decrypt(encrypted: AsyncIterable<Uint8Array>, { key, iv }: BundleKey): AsyncGenerator<Buffer, void> {
  const decipher = createDecipheriv('aes-128-cbc', key, iv);
  for await (const bytes of encrypted) {
    const plain = decipher.update(bytes);
    if (plain.length > 0) yield plain;
  }
  yield final(decipher);
}

function final(decipher: { final(): Buffer }): Buffer {
  try {
    return decipher.final();
  } catch {
    throw broken('The last part does not end as an encrypted stream does');
  }
}

async function* hashed(
  source: AsyncIterable<Buffer>,
  hash: { update(bytes: Buffer): unknown },
): AsyncGenerator<Buffer, void> {
  for await (const bytes of source) {
    hash.update(bytes);
    yield bytes;
  }
}

function broken(what: string): DeployError {
  return new DeployError('IMAGE_BUNDLE_BROKEN', `${what}.`);
}
