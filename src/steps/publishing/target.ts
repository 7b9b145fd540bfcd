/** What each part of an image is called, as a bundle in its bucket and as a registered image; and who has these names already. */

import { createHash } from 'node:crypto';
import { checkName, isPartName, manifestName } from '../../image';
import type { BundleFacts } from '../../image';
import { DeployError } from '../../deployment/errors';
import { imageWorkflowId } from '../../deployment/names';
import type { ImagePart } from '../../deployment/messages';
import type { ImageFile, ImageSpec } from '../../deployment/types';
import type { Cloud, CloudImage, ObjectStore, StoredObject } from '../ports';
import type { PartInput } from '../../deployment/activities';

export interface Target {
  readonly facts: BundleFacts;
  readonly file: ImageFile;
  readonly bucket: string;
  /** At the bucket's root: clouds find parts by the name alone, and no path before it. */
  readonly manifest: string;
  readonly name: string;
  readonly location: string;
}

const FILES = { kernel: 'kernel', ramdisk: 'ramdisk', machine: 'root' } as const satisfies Record<
  ImagePart,
  keyof ImageSpec
>;

/** Throws where a name or id cannot be used. */
export function targetOf({
  image,
  part,
  kernelId,
  ramdiskId,
}: Pick<PartInput, 'image' | 'part' | 'kernelId' | 'ramdiskId'>): Target {
  const prefix = part === 'machine' ? image.name : `${image.name}-${part}`;
  checkName(prefix);
  const manifest = manifestName(prefix);
  const facts: BundleFacts = {
    prefix,
    kind: part,
    architecture: image.architecture,
    account: image.signing.account,
    ...(kernelId === undefined ? {} : { kernelId }),
    ...(ramdiskId === undefined ? {} : { ramdiskId }),
  };
  return {
    facts,
    file: image[FILES[part]],
    bucket: image.bucket,
    manifest,
    name: prefix,
    location: `${image.bucket}/${manifest}`,
  };
}

/** One for each bundle: two attempts at different ones never write into each other's. */
export function journalName({ cloud, image, part }: Pick<PartInput, 'cloud' | 'image' | 'part'>): string {
  return createHash('sha256')
    .update(`${imageWorkflowId(cloud, image)}/${part}`)
    .digest('hex')
    .slice(0, 40);
}

export function isRegistered({ state }: CloudImage): boolean {
  return state === 'available' || state === 'pending';
}

/** Of that name, that kind and from that place; some clouds keep no places. */
export function isOf({ name, location, facts: { kind } }: Target, image: CloudImage): boolean {
  return image.name === name && image.kind === kind && (image.location === '' || image.location === location);
}

/** The registered image of that name and place. 3.2 lets several have one name: the same one is found each time. */
export async function findRegistered(cloud: Cloud, target: Target): Promise<CloudImage | undefined> {
  const { name, location } = target;
  const named = (await cloud.ownImages()).filter((image) => image.name === name && isRegistered(image));
  const [first] = named
    .filter((image) => isOf(target, image))
    .sort((a, b) => a.state.localeCompare(b.state) || a.id.localeCompare(b.id));
  const other = named[0];
  if (first === undefined && other !== undefined) {
    const kind = other.location === location ? `, a ${other.kind}` : ` and not at ${location}`;
    throw new DeployError(
      'IMAGE_NAME_TAKEN',
      `The name ${name} is that of ${other.id}, which is at ${other.location}${kind}.`,
    );
  }
  return first;
}

/** Whoever needs what lies at that place: ours, else any other that was registered from there, under whatever name. */
export async function findHolder(cloud: Cloud, target: Target): Promise<CloudImage | undefined> {
  return (await findRegistered(cloud, target)) ?? (await cloud.imagesAt(target.location)).find(isRegistered);
}

/** Objects that are parts of that bundle. Others may begin with the same characters: only names that a bundle gives count. */
export async function storedParts(store: ObjectStore, { bucket, name }: Target): Promise<readonly StoredObject[]> {
  return (await store.list(bucket, `${name}.part.`)).filter(({ key }) => isPartName(name, key));
}
