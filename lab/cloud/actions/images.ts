/** Registering images: the manifest is read from the cloud's own S3, and looked at as far as the release looks. */

import { readFileSync } from 'node:fs';
import { manifestIn } from '../bundles/manifest';
import type { Manifest } from '../bundles/manifest';
import type { ImageRow } from '../dialects';
import { filtered } from '../filters';
import { OWNER, READABLE } from '../images';
import type { ImageRecord } from '../images';
import { listed } from '../parameters';
import type { Params } from '../parameters';
import { Refusal } from '../refusals';
import type { Account } from '../signatures';
import type { Bucket, StoredFile } from '../store/buckets';
import type { World } from '../world';
import { list } from '../xml';
import type { Branch } from '../xml';
import { named, needed } from './common';

const NAME = /^[A-Za-z0-9()./_-]{3,128}$/;
const MANIFEST_LIMIT = 5 * 1024 * 1024;
const GIB = 1024 ** 3;

export function describeImages(world: World, params: Params): Branch {
  const { listsDeregistered } = world.dialect.registration;
  const owners = listed(params, 'Owner').map((owner) => (owner === 'self' ? OWNER : owner));
  const visible = world.images
    .all()
    .filter(
      ({ state, owner }) =>
        (listsDeregistered || state !== 'deregistered') && (owners.length === 0 || owners.includes(owner)),
    );
  const images = named(world, visible, params, { ImageId: ({ id }) => id }, 'imageMissing');
  const rows = filtered<ImageRecord & { tags?: undefined }>(images, params, {
    'image-id': ({ id }) => [id],
    name: ({ name }) => [name],
    state: ({ state }) => [state],
    'image-type': ({ type }) => [type],
    'manifest-location': ({ location }) => [location],
  });
  return { imagesSet: list(rows.map(item)) };
}

export function registerImage(world: World, params: Params, caller: Account): Branch {
  const { registration } = world.dialect;
  const location = needed(params, 'ImageLocation').replace(/^\/+/, '');
  const { bucket, file } = manifestAt(world, location, caller);
  const manifest = file.size > MANIFEST_LIMIT ? undefined : manifestIn(readFileSync(file.path));
  if (manifest === undefined) throw new Refusal('manifestInvalid', location);
  if (registration.checksUser && manifest.user !== caller.number) throw new Refusal('manifestHidden', location);
  const type = typeOf(manifest, file.key, registration.readsType);
  if (type !== 'machine' && registration.kernelsByAdmin && !caller.registersKernels)
    throw new Refusal('kernelAdmin', type);
  const name = nameFor(world, params, manifest);
  if (manifest.size > registration.limit * GIB) throw new Refusal('imageTooLarge', String(manifest.size));
  if (registration.checksParts && manifest.parts.some(({ filename }) => !bucket.files.has(filename)))
    throw new Refusal('manifestInvalid', location);
  const bound = type === 'machine' ? boundTo(world, params, manifest) : {};
  const { id } = world.images.register({
    type,
    name,
    location,
    manifest,
    bucket: bucket.name,
    ...bound,
    description: params['Description'] ?? '',
    architecture: params['Architecture'] ?? manifest.architecture,
  });
  return { imageId: id };
}

export async function deregisterImage(world: World, params: Params): Promise<Branch> {
  const id = needed(params, 'ImageId');
  const image = world.images.get(id);
  const { registration, eucalyptus } = world.dialect;
  if (
    !registration.listsDeregistered &&
    (await world.instances()).some(({ imageId, state }) => imageId === id && state !== 'terminated') &&
    eucalyptus
  ) {
    throw new Refusal('imageUnavailable', id);
  }
  if (image?.owner === OWNER && (eucalyptus || image.state !== 'deregistered'))
    return { return: world.images.deregister(id) };
  if (registration.listsDeregistered) return { return: false };
  throw new Refusal(image?.state === 'deregistered' ? 'imageUnavailable' : 'imageMissing', id);
}

function manifestAt(world: World, location: string, caller: Account): { bucket: Bucket; file: StoredFile } {
  const [name = '', ...rest] = location.split('/');
  const bucket = world.buckets.get(name);
  const { ownBucket, readsByAcl } = world.dialect.registration;
  if (ownBucket && bucket !== undefined && bucket.owner !== caller.number) throw new Refusal('bucketForeign', name);
  const file = bucket?.files.get(rest.join('/'));
  if (bucket === undefined || file === undefined || (readsByAcl && !READABLE.has(file.acl)))
    throw new Refusal('manifestHidden', location);
  return { bucket, file };
}

/** `true` in place of an id says that it is one itself; so does the beginning of its name. */
function typeOf({ kernelId, ramdiskId, type }: Manifest, key: string, readsType: boolean): ImageRow['type'] {
  const itself = new Set(['true', 'yes']);
  if (itself.has(kernelId) || key.startsWith('vmlinuz') || (readsType && type === 'kernel')) return 'kernel';
  if (itself.has(ramdiskId) || key.startsWith('initrd') || (readsType && type === 'ramdisk')) return 'ramdisk';
  return 'machine';
}

/** Kernels and ramdisks share the names of images. */
function nameFor(world: World, params: Params, manifest: Manifest): string {
  const { names } = world.dialect.registration;
  const given = params['Name'];
  if (names === 'free') return given ?? manifest.name;
  if (given === undefined && names === 'unique') return manifest.name;
  if (given === undefined || !NAME.test(given)) throw new Refusal('imageName');
  const there = world.images
    .all()
    .find(
      ({ name, owner, state }) => name === given && owner === OWNER && (state === 'available' || state === 'pending'),
    );
  if (there !== undefined) throw new Refusal('imageDuplicate', `${given} ${there.id}`);
  return given;
}

/** What the request says, else what the manifest says. Without either 3.2 takes the cloud's own. */
function boundTo(world: World, params: Params, manifest: Manifest): { kernelId?: string; ramdiskId?: string } {
  const [kernelId, ramdiskId] = [params['KernelId'] ?? manifest.kernelId, params['RamdiskId'] ?? manifest.ramdiskId];
  if (
    world.dialect.registration.needsKernel &&
    params['VirtualizationType'] !== 'hvm' &&
    params['Platform'] !== 'windows'
  ) {
    if (kernelId === '') throw new Refusal('kernelNeeded', 'Kernel');
    if (ramdiskId === '') throw new Refusal('kernelNeeded', 'Ramdisk');
  }
  for (const [id, type] of [
    [kernelId, 'kernel'],
    [ramdiskId, 'ramdisk'],
  ] as const) {
    if (id === '') continue;
    const image = world.images.get(id);
    if (image?.type !== type || (image.state !== 'available' && image.state !== 'pending'))
      throw new Refusal('imageMissing', id);
  }
  return { ...(kernelId === '' ? {} : { kernelId }), ...(ramdiskId === '' ? {} : { ramdiskId }) };
}

function item({
  id,
  name,
  type,
  location,
  state,
  owner,
  description,
  architecture,
  kernelId,
  ramdiskId,
}: ImageRecord): Branch {
  return {
    imageId: id,
    imageLocation: location,
    imageState: state,
    imageOwnerId: owner,
    isPublic: owner !== OWNER,
    architecture,
    imageType: type,
    kernelId,
    ramdiskId,
    name,
    description,
    rootDeviceType: 'instance-store',
    rootDeviceName: '/dev/sda1',
  };
}
