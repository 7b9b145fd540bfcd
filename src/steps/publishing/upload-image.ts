/**
 * Bundles one kind of an image and uploads it to its bucket: first the parts, in parallel with the bundling of the next, then the
 * manifest. Parts with the same MD5 are not uploaded again, and no manifest is ever in the bucket beside parts of another bundle. Objects
 * of a registered image are never overwritten: from 4.1 on, Eucalyptus does not launch an image whose manifest has changed.
 */

import { CLOUD_KINDS } from '../../deployment/cloud-kinds';
import { openBundle, openJournal } from '../../image';
import type { Bundle, Manifest } from '../../image';
import { DeployError } from '../../deployment/errors';
import type { Attempt } from '../attempt';
import type { Dependencies } from '../dependencies';
import type { Cloud, CloudImage, ObjectStore } from '../ports';
import { BucketWriter } from './bucket-writer';
import { openImageFile, readSigningIdentity } from './bundle-input';
import { isMadeFrom, isMarked } from './description';
import { findImageUsingManifest, journalName, matches, plannedImageOf } from './planned-image';
import type { PlannedImage } from './planned-image';
import { assertSameContent, assertSameImage, readStoredBundle } from './stored-bundle';
import type { ContentComparison, StoredBundle } from './stored-bundle';
import { UploadProgress } from './upload-progress';
import type { ImageInput, Uploaded } from '../../deployment/activities';

export async function uploadImage(deps: Dependencies, input: ImageInput, attempt: Attempt): Promise<Uploaded> {
  const upload: Upload = {
    planned: plannedImageOf({ ...input, kind: input.part }),
    cloud: await deps.clouds.open(input.cloud),
    store: await deps.clouds.store(input.cloud),
    mark: await deps.publisher.mark(),
    attempt,
  };
  const { planned, cloud, store, mark } = upload;
  const registered = await findImageUsingManifest(cloud, planned);
  const stored = await readStoredBundle(store, planned);
  if (registered !== undefined) assertSameImage(planned, registered, stored.manifest);
  const bundled = async <T>(path: string, use: (opened: OpenedBundle) => Promise<T>): Promise<T> =>
    withBundle(deps, input, { path, attempt }, use);
  if (registered === undefined)
    return await bundled(await deps.files.fetch(planned.file, attempt), ({ bundle }) =>
      uploadBundle(bundle, upload, stored),
    );
  // A complete bundle of ours is not downloaded only to be compared.
  const trusted = stored.complete && isMarked(registered, mark) && isMadeFrom(registered, planned.file);
  const path = trusted ? await deps.files.find(planned.file) : await deps.files.fetch(planned.file, attempt);
  if (path === undefined) return nothingSent(stored, registered, upload);
  return await bundled(path, async ({ bundle, source, privateKey }) => {
    const manifest = assertSameImage(planned, registered, stored.manifest);
    await assertSameContent(planned, { registered, store, stored, source, bundle, privateKey }, input.part, attempt);
    return stored.complete
      ? nothingSent(stored, registered, upload)
      : await restoreParts(bundle, upload, { registered, manifest, stored });
  });
}

interface OpenedBundle extends Pick<ContentComparison, 'source' | 'privateKey'> {
  readonly bundle: Bundle;
}

interface Upload {
  readonly planned: PlannedImage;
  readonly cloud: Cloud;
  readonly store: ObjectStore;
  readonly mark: string;
  readonly attempt: Attempt;
}

function nothingSent({ parts }: StoredBundle, registered: CloudImage, upload: Upload): Uploaded {
  return { sentBytes: 0, sentParts: 0, thereParts: parts.size, ours: isOurs(registered, upload) };
}

/** An image of another name is left alone, and ours is registered from the same manifest. */
function isOurs(registered: CloudImage, { planned, mark }: Upload): boolean {
  return !matches(planned, registered) || isMarked(registered, mark);
}

async function withBundle<T>(
  deps: Dependencies,
  input: ImageInput,
  { path, attempt }: { readonly path: string; readonly attempt: Attempt },
  use: (opened: OpenedBundle) => Promise<T>,
): Promise<T> {
  const { file, facts } = plannedImageOf({ ...input, kind: input.part });
  const onProgress = (): void => attempt.report('');
  attempt.report(`${facts.kind}: reading ${path}`);
  const limits = CLOUD_KINDS[input.cloud.kind].sizeLimits;
  const source = await openImageFile(deps.files, { file, kind: facts.kind, path, limits }, attempt);
  try {
    const identity = await readSigningIdentity(deps.secrets, input.image.signing);
    const journal = openJournal(await deps.files.journal(journalName(input.cloud, input.image, facts.kind)));
    const bundle = await openBundle(
      { source, facts, identity },
      { journal, limits, signal: attempt.signal, onProgress },
    );
    return await use({ bundle, source, privateKey: identity.privateKey });
  } finally {
    await source.close();
  }
}

async function uploadBundle(bundle: Bundle, upload: Upload, stored: StoredBundle): Promise<Uploaded> {
  const { planned, cloud } = upload;
  const writer = writerFor(upload, stored);
  // Some time has passed since the first look.
  const assertNotRegistered = async (): Promise<void> => {
    const registered = await findImageUsingManifest(cloud, planned);
    if (registered !== undefined)
      throw new DeployError(
        'NOT_YET',
        `The image ${registered.id} was registered from ${planned.location} in the meantime: its content is compared next.`,
      );
  };
  const keys = await writer.putParts(bundle, {
    beforeFirst: async () => {
      await assertNotRegistered();
      await writer.remove(planned.manifestKey);
    },
  });
  await writer.removeOtherParts(keys);
  await assertNotRegistered();
  await writer.putManifest(planned.manifestKey, bundle.manifest());
  return { ...writer.finish(), ours: true };
}

interface RegisteredBundle {
  readonly registered: CloudImage;
  readonly manifest: Manifest;
  readonly stored: StoredBundle;
}

/** Uploads again the parts that the manifest of a registered image lists and the bucket has lost, byte for byte; nothing else is written. */
async function restoreParts(
  bundle: Bundle,
  upload: Upload,
  { registered, manifest, stored }: RegisteredBundle,
): Promise<Uploaded> {
  const { planned } = upload;
  const writer = writerFor(upload, stored);
  const listed = new Map(manifest.parts.map(({ name, sha1 }) => [name, sha1]));
  const keys = await writer.putParts(bundle, {
    check: ({ name, sha1 }) => {
      if (listed.get(name) !== sha1) throw cannotRestore(registered, planned);
    },
  });
  if (keys.size !== listed.size) throw cannotRestore(registered, planned);
  return { ...writer.finish(), ours: isOurs(registered, upload) };
}

function writerFor({ planned, store, mark, attempt }: Upload, { parts }: StoredBundle): BucketWriter {
  const target = { store, bucket: planned.bucket, mark, storedParts: parts };
  return new BucketWriter(target, attempt, new UploadProgress(planned.facts.kind));
}

function cannotRestore({ id, name = 'no name' }: CloudImage, { location }: PlannedImage): DeployError {
  return new DeployError(
    'IMAGE_NAME_TAKEN',
    `The image ${id} (${name}) is registered from ${location}. Parts of its bundle are missing there, and they cannot be restored: it was made with another key or program.`,
  );
}
