/** Images. RegisterImage reads the manifest from the cloud's own S3 and checks what the release checks. */

import { readFileSync } from 'node:fs';
import { manifestIn } from '../bundles/manifest';
import type { Manifest } from '../bundles/manifest';
import type { Cloud } from '../cloud';
import type { ImageRow } from '../dialects';
import { Ec2Error } from '../ec2-errors';
import { filtered } from '../filters';
import { OWNER, READABLE_ACLS } from '../images';
import type { ImageRecord } from '../images';
import { listed } from '../parameters';
import type { Params } from '../parameters';
import type { Bucket, StoredFile } from '../s3/buckets';
import type { Account } from '../signatures';
import { list } from '../xml';
import type { Branch } from '../xml';
import { selected, required } from './common';

const NAME = /^[A-Za-z0-9()./_-]{3,128}$/;
const MANIFEST_LIMIT = 5 * 1024 * 1024;
const GIB = 1024 ** 3;

export function describeImages(cloud: Cloud, params: Params): Branch {
  const { listsDeregistered } = cloud.dialect.registration;
  const owners = listed(params, 'Owner').map((owner) => (owner === 'self' ? OWNER : owner));
  const visible = cloud.images
    .all()
    .filter(
      ({ state, owner }) =>
        (listsDeregistered || state !== 'deregistered') && (owners.length === 0 || owners.includes(owner)),
    );
  const images = selected(cloud, visible, params, { ImageId: ({ id }) => id }, 'imageMissing');
  const rows = filtered<ImageRecord & { tags?: undefined }>(images, params, {
    'image-id': ({ id }) => [id],
    name: ({ name }) => [name],
    state: ({ state }) => [state],
    'image-type': ({ type }) => [type],
    'manifest-location': ({ location }) => [location],
  });
  return { imagesSet: list(rows.map(item)) };
}

export function registerImage(cloud: Cloud, params: Params, caller: Account): Branch {
  const { registration } = cloud.dialect;
  const location = required(params, 'ImageLocation').replace(/^\/+/, '');
  const { bucket, file } = manifestAt(cloud, location, caller);
  const manifest = file.size > MANIFEST_LIMIT ? undefined : manifestIn(readFileSync(file.path));
  if (manifest === undefined) throw new Ec2Error('manifestInvalid', location);
  if (registration.checksUser && manifest.user !== caller.number) throw new Ec2Error('manifestHidden', location);
  const type = typeOf(manifest, file.key, registration.readsType);
  if (type !== 'machine' && registration.kernelsByAdmin && !caller.registersKernels)
    throw new Ec2Error('kernelAdmin', type);
  const name = nameFor(cloud, params, manifest);
  if (manifest.size > registration.limit * GIB) throw new Ec2Error('imageTooLarge', String(manifest.size));
  if (registration.checksParts && manifest.parts.some(({ filename }) => !bucket.files.has(filename)))
    throw new Ec2Error('manifestInvalid', location);
  const bound = type === 'machine' ? boundTo(cloud, params, manifest) : {};
  const { id } = cloud.images.register({
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

export async function deregisterImage(cloud: Cloud, params: Params): Promise<Branch> {
  const id = required(params, 'ImageId');
  const image = cloud.images.get(id);
  const { registration, eucalyptus } = cloud.dialect;
  if (
    !registration.listsDeregistered &&
    (await cloud.instances()).some(({ imageId, state }) => imageId === id && state !== 'terminated') &&
    eucalyptus
  ) {
    throw new Ec2Error('imageUnavailable', id);
  }
  if (image?.owner === OWNER && (eucalyptus || image.state !== 'deregistered'))
    return { return: cloud.images.deregister(id) };
  if (registration.listsDeregistered) return { return: false };
  throw new Ec2Error(image?.state === 'deregistered' ? 'imageUnavailable' : 'imageMissing', id);
}

function manifestAt(cloud: Cloud, location: string, caller: Account): { bucket: Bucket; file: StoredFile } {
  const [name = '', ...rest] = location.split('/');
  const bucket = cloud.buckets.get(name);
  const { ownBucket, readsByAcl } = cloud.dialect.registration;
  if (ownBucket && bucket !== undefined && bucket.owner !== caller.number) throw new Ec2Error('bucketForeign', name);
  const file = bucket?.files.get(rest.join('/'));
  if (bucket === undefined || file === undefined || (readsByAcl && !READABLE_ACLS.has(file.acl)))
    throw new Ec2Error('manifestHidden', location);
  return { bucket, file };
}

/**
 * An image is a kernel or ramdisk if its manifest has `true` instead of a kernel or ramdisk id, or by the start of its
 * file name.
 */
function typeOf({ kernelId, ramdiskId, type }: Manifest, key: string, readsType: boolean): ImageRow['type'] {
  const itself = new Set(['true', 'yes']);
  if (itself.has(kernelId) || key.startsWith('vmlinuz') || (readsType && type === 'kernel')) return 'kernel';
  if (itself.has(ramdiskId) || key.startsWith('initrd') || (readsType && type === 'ramdisk')) return 'ramdisk';
  return 'machine';
}

/** Names are unique across machine images, kernels and ramdisks. */
function nameFor(cloud: Cloud, params: Params, manifest: Manifest): string {
  const { names } = cloud.dialect.registration;
  const given = params['Name'];
  if (names === 'free') return given ?? manifest.name;
  if (given === undefined && names === 'unique') return manifest.name;
  if (given === undefined || !NAME.test(given)) throw new Ec2Error('imageName');
  const there = cloud.images
    .all()
    .find(
      ({ name, owner, state }) => name === given && owner === OWNER && (state === 'available' || state === 'pending'),
    );
  if (there !== undefined) throw new Ec2Error('imageDuplicate', `${given} ${there.id}`);
  return given;
}

/** The ids in the request or else in the manifest. Without either, 3.2 uses the cloud's default. */
function boundTo(cloud: Cloud, params: Params, manifest: Manifest): { kernelId?: string; ramdiskId?: string } {
  const [kernelId, ramdiskId] = [params['KernelId'] ?? manifest.kernelId, params['RamdiskId'] ?? manifest.ramdiskId];
  if (
    cloud.dialect.registration.needsKernel &&
    params['VirtualizationType'] !== 'hvm' &&
    params['Platform'] !== 'windows'
  ) {
    if (kernelId === '') throw new Ec2Error('kernelNeeded', 'Kernel');
    if (ramdiskId === '') throw new Ec2Error('kernelNeeded', 'Ramdisk');
  }
  for (const [id, type] of [
    [kernelId, 'kernel'],
    [ramdiskId, 'ramdisk'],
  ] as const) {
    if (id === '') continue;
    const image = cloud.images.get(id);
    if (image?.type !== type || (image.state !== 'available' && image.state !== 'pending'))
      throw new Ec2Error('imageMissing', id);
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
