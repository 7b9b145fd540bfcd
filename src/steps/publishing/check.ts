/** Everything about an image that can be known before its first byte is sent. */

import { CLOUD_KINDS } from '../../deployment/cloud-kinds';
import { checkFacts, checkImageSize, openFile } from '../../image';
import { IMAGE_PARTS } from '../../deployment/messages';
import type { ImagePart, PublishInput } from '../../deployment/messages';
import type { CloudSpec, ImageSpec } from '../../deployment/types';
import type { Dependencies } from '../dependencies';
import { identityOf, packingFor } from './source';
import { findRegistered, targetOf } from './target';

/** Also makes the bucket, because that is the only way to learn whether it can be ours. */
export async function checkImage(deps: Dependencies, { cloud, image }: PublishInput): Promise<void> {
  await checkSigning(deps, image);
  await (await deps.clouds.open(cloud)).checkAccess();
  const missing = await partsToPublish(deps, cloud, image);
  for (const part of missing) await checkFile(deps, cloud, image, part);
  if (missing.length > 0) await (await deps.clouds.store(cloud)).ensureBucket(image.bucket);
}

/** Names, account number, and that key and certificates fit together. */
export async function checkSigning({ secrets }: Dependencies, image: ImageSpec): Promise<void> {
  for (const part of IMAGE_PARTS) checkFacts(targetOf({ image, part }).facts);
  await identityOf(secrets, image.signing);
}

/** What the account has not registered yet; throws IMAGE_NAME_TAKEN. */
export async function partsToPublish(
  { clouds }: Dependencies,
  cloud: CloudSpec,
  image: ImageSpec,
): Promise<readonly ImagePart[]> {
  const opened = await clouds.open(cloud);
  const missing: ImagePart[] = [];
  for (const part of IMAGE_PARTS) {
    if ((await findRegistered(opened, targetOf({ image, part }))) === undefined) missing.push(part);
  }
  return missing;
}

/** What is behind a URL is looked at when it is here. */
export async function checkFile(
  { files }: Dependencies,
  cloud: CloudSpec,
  image: ImageSpec,
  part: ImagePart,
): Promise<void> {
  const { file } = targetOf({ image, part });
  const packing = packingFor(file, part);
  if ('url' in file) return;
  const source = await openFile({ path: (await files.find(file)) ?? file.file });
  try {
    if (packing === 'raw') checkImageSize(source.size, CLOUD_KINDS[cloud.kind].sizeLimits);
  } finally {
    await source.close();
  }
}
