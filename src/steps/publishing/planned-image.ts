/** An image as it is to be published: its bundle in the bucket and its registration. Also finds what already has these names. */

import { createHash } from 'node:crypto';
import { checkName, isPartName, manifestName } from '../../image';
import type { BundleFacts } from '../../image';
import { DeployError } from '../../deployment/errors';
import { imageWorkflowId } from '../../deployment/names';
import type { CloudSpec, ImageFile, ImageKind, ImageSpec } from '../../deployment/spec';
import type { Cloud, CloudImage, ObjectStore, StoredObject } from '../ports';
import type { ImageInput } from '../../deployment/activities';

export interface PlannedImage {
  readonly facts: BundleFacts;
  readonly file: ImageFile;
  readonly bucket: string;
  /** In the root of the bucket: clouds find parts by their names alone, without a path. */
  readonly manifestKey: string;
  readonly name: string;
  /** `bucket/key` of the manifest. */
  readonly location: string;
}

const FILES = { kernel: 'kernel', ramdisk: 'ramdisk', machine: 'root' } as const satisfies Record<
  ImageKind,
  keyof ImageSpec
>;

/** The field of the spec that names the file. */
export function fileOf(image: ImageSpec, kind: ImageKind): ImageFile {
  return image[FILES[kind]];
}

/** Of the image and of all objects of its bundle. */
export function imageNameOf({ name }: ImageSpec, kind: ImageKind): string {
  return kind === 'machine' ? name : `${name}-${kind}`;
}

/** Throws where a name or an id cannot be used. */
export function plannedImageOf({
  image,
  kind,
  kernelId,
  ramdiskId,
}: Pick<ImageInput, 'image' | 'kernelId' | 'ramdiskId'> & { readonly kind: ImageKind }): PlannedImage {
  const name = imageNameOf(image, kind);
  checkName(name);
  const manifestKey = manifestName(name);
  const facts: BundleFacts = {
    prefix: name,
    kind,
    architecture: image.architecture,
    account: image.signing.account,
    ...(kernelId === undefined ? {} : { kernelId }),
    ...(ramdiskId === undefined ? {} : { ramdiskId }),
  };
  return {
    facts,
    file: fileOf(image, kind),
    bucket: image.bucket,
    manifestKey,
    name,
    location: `${image.bucket}/${manifestKey}`,
  };
}

/** One journal for each bundle, so that attempts at different bundles never share one. */
export function journalName(cloud: CloudSpec, image: ImageSpec, kind: ImageKind): string {
  return createHash('sha256')
    .update(`${imageWorkflowId(cloud, image)}/${kind}`)
    .digest('hex')
    .slice(0, 40);
}

export function isRegistered({ state }: CloudImage): boolean {
  return state === 'available' || state === 'pending';
}

/** Whether the image has the planned name, kind and location. Some clouds do not keep locations. */
export function matches({ name, location, facts: { kind } }: PlannedImage, image: CloudImage): boolean {
  return image.name === name && image.kind === kind && (image.location === '' || image.location === location);
}

/** The registered image with that name and location. On 3.2, where several can have one name, always the same one. Throws IMAGE_NAME_TAKEN. */
export async function findRegistered(cloud: Cloud, planned: PlannedImage): Promise<CloudImage | undefined> {
  const { name, location } = planned;
  const named = (await cloud.ownImages()).filter((image) => image.name === name && isRegistered(image));
  const [first] = named
    .filter((image) => matches(planned, image))
    .sort((a, b) => a.state.localeCompare(b.state) || a.id.localeCompare(b.id));
  const other = named[0];
  if (first === undefined && other !== undefined) {
    const what = other.location === location ? `a ${other.kind}` : `registered from ${other.location}, not ${location}`;
    throw new DeployError('IMAGE_NAME_TAKEN', `The name ${name} belongs to the image ${other.id}, ${what}.`);
  }
  return first;
}

/** The image that depends on the objects at that location: ours, or else any image registered from there under another name. */
export async function findImageUsingManifest(cloud: Cloud, planned: PlannedImage): Promise<CloudImage | undefined> {
  return (await findRegistered(cloud, planned)) ?? (await cloud.imagesAt(planned.location)).find(isRegistered);
}

/** The parts of that bundle in its bucket. Other objects may begin with the same characters, so names are matched exactly. */
export async function listParts(store: ObjectStore, { bucket, name }: PlannedImage): Promise<readonly StoredObject[]> {
  return (await store.list(bucket, `${name}.part.`)).filter(({ key }) => isPartName(name, key));
}
