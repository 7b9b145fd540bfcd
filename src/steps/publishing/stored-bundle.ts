/** A bundle as it is in its bucket, and whether an image that was registered from it is the same as the planned one. */

import type { KeyObject } from 'node:crypto';
import { compareImage, MANIFEST_LIMIT, readManifest } from '../../image';
import type { Bundle, Comparison, Manifest, Source } from '../../image';
import { DeployError } from '../../deployment/errors';
import type { ImageKind } from '../../deployment/spec';
import type { Attempt } from '../attempt';
import type { CloudImage, ObjectStore, StoredObject } from '../ports';
import { listParts } from './planned-image';
import type { PlannedImage } from './planned-image';

export interface StoredBundle {
  /** Undefined if there is none, or none that a cloud could read. */
  readonly manifest: Manifest | undefined;
  /** Whether everything that the manifest lists is there. */
  readonly complete: boolean;
  /** Size of the largest of these objects, bytes. */
  readonly largest: number;
  /** By key. */
  readonly parts: ReadonlyMap<string, StoredObject>;
}

export async function readStoredBundle(store: ObjectStore, planned: PlannedImage): Promise<StoredBundle> {
  const { bucket, manifestKey } = planned;
  const parts = new Map((await listParts(store, planned)).map((object) => [object.key, object]));
  const object = await store.head(bucket, manifestKey);
  const manifest =
    object === undefined || object.size > MANIFEST_LIMIT
      ? undefined
      : parseManifest(await store.get(bucket, manifestKey));
  const listed = manifest === undefined ? [] : await partSizes(store, bucket, parts, manifest);
  const sizes = listed.filter((size) => size !== undefined);
  const complete =
    manifest !== undefined &&
    sizes.length === listed.length &&
    sizes.reduce((sum, size) => sum + size, 0) === manifest.bundledSize;
  return { manifest, complete, largest: Math.max(0, ...sizes), parts };
}

/** One after another: a bundle of another program may have hundreds of parts whose names tell us nothing. */
async function partSizes(
  store: ObjectStore,
  bucket: string,
  parts: StoredBundle['parts'],
  { parts: listed }: Manifest,
): Promise<readonly (number | undefined)[]> {
  const sizes: (number | undefined)[] = [];
  for (const { name } of listed) sizes.push((parts.get(name) ?? (await store.head(bucket, name)))?.size);
  return sizes;
}

function parseManifest(bytes: Buffer): Manifest | undefined {
  try {
    return readManifest(bytes);
  } catch (error) {
    if (error instanceof DeployError) return undefined;
    throw error;
  }
}

/** Throws if the registered image is not of the planned kind, account, architecture, kernel and ramdisk, or if that cannot be known. */
export function assertSameImage(
  planned: PlannedImage,
  registered: CloudImage,
  manifest: Manifest | undefined,
): Manifest {
  if (manifest === undefined)
    throw nameTaken(
      planned,
      registered,
      'no manifest can be read there: there is no way to tell whether its content is the same',
    );
  const { facts } = planned;
  // What the registration says about kernel and ramdisk outweighs the manifest.
  const bound =
    facts.kind === 'machine'
      ? { kernelId: registered.kernelId ?? manifest.kernelId, ramdiskId: registered.ramdiskId ?? manifest.ramdiskId }
      : {};
  const theirs = { ...manifest, ...bound };
  const different = (['kind', 'account', 'architecture', 'kernelId', 'ramdiskId'] as const).find(
    (fact) => theirs[fact] !== facts[fact],
  );
  if (different !== undefined)
    throw nameTaken(
      planned,
      registered,
      `its ${different} is different (${theirs[different] ?? 'unknown'}, not ${facts[different] ?? 'none'})`,
    );
  return manifest;
}

export interface ContentComparison {
  readonly registered: CloudImage;
  readonly store: ObjectStore;
  readonly stored: StoredBundle;
  readonly source: Source;
  readonly bundle: Pick<Bundle, 'survey'>;
  readonly privateKey: KeyObject;
}

/** Throws unless the registered image provably has the same content. A bundle of another program is decrypted and compared part by part. */
export async function assertSameContent(
  planned: PlannedImage,
  comparison: ContentComparison,
  kind: ImageKind,
  attempt: Attempt,
): Promise<void> {
  const {
    registered,
    store,
    stored: { manifest, complete, largest },
    bundle: { survey },
  } = comparison;
  if (manifest === undefined || manifest.digest === survey.tarDigest) return;
  const readPart = async function* (key: string): AsyncGenerator<Buffer, void> {
    attempt.signal.throwIfAborted();
    yield await store.get(planned.bucket, key);
  };
  const onCompared = (end: number): void =>
    attempt.report(`${kind}: comparing with the registered image: ${mib(end)} of ${mib(survey.size)} MiB`);
  attempt.report(`${kind}: comparing with the registered image`);
  const { image, detail }: Comparison = !complete
    ? { image: 'unknown', detail: 'Parts of it are missing, and another program made them' }
    : largest > PART_LIMIT
      ? { image: 'unknown', detail: `It has a part of ${largest} bytes` }
      : await compareImage({ ...comparison, manifest, readPart, survey }, { signal: attempt.signal, onCompared });
  if (image === 'different') throw nameTaken(planned, registered, 'its content is different');
  if (image === 'unknown')
    throw nameTaken(planned, registered, `there is no way to tell whether its content is the same. ${detail}`);
}

/** Each part is in memory while it is compared. They usually have 10 MiB. */
const PART_LIMIT = 64 * 1024 * 1024;

function mib(bytes: number): number {
  return Math.ceil(bytes / (1024 * 1024));
}

function nameTaken({ location }: PlannedImage, { id, name = 'no name' }: CloudImage, why: string): DeployError {
  return new DeployError('IMAGE_NAME_TAKEN', `The image ${id} (${name}) is registered from ${location}, and ${why}.`);
}
