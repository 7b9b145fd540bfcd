/** A bundle as its bucket has it. */

import { readManifest } from '../image';
import type { Manifest } from '../image';
import { DeployError } from '../spec/errors';
import type { ObjectStore, StoredObject } from './ports';
import type { Target } from './publish-target';

export interface StoredBundle {
  /** Undefined: there is none, or nothing a cloud could read. */
  readonly manifest: Manifest | undefined;
  /** All that the manifest lists is there. */
  readonly whole: boolean;
  readonly parts: ReadonlyMap<string, StoredObject>;
}

export async function storedBundle(store: ObjectStore, { bucket, manifest: key, parts: prefix }: Target): Promise<StoredBundle> {
  const parts = new Map((await store.list(bucket, prefix)).map((object) => [object.key, object]));
  const manifest = (await store.head(bucket, key)) === undefined ? undefined : legible(await store.get(bucket, key));
  const listed = manifest?.parts.map(({ name }) => parts.get(name)?.size) ?? [];
  const whole = manifest !== undefined && listed.every((size) => size !== undefined) && listed.reduce<number>((sum, size) => sum + (size ?? 0), 0) === manifest.bundledSize;
  return { manifest, whole, parts };
}

function legible(bytes: Buffer): Manifest | undefined {
  try {
    return readManifest(bytes);
  } catch (error) {
    if (error instanceof DeployError) return undefined;
    throw error;
  }
}

/** Throws where what is registered is another image: what it was made of would be mixed up with ours. */
export function insistOnSame({ name, location, facts }: Target, manifest: Manifest, digest?: string): void {
  const differs = (['kind', 'account', 'architecture', 'kernelId', 'ramdiskId'] as const).find((fact) => manifest[fact] !== facts[fact])
    ?? (digest !== undefined && digest !== manifest.digest ? 'content' : undefined);
  if (differs !== undefined) throw new DeployError('IMAGE_NAME_TAKEN', `An image ${name} is registered, and its ${differs} is another: see ${location}.`);
}
