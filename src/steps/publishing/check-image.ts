/** Checks everything about an image that can be known before the first byte is uploaded. */

import { CLOUD_KINDS } from '../../deployment/cloud-kinds';
import { checkFacts, checkImageSize, openFile } from '../../image';
import { IMAGE_KINDS } from '../../deployment/spec';
import type { PublishInput } from '../../deployment/messages';
import type { CloudSpec, ImageKind, ImageSpec } from '../../deployment/spec';
import type { Dependencies } from '../dependencies';
import { packingOfFile, readSigningIdentity } from './bundle-input';
import { findRegistered, plannedImageOf } from './planned-image';

/** Also creates the bucket, because nothing else shows whether it can be ours. */
export async function checkImage(deps: Dependencies, { cloud, image }: PublishInput): Promise<void> {
  await checkSigning(deps, image);
  await (await deps.clouds.open(cloud)).checkAccess();
  const missing = await kindsToPublish(deps, cloud, image);
  for (const kind of missing) await checkFile(deps, cloud, image, kind);
  if (missing.length > 0) await (await deps.clouds.store(cloud)).ensureBucket(image.bucket);
}

/** Checks names and account number, and that the private key and the certificates belong together. */
export async function checkSigning({ secrets }: Dependencies, image: ImageSpec): Promise<void> {
  for (const kind of IMAGE_KINDS) checkFacts(plannedImageOf({ image, kind }).facts);
  await readSigningIdentity(secrets, image.signing);
}

/** Kinds that are not registered yet. Throws IMAGE_NAME_TAKEN. */
export async function kindsToPublish(
  { clouds }: Dependencies,
  cloud: CloudSpec,
  image: ImageSpec,
): Promise<readonly ImageKind[]> {
  const opened = await clouds.open(cloud);
  const missing: ImageKind[] = [];
  for (const kind of IMAGE_KINDS) {
    if ((await findRegistered(opened, plannedImageOf({ image, kind }))) === undefined) missing.push(kind);
  }
  return missing;
}

/** A catalogue is short: its own timeout is enough. */
const UNWATCHED = { signal: new AbortController().signal, report: (): void => undefined };

/** A file behind a URL, and an archive of a catalogue, are checked after they were downloaded. */
export async function checkFile(
  { files }: Dependencies,
  cloud: CloudSpec,
  image: ImageSpec,
  kind: ImageKind,
): Promise<void> {
  const { file } = plannedImageOf({ image, kind });
  if ('catalog' in file) return void (await files.catalogImage(file, UNWATCHED));
  const packing = packingOfFile(file, kind);
  if ('url' in file) return;
  const source = await openFile({ path: (await files.find(file)) ?? file.file });
  try {
    if (packing === 'raw') checkImageSize(source.size, CLOUD_KINDS[cloud.kind].sizeLimits);
  } finally {
    await source.close();
  }
}

/** Where catalogue and spec differ in whether the image has cloud-init. The spec counts. */
export async function cloudInitDifference({ files }: Dependencies, image: ImageSpec): Promise<string | undefined> {
  if (!('catalog' in image.root)) return undefined;
  const { cloudInit: listed } = await files.catalogImage(image.root, UNWATCHED);
  if (listed === undefined || listed === (image.cloudInit === true)) return undefined;
  return listed
    ? 'by the catalogue it has cloud-init, and image.cloudInit is not set'
    : 'by the catalogue it has no cloud-init, and image.cloudInit is set';
}
