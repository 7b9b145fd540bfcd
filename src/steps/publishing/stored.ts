/** A bundle as its bucket has it. */

import type { KeyObject } from 'node:crypto';
import { compareImage, MANIFEST_LIMIT, readManifest } from '../../image';
import type { Bundle, Comparison, Manifest, Source } from '../../image';
import { DeployError } from '../../deployment/errors';
import type { ImagePart } from '../../deployment/messages';
import type { Attempt } from '../attempt';
import type { CloudImage, ObjectStore, StoredObject } from '../ports';
import { storedParts } from './target';
import type { Target } from './target';

export interface StoredBundle {
  /** Undefined: there is none, or nothing a cloud could read. */
  readonly manifest: Manifest | undefined;
  /** All that the manifest lists is there. */
  readonly whole: boolean;
  /** Bytes of the largest of these. */
  readonly largest: number;
  readonly parts: ReadonlyMap<string, StoredObject>;
}

export async function storedBundle(store: ObjectStore, target: Target): Promise<StoredBundle> {
  const { bucket, manifest: key } = target;
  const parts = new Map((await storedParts(store, target)).map((object) => [object.key, object]));
  const there = await store.head(bucket, key);
  const manifest =
    there === undefined || there.size > MANIFEST_LIMIT ? undefined : legible(await store.get(bucket, key));
  const listed = manifest === undefined ? [] : await sizesOf(store, bucket, parts, manifest);
  const sizes = listed.filter((size) => size !== undefined);
  const whole =
    manifest !== undefined &&
    sizes.length === listed.length &&
    sizes.reduce((sum, size) => sum + size, 0) === manifest.bundledSize;
  return { manifest, whole, largest: Math.max(0, ...sizes), parts };
}

/** One after another: the bundle of another program, with names of its own for its parts, may have hundreds. */
async function sizesOf(
  store: ObjectStore,
  bucket: string,
  parts: StoredBundle['parts'],
  { parts: listed }: Manifest,
): Promise<readonly (number | undefined)[]> {
  const sizes: (number | undefined)[] = [];
  for (const { name } of listed) sizes.push((parts.get(name) ?? (await store.head(bucket, name)))?.size);
  return sizes;
}

function legible(bytes: Buffer): Manifest | undefined {
  try {
    return readManifest(bytes);
  } catch (error) {
    if (error instanceof DeployError) return undefined;
    throw error;
  }
}

/** Throws where what is registered is another kind of image, or may be: what it was made of would be mixed up with ours. */
export function insistOnSame(target: Target, holder: CloudImage, manifest: Manifest | undefined): Manifest {
  if (manifest === undefined)
    throw taken(target, holder, 'no manifest can be read there: nobody can tell whether its content is the same');
  const { facts } = target;
  // The registration binds a machine image to its kernel; what the manifest says of it is what counts where that said nothing.
  const bound =
    facts.kind === 'machine'
      ? { kernelId: holder.kernelId ?? manifest.kernelId, ramdiskId: holder.ramdiskId ?? manifest.ramdiskId }
      : {};
  const theirs = { ...manifest, ...bound };
  const differs = (['kind', 'account', 'architecture', 'kernelId', 'ramdiskId'] as const).find(
    (fact) => theirs[fact] !== facts[fact],
  );
  if (differs !== undefined)
    throw taken(
      target,
      holder,
      `its ${differs} is another (${theirs[differs] ?? 'not told'}, not ${facts[differs] ?? 'none'})`,
    );
  return manifest;
}

export interface ToCompare {
  readonly holder: CloudImage;
  readonly store: ObjectStore;
  readonly stored: StoredBundle;
  readonly source: Source;
  readonly bundle: Pick<Bundle, 'survey'>;
  readonly privateKey: KeyObject;
}

/** Throws unless what is registered is proved to hold the same file. A bundle of another program is opened and compared, a part at a time. */
export async function insistOnContent(
  target: Target,
  compared: ToCompare,
  part: ImagePart,
  attempt: Attempt,
): Promise<void> {
  const {
    holder,
    store,
    stored: { manifest, whole, largest },
    bundle: { survey },
  } = compared;
  if (manifest === undefined || manifest.digest === survey.tarDigest) return;
  const readPart = async function* (key: string): AsyncGenerator<Buffer, void> {
    attempt.signal.throwIfAborted();
    yield await store.get(target.bucket, key);
  };
  const onCompared = (end: number): void =>
    attempt.report(`${part}: comparing with what is registered: ${mib(end)} of ${mib(survey.size)} MiB`);
  attempt.report(`${part}: comparing with what is registered`);
  const { image, detail }: Comparison = !whole
    ? { image: 'unknown', detail: 'Parts of it are missing, and another program made them' }
    : largest > PART_LIMIT
      ? { image: 'unknown', detail: `It has a part of ${largest} bytes` }
      : await compareImage({ ...compared, manifest, readPart, survey }, { signal: attempt.signal, onCompared });
  if (image === 'different') throw taken(target, holder, 'its content is another');
  if (image === 'unknown') throw taken(target, holder, `whether its content is the same cannot be said. ${detail}`);
}

/** Each part is in memory while it is compared. They usually have 10 MiB. */
const PART_LIMIT = 64 * 1024 * 1024;

function mib(bytes: number): number {
  return Math.ceil(bytes / (1024 * 1024));
}

function taken({ location }: Target, { id, name = 'no name' }: CloudImage, why: string): DeployError {
  return new DeployError('IMAGE_NAME_TAKEN', `The image ${id} (${name}) is registered from ${location}, and ${why}.`);
}
