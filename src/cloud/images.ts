/** Images this account registers. Only what every release binds is sent: location, name, description, architecture, kernel, ramdisk. */

import { DeregisterImageCommand, DescribeImagesCommand, RegisterImageCommand } from '@aws-sdk/client-ec2';
import type { Image } from '@aws-sdk/client-ec2';
import type { Cloud, CloudImage, RegisterRequest } from '../steps/ports';
import type { Ec2 } from './ec2';
import { CloudFailure, unclear, unless } from './failures';

export function images(
  ec2: Ec2,
): Pick<Cloud, 'registersOnce' | 'ownImages' | 'imagesAt' | 'registerImage' | 'deregisterImage'> {
  return {
    registersOnce: ec2.can.imageNames === 'unique',
    ownImages: () => ownImages(ec2),
    imagesAt: (location) => imagesAt(ec2, location),
    registerImage: (request) => registerImage(ec2, request),
    deregisterImage: (id) => deregisterImage(ec2, id),
  };
}

async function ownImages(ec2: Ec2): Promise<readonly CloudImage[]> {
  const { Images = [] } = await ec2.send(new DescribeImagesCommand({ Owners: ['self'] }));
  return Images.flatMap(imageOf);
}

/** No owner is named: one that another account registered from there is in use all the same. Some clouds keep the slash they were given. */
async function imagesAt(ec2: Ec2, location: string): Promise<readonly CloudImage[]> {
  const { Images = [] } = await ec2.send(
    new DescribeImagesCommand(
      ec2.can.filters ? { Filters: [{ Name: 'manifest-location', Values: [location, `/${location}`] }] } : {},
    ),
  );
  return Images.flatMap(imageOf).filter((image) => image.location === location);
}

/** Eucalyptus says of an image that instances use that it is no longer available, as others say of one that is gone. */
async function deregisterImage(ec2: Ec2, id: string): Promise<void> {
  const done = await unless(
    'missing',
    ec2.send(new DeregisterImageCommand({ ImageId: id })).then(() => ({ now: true })),
    { now: false },
  );
  if (done.now === true || !(await ownImages(ec2)).some((image) => image.id === id && isThere(image))) return;
  throw new CloudFailure('NOT_YET', `The image ${id} is in use.`);
}

async function registerImage(ec2: Ec2, request: RegisterRequest): Promise<string> {
  const { name, location, description, architecture, kernelId, ramdiskId } = request;
  const command = new RegisterImageCommand({
    ImageLocation: location,
    Name: name,
    Description: description,
    Architecture: architecture,
    ...(kernelId === undefined ? {} : { KernelId: kernelId }),
    ...(ramdiskId === undefined ? {} : { RamdiskId: ramdiskId }),
  });
  try {
    const { ImageId } = await ec2.send(command);
    if (ImageId === undefined || ImageId === '') throw unclear('The cloud registered an image and does not say which.');
    return ImageId;
  } catch (error) {
    if (error instanceof CloudFailure && error.code === 'IMAGE_NAME_TAKEN') return await adopted(ec2, request, error);
    throw error;
  }
}

/** The id in the cloud's words is that of ours, if an answer got lost, or of somebody's who likes the same name. */
async function adopted(ec2: Ec2, { kind, name, location }: RegisterRequest, refusal: CloudFailure): Promise<string> {
  const id = /\b[ae][mkr]i-[0-9a-f]{8,17}\b/.exec(refusal.message)?.[0];
  const there = (await ownImages(ec2))
    .filter(isThere)
    .find((image) => (id === undefined ? image.name === name : image.id === id));
  if (there?.kind === kind && (there.location === '' || there.location === location)) return there.id;
  const place = there === undefined ? '' : `, at ${there.location}`;
  throw new CloudFailure(
    'IMAGE_NAME_TAKEN',
    `The name ${name} is taken by ${id ?? there?.id ?? 'another image'}${place}, which is not ${location}.`,
  );
}

function isThere({ state }: CloudImage): boolean {
  return state === 'pending' || state === 'available';
}

const KINDS: ReadonlyMap<string, CloudImage['kind']> = new Map([
  ['machine', 'machine'],
  ['kernel', 'kernel'],
  ['ramdisk', 'ramdisk'],
]);

/** `transient` and `pending` come before; what is not told is not yet. Eucalyptus lists what was deregistered, 3.2 in a plain list. */
const STATES: ReadonlyMap<string, CloudImage['state']> = new Map([
  ['available', 'available'],
  ['failed', 'failed'],
  ['error', 'failed'],
  ['invalid', 'failed'],
  ['unavailable', 'failed'],
  ['deregistered', 'gone'],
  ['deregistered_cleanup', 'gone'],
  ['hidden', 'gone'],
]);

export function imageOf({
  ImageId,
  ImageType,
  ImageLocation = '',
  Name,
  State,
  Description,
  KernelId,
  RamdiskId,
}: Image): readonly CloudImage[] {
  if (ImageId === undefined) return [];
  return [
    {
      id: ImageId,
      kind: KINDS.get(ImageType ?? '') ?? 'machine',
      ...(Name ? { name: Name } : {}),
      location: ImageLocation.replace(/^\/+/, ''),
      state: STATES.get(State ?? '') ?? 'pending',
      ...(Description ? { description: Description } : {}),
      ...(KernelId ? { kernelId: KernelId } : {}),
      ...(RamdiskId ? { ramdiskId: RamdiskId } : {}),
    },
  ];
}
