/** Images. RegisterImage gets only parameters that every release accepts: location, name, description, architecture, kernel, ramdisk. */

import { DeregisterImageCommand, DescribeImagesCommand, RegisterImageCommand } from '@aws-sdk/client-ec2';
import type { Image } from '@aws-sdk/client-ec2';
import type { Cloud, CloudImage, RegisterRequest } from '../steps/ports';
import type { Ec2 } from './ec2';
import { CloudFailure, tolerate, unclear } from './failures';

export function images(
  ec2: Ec2,
): Pick<Cloud, 'registersOnce' | 'imageExists' | 'ownImages' | 'imagesAt' | 'registerImage' | 'deregisterImage'> {
  return {
    registersOnce: ec2.capabilities.imageNames === 'unique',
    imageExists: (id) => imageExists(ec2, id),
    ownImages: () => ownImages(ec2),
    imagesAt: (location) => imagesAt(ec2, location),
    registerImage: (request) => registerImage(ec2, request),
    deregisterImage: (id) => deregisterImage(ec2, id),
  };
}

/** 3.2 also lists images that were deregistered or have failed. */
async function imageExists(ec2: Ec2, id: string): Promise<boolean> {
  const request = ec2.send(new DescribeImagesCommand({ ImageIds: [id] }));
  const { Images = [] } = await tolerate('missing', request, {});
  return Images.some(({ ImageId, State }) => ImageId === id && (State === 'available' || State === 'pending'));
}

async function ownImages(ec2: Ec2): Promise<readonly CloudImage[]> {
  const { Images = [] } = await ec2.send(new DescribeImagesCommand({ Owners: ['self'] }));
  return Images.flatMap(imageOf);
}

/** Of any owner: an image that another account registered from there uses the objects all the same. Some clouds keep a leading slash. */
async function imagesAt(ec2: Ec2, location: string): Promise<readonly CloudImage[]> {
  const { Images = [] } = await ec2.send(
    new DescribeImagesCommand(
      ec2.capabilities.filters ? { Filters: [{ Name: 'manifest-location', Values: [location, `/${location}`] }] } : {},
    ),
  );
  return Images.flatMap(imageOf).filter((image) => image.location === location);
}

/** Eucalyptus reports an image in use as unavailable, which other clouds say of one that is gone. */
async function deregisterImage(ec2: Ec2, id: string): Promise<void> {
  const request = ec2.send(new DeregisterImageCommand({ ImageId: id })).then(() => ({ deregistered: true }));
  const { deregistered } = await tolerate('missing', request, { deregistered: false });
  if (deregistered === true || !(await ownImages(ec2)).some((image) => image.id === id && exists(image))) return;
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
    if (ImageId === undefined || ImageId === '') throw unclear('The cloud registered an image but did not say which.');
    return ImageId;
  } catch (error) {
    if (error instanceof CloudFailure && error.code === 'IMAGE_NAME_TAKEN') return await adopt(ec2, request, error);
    throw error;
  }
}

/** The id in the cloud's message is that of our image, if an answer was lost, or of somebody else's image of the same name. */
async function adopt(ec2: Ec2, { kind, name, location }: RegisterRequest, refusal: CloudFailure): Promise<string> {
  const id = /\b[ae][mkr]i-[0-9a-f]{8,17}\b/.exec(refusal.message)?.[0];
  const existing = (await ownImages(ec2))
    .filter(exists)
    .find((image) => (id === undefined ? image.name === name : image.id === id));
  if (existing?.kind === kind && (existing.location === '' || existing.location === location)) return existing.id;
  const where = existing === undefined ? '' : `, at ${existing.location}`;
  throw new CloudFailure(
    'IMAGE_NAME_TAKEN',
    `The name ${name} is taken by ${id ?? existing?.id ?? 'another image'}${where}, which is not ${location}.`,
  );
}

function exists({ state }: CloudImage): boolean {
  return state === 'pending' || state === 'available';
}

const KINDS: ReadonlyMap<string, CloudImage['kind']> = new Map([
  ['machine', 'machine'],
  ['kernel', 'kernel'],
  ['ramdisk', 'ramdisk'],
]);

/** What is not listed here, such as `transient`, is pending. Eucalyptus still shows what was deregistered, 3.2 in every list. */
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
