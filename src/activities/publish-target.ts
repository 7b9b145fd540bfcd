/** What each part of an image is called, as a bundle in its bucket and as a registered image. */

import { checkName } from '../image/checks';
import type { BundleFacts } from '../image/checks';
import { manifestName } from '../image/manifest';
import { DeployError } from '../spec/errors';
import type { ImagePart } from '../spec/messages';
import type { ImageFile, ImageSpec } from '../spec/types';
import type { Cloud, CloudImage } from './ports';
import type { PartInput } from './types';

export interface Target {
  readonly facts: BundleFacts;
  readonly file: ImageFile;
  readonly bucket: string;
  /** Of the parts' names; what comes before belongs to this bundle alone. */
  readonly parts: string;
  /** At the bucket's root: clouds find parts by the name alone, and no path before it. */
  readonly manifest: string;
  readonly name: string;
  readonly location: string;
}

const FILES = { kernel: 'kernel', ramdisk: 'ramdisk', machine: 'root' } as const satisfies Record<ImagePart, keyof ImageSpec>;

/** Throws where a name or id cannot be used. */
export function targetOf({ image, part, kernelId, ramdiskId }: Pick<PartInput, 'image' | 'part' | 'kernelId' | 'ramdiskId'>): Target {
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
  return { facts, file: image[FILES[part]], bucket: image.bucket, parts: `${prefix}.part.`, manifest, name: prefix, location: `${image.bucket}/${manifest}` };
}

/** The registered image of that name and place. Some clouds keep no places, and 3.2 lets several have one name: the same one is found each time. */
export async function findRegistered(cloud: Cloud, { name, location }: Target): Promise<CloudImage | undefined> {
  const named = (await cloud.ownImages()).filter((image) => image.name === name && (image.state === 'available' || image.state === 'pending'));
  const ours = named.filter((image) => image.location === '' || image.location === location);
  const [first] = [...ours].sort((a, b) => a.state.localeCompare(b.state) || a.id.localeCompare(b.id));
  const other = named[0];
  if (first === undefined && other !== undefined) {
    throw new DeployError('IMAGE_NAME_TAKEN', `The name ${name} is that of ${other.id}, which is at ${other.location} and not at ${location}.`);
  }
  return first;
}
