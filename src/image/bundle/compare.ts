/**
 * Whether an existing bundle holds the same image as a file. The digest in a manifest is that of the tar archive around the image, and
 * programs write different archives (time and owner in the header, padding at the end, sparse maps), so another digest does not prove
 * another image.
 */

import { createHash } from 'node:crypto';
import type { Hash, KeyObject } from 'node:crypto';
import { DeployError } from '../../deployment/errors';
import { RECORD, TAR_BLOCK, padding, pythonTarHeader, tarHeader, tarTrailer } from '../archive/tar-header';
import { BLOCK_SIZE, blockCount, blockLength } from '../blocks';
import type { Manifest } from '../manifest/reader';
import type { Source } from '../source';
import { decryptKey, wrongKeyReason } from './bundle-key';
import type { Survey } from './survey';
import { unbundle } from './unbundle';
import type { ReadPart } from './unbundle';

export interface Comparison {
  readonly image: 'same' | 'different' | 'unknown';
  /** Why it is unknown. */
  readonly detail: string;
}

export interface CompareInput {
  readonly manifest: Manifest;
  readonly readPart: ReadPart;
  /** The user's or the cloud's. */
  readonly privateKey: KeyObject;
  readonly source: Source;
  readonly survey: Pick<Survey, 'size' | 'tarDigest'>;
}

export interface CompareOptions {
  readonly signal?: AbortSignal;
  /** How many bytes of the image were compared. */
  readonly onCompared?: (end: number) => void;
}

/** Cheapest first: compares the digest, then digests computed from the file, and only then reads the parts. */
export async function compareImage(input: CompareInput, options: CompareOptions = {}): Promise<Comparison> {
  const { manifest, source, survey, privateKey } = input;
  if (manifest.size !== survey.size) return { image: 'different', detail: '' };
  if (manifest.digest === survey.tarDigest) return { image: 'same', detail: '' };
  if ((await commonDigests(source, manifest.prefix, options)).includes(manifest.digest))
    return { image: 'same', detail: '' };
  if (decryptKey(manifest, privateKey) === undefined) return { image: 'unknown', detail: wrongKeyReason(manifest) };
  try {
    return { image: (await hasSameContent(input, options)) ? 'same' : 'different', detail: '' };
  } catch (error) {
    if (error instanceof DeployError && UNREADABLE.has(error.code))
      return { image: 'unknown', detail: error.message.replace(/\.$/, '') };
    throw error;
  }
}

const UNREADABLE: ReadonlySet<string> = new Set(['IMAGE_BUNDLE_BROKEN', 'IMAGE_FORMAT']);

/** Digests of the archives that common programs write, as far as these do not depend on user, time or machine. */
async function commonDigests(source: Source, name: string, { signal }: CompareOptions): Promise<readonly string[]> {
  if (name.length >= 100) return [];
  const archives = [tarHeader(name, source.size), pythonTarHeader(name, source.size)].map((header) =>
    createHash('sha1').update(header),
  );
  const buffer = Buffer.alloc(BLOCK_SIZE);
  for (let index = 0; index < blockCount(source.size); index++) {
    signal?.throwIfAborted();
    const bytes = buffer.subarray(0, blockLength(source.size, index));
    await source.read(bytes, index * BLOCK_SIZE);
    for (const archive of archives) archive.update(bytes);
  }
  await source.assertUnchanged();
  return archives.flatMap((archive) => digestsWithTrailer(archive, source.size));
}

/** One that ends with two blocks of zeros, one that is padded to a record. */
function digestsWithTrailer(archive: Hash, size: number): readonly string[] {
  const unpadded = archive.update(tarTrailer(size));
  const length = TAR_BLOCK + size + padding(size) + 2 * TAR_BLOCK;
  const padded = unpadded.copy().update(Buffer.alloc((RECORD - (length % RECORD)) % RECORD));
  return [unpadded.digest('hex'), padded.digest('hex')];
}

async function hasSameContent(
  { manifest, readPart, privateKey, source }: CompareInput,
  { signal, onCompared }: CompareOptions,
): Promise<boolean> {
  const buffer = Buffer.alloc(BLOCK_SIZE);
  let at = 0;
  for await (const piece of unbundle(manifest, readPart, privateKey)) {
    for (let from = 0; from < piece.length; from += BLOCK_SIZE) {
      signal?.throwIfAborted();
      const theirs = piece.subarray(from, from + BLOCK_SIZE);
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
