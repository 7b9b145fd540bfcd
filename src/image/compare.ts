/**
 * Whether a bundle that is there holds a file. A digest is that of the archive around the image, and programs make different archives:
 * another time or owner in the header, another filling at the end, a map of holes. So another digest is not yet another image.
 */

import { createHash } from 'node:crypto';
import type { Hash, KeyObject } from 'node:crypto';
import { DeployError } from '../deployment/errors';
import { MEMBER } from './compressor';
import type { Manifest } from './manifest-reader';
import type { Source } from './source';
import type { Survey } from './survey';
import { blockCount, blockLength } from './survey';
import { RECORD, TAR_BLOCK, padding, pythonHeader, tarHeader, tarTrailer } from './tar';
import { notForThisKey, openKeys, unbundle } from './unbundle';
import type { ReadPart } from './unbundle';

export interface Likeness {
  /** `unknown`: nothing proves either. */
  readonly image: 'same' | 'other' | 'unknown';
  /** Why it is unknown, in words. */
  readonly detail: string;
}

export interface Compared {
  readonly manifest: Manifest;
  readonly readPart: ReadPart;
  /** Of the user or of the cloud. */
  readonly privateKey: KeyObject;
  readonly source: Source;
  readonly survey: Pick<Survey, 'size' | 'tarDigest'>;
}

export interface CompareOptions {
  readonly signal?: AbortSignal;
  /** How far the image was compared, bytes. */
  readonly onCompared?: (end: number) => void;
}

/** What costs least comes first: a look at the digest, a look at the file, and only then the parts. */
export async function compareImage(compared: Compared, options: CompareOptions = {}): Promise<Likeness> {
  const { manifest, source, survey, privateKey } = compared;
  if (manifest.size !== survey.size) return { image: 'other', detail: '' };
  if (manifest.digest === survey.tarDigest) return { image: 'same', detail: '' };
  if ((await usualDigests(source, manifest.prefix, options)).includes(manifest.digest))
    return { image: 'same', detail: '' };
  if (openKeys(manifest, privateKey) === undefined) return { image: 'unknown', detail: notForThisKey(manifest) };
  try {
    return { image: (await holds(compared, options)) ? 'same' : 'other', detail: '' };
  } catch (error) {
    if (error instanceof DeployError && UNREADABLE.has(error.code))
      return { image: 'unknown', detail: error.message.replace(/\.$/, '') };
    throw error;
  }
}

const UNREADABLE: ReadonlySet<string> = new Set(['IMAGE_BUNDLE_BROKEN', 'IMAGE_FORMAT']);

/** Of archives that other programs make of any file in the same way, whoever and wherever they are. */
async function usualDigests(source: Source, name: string, { signal }: CompareOptions): Promise<readonly string[]> {
  if (name.length >= 100) return [];
  const archives = [tarHeader(name, source.size), pythonHeader(name, source.size)].map((header) =>
    createHash('sha1').update(header),
  );
  const buffer = Buffer.alloc(MEMBER);
  for (let index = 0; index < blockCount(source.size); index++) {
    signal?.throwIfAborted();
    const bytes = buffer.subarray(0, blockLength(source.size, index));
    await source.read(bytes, index * MEMBER);
    for (const archive of archives) archive.update(bytes);
  }
  await source.assertUnchanged();
  return archives.flatMap((archive) => ends(archive, source.size));
}

/** Once with the two blocks of zeros alone, once filled up to a record. */
function ends(archive: Hash, size: number): readonly string[] {
  const bare = archive.update(tarTrailer(size));
  const length = TAR_BLOCK + size + padding(size) + 2 * TAR_BLOCK;
  const filled = bare.copy().update(Buffer.alloc((RECORD - (length % RECORD)) % RECORD));
  return [bare.digest('hex'), filled.digest('hex')];
}

async function holds(
  { manifest, readPart, privateKey, source }: Compared,
  { signal, onCompared }: CompareOptions,
): Promise<boolean> {
  const buffer = Buffer.alloc(MEMBER);
  let at = 0;
  for await (const piece of unbundle(manifest, readPart, privateKey)) {
    for (let from = 0; from < piece.length; from += MEMBER) {
      signal?.throwIfAborted();
      const theirs = piece.subarray(from, from + MEMBER);
      const ours = buffer.subarray(0, theirs.length);
      await source.read(ours, at);
      if (!ours.equals(theirs)) return false;
      at += theirs.length;
    }
    onCompared?.(at);
  }
  await source.assertUnchanged();
  return at === source.size;
}
