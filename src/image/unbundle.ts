/** A bundle back to its image: parts → decrypt → gunzip → tar → image, everything verified on the way, nothing kept in memory. */

import { createDecipheriv, createHash } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { createGunzip } from 'node:zlib';
import { DeployError } from '../deployment/errors';
import { decryptHex } from './keys';
import type { Manifest } from './manifest-reader';
import type { ManifestPart } from './manifest';
import { isDamage, through } from './through';
import { untar } from './untar';

/** Reads one part from wherever the bundle is; throws if it is not there. */
export type ReadPart = (name: string) => AsyncIterable<Uint8Array>;

export interface PartFound {
  /** Hex. */
  readonly sha1: string;
  readonly size: number;
}

/** What became of a part, once it was read to its end. */
export type PartCheck = (part: ManifestPart, found: PartFound) => void;

export interface OpenKeys {
  readonly key: Buffer;
  readonly iv: Buffer;
  /** Whose private key it was. */
  readonly holder: 'user' | 'cloud';
}

/** Opens with the key of the user or of the cloud; undefined: the bundle was made for neither. */
export function openKeys({ keys }: Manifest, privateKey: KeyObject): OpenKeys | undefined {
  const held = [
    { holder: 'user', key: keys.userKey, iv: keys.userIv },
    { holder: 'cloud', key: keys.cloudKey, iv: keys.cloudIv },
  ] as const;
  for (const { holder, ...encrypted } of held) {
    const key = decryptHex(privateKey, encrypted.key);
    const iv = decryptHex(privateKey, encrypted.iv);
    if (key !== undefined && iv !== undefined)
      return { holder, key: Buffer.from(key, 'hex'), iv: Buffer.from(iv, 'hex') };
  }
  return undefined;
}

/** In words. Whoever bundles without a certificate of the user bundles for the cloud alone. */
export function notForThisKey({ prefix, keys }: Manifest): string {
  return keys.userKey === '' || keys.userIv === ''
    ? `The bundle ${prefix} was made for a cloud alone, without a certificate of the user, and the private key is not that cloud's`
    : `The bundle ${prefix} was made for a user and a cloud, and the private key is that of neither`;
}

/** The image. Its last piece comes before the digest was compared: nothing is to be believed until the end was reached. */
export async function* unbundle(
  manifest: Manifest,
  readPart: ReadPart,
  privateKey: KeyObject,
): AsyncGenerator<Buffer, void> {
  const keys = openKeys(manifest, privateKey);
  if (keys === undefined) throw new DeployError('IMAGE_WRONG_KEY', `${notForThisKey(manifest)}.`);
  try {
    yield* imageIn(manifest, readParts(manifest, readPart, insistOnDigest), keys);
  } catch (error) {
    // A part that is damaged shows in what was decrypted before its end was reached, so what was noticed does not name it.
    if (error instanceof DeployError && error.code === 'IMAGE_BUNDLE_BROKEN') await insistOnParts(manifest, readPart);
    throw error;
  }
}

const insistOnDigest: PartCheck = (part, { sha1 }) => {
  if (sha1 !== part.sha1) throw broken(`The part ${part.name} is damaged`);
};

async function insistOnParts(manifest: Manifest, readPart: ReadPart): Promise<void> {
  const faults: string[] = [];
  for (const part of manifest.parts) {
    try {
      for await (const _ of readParts({ ...manifest, parts: [part] }, readPart, insistOnDigest));
    } catch (error) {
      if (!(error instanceof DeployError) || error.code !== 'IMAGE_BUNDLE_BROKEN') throw error;
      faults.push(error.message);
    }
  }
  if (faults.length > 0) throw new DeployError('IMAGE_BUNDLE_BROKEN', faults.join(' '));
}

/** Every part in order, each checked when it was read. */
export async function* readParts(
  manifest: Manifest,
  readPart: ReadPart,
  check: PartCheck,
): AsyncGenerator<Uint8Array, void> {
  for (const part of manifest.parts) {
    const hash = createHash('sha1');
    let size = 0;
    for await (const bytes of readPart(part.name)) {
      hash.update(bytes);
      size += bytes.length;
      yield bytes;
    }
    check(part, { sha1: hash.digest('hex'), size });
  }
}

export async function* imageIn(
  manifest: Manifest,
  encrypted: AsyncIterable<Uint8Array>,
  keys: OpenKeys,
): AsyncGenerator<Buffer, void> {
  const digest = createHash('sha1');
  let size = 0;
  try {
    const archive = through(decrypted(encrypted, keys), createGunzip({ chunkSize: 256 * 1024 }));
    for await (const bytes of untar(hashed(archive, digest), manifest.size)) {
      size += bytes.length;
      yield bytes;
    }
  } catch (error) {
    throw isDamage(error) ? broken('What was decrypted is not whole gzip data') : error;
  }
  if (size !== manifest.size) throw broken(`The image has ${size} bytes, the manifest says ${manifest.size}`);
  if (digest.digest('hex') !== manifest.digest)
    throw broken('The image is not the one whose digest the manifest names');
}

async function* decrypted(encrypted: AsyncIterable<Uint8Array>, { key, iv }: OpenKeys): AsyncGenerator<Buffer, void> {
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
