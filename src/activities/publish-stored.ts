/** A bundle as its bucket has it. */

import { MANIFEST_LIMIT, readManifest } from '../image';
import type { Manifest } from '../image';
import { DeployError } from '../spec/errors';
import type { CloudImage, ObjectStore, StoredObject } from './ports';
import { storedParts } from './publish-target';
import type { Target } from './publish-target';

export interface StoredBundle {
  /** Undefined: there is none, or nothing a cloud could read. */
  readonly manifest: Manifest | undefined;
  /** All that the manifest lists is there. */
  readonly whole: boolean;
  readonly parts: ReadonlyMap<string, StoredObject>;
}

export async function storedBundle(store: ObjectStore, target: Target): Promise<StoredBundle> {
  const { bucket, manifest: key } = target;
  const parts = new Map((await storedParts(store, target)).map((object) => [object.key, object]));
  const there = await store.head(bucket, key);
  const manifest = there === undefined || there.size > MANIFEST_LIMIT ? undefined : legible(await store.get(bucket, key));
  const listed = manifest === undefined ? [] : await sizesOf(store, bucket, parts, manifest);
  const whole = manifest !== undefined && listed.every((size) => size !== undefined) && listed.reduce<number>((sum, size) => sum + (size ?? 0), 0) === manifest.bundledSize;
  return { manifest, whole, parts };
}

/** One after another: the bundle of another program, with names of its own for its parts, may have hundreds. */
async function sizesOf(store: ObjectStore, bucket: string, parts: StoredBundle['parts'], { parts: listed }: Manifest): Promise<readonly (number | undefined)[]> {
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

/** Throws where what is registered is another image, or may be: what it was made of would be mixed up with ours. */
export function insistOnSame({ location, facts }: Target, { id, name = 'no name' }: CloudImage, manifest: Manifest | undefined, digest?: string): Manifest {
  const what = `The image ${id} (${name}) is registered from ${location}`;
  if (manifest === undefined) throw new DeployError('IMAGE_NAME_TAKEN', `${what}, where no manifest can be read: nobody can tell whether its content is the same.`);
  const differs = (['kind', 'account', 'architecture', 'kernelId', 'ramdiskId'] as const).find((fact) => manifest[fact] !== facts[fact])
    ?? (digest !== undefined && digest !== manifest.digest ? 'content' : undefined);
  if (differs !== undefined) throw new DeployError('IMAGE_NAME_TAKEN', `${what}, and its ${differs} is another.`);
  return manifest;
}
