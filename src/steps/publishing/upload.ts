/**
 * Bundles one part of an image and puts it into its bucket: parts first, side by side with the bundling of the next, the manifest
 * last. What is there with the same MD5 is not sent again, and no manifest is ever beside parts that are not its own. What an image was
 * registered from is never written again: from 4.1 on Eucalyptus launches none whose manifest has changed.
 */

import { CLOUD_KINDS } from '../../deployment/cloud-kinds';
import { openBundle, openJournal } from '../../image';
import type { Bundle, Manifest } from '../../image';
import { DeployError } from '../../deployment/errors';
import type { Attempt } from '../attempt';
import type { Dependencies } from '../dependencies';
import type { Cloud, CloudImage, ObjectStore } from '../ports';
import { isMadeOf, isMarked } from './mark';
import { UploadProgress } from './progress';
import { Sending } from './send';
import { identityOf, openSource } from './source';
import { insistOnContent, insistOnSame, storedBundle } from './stored';
import type { StoredBundle, ToCompare } from './stored';
import { findHolder, isOf, journalName, targetOf } from './target';
import type { Target } from './target';
import type { PartInput, Uploaded } from '../../deployment/activities';

export async function uploadImage(deps: Dependencies, input: PartInput, attempt: Attempt): Promise<Uploaded> {
  const place: Place = {
    target: targetOf(input),
    cloud: await deps.clouds.open(input.cloud),
    store: await deps.clouds.store(input.cloud),
    mark: await deps.publisher.mark(),
  };
  const { target } = place;
  const holder = await findHolder(place.cloud, target);
  const stored = await storedBundle(place.store, target);
  if (holder !== undefined) insistOnSame(target, holder, stored.manifest);
  const work: Work = { part: input.part, attempt };
  const bundled = async <T>(path: string, use: (made: Made) => Promise<T>): Promise<T> =>
    withBundle(deps, input, { path, attempt }, use);
  if (holder === undefined)
    return await bundled(await deps.files.fetch(target.file, attempt), ({ bundle }) =>
      send(bundle, place, stored, work),
    );
  // One of ours that is whole is not fetched only to be compared.
  const trusted = stored.whole && isMarked(holder, place.mark) && isMadeOf(holder, target.file);
  const path = trusted ? await deps.files.find(target.file) : await deps.files.fetch(target.file, attempt);
  if (path === undefined) return nothingSent(stored, holder, place);
  return await bundled(path, async ({ bundle, source, privateKey }) => {
    const manifest = insistOnSame(target, holder, stored.manifest);
    await insistOnContent(
      target,
      { holder, store: place.store, stored, source, bundle, privateKey },
      input.part,
      attempt,
    );
    return stored.whole
      ? nothingSent(stored, holder, place)
      : await restore(bundle, place, { holder, manifest, stored }, work);
  });
}

/** What a bundle is made of, beside it. */
interface Made extends Pick<ToCompare, 'source' | 'privateKey'> {
  readonly bundle: Bundle;
}

interface Place {
  readonly target: Target;
  readonly cloud: Cloud;
  readonly store: ObjectStore;
  readonly mark: string;
}

type Work = Pick<PartInput, 'part'> & { readonly attempt: Attempt };

function nothingSent({ parts }: StoredBundle, holder: CloudImage, place: Place): Uploaded {
  return { sentBytes: 0, sentParts: 0, thereParts: parts.size, ours: isOurs(holder, place) };
}

/** One of another name stays as it is, and another is registered from the same place. */
function isOurs(holder: CloudImage, { target, mark }: Place): boolean {
  return !isOf(target, holder) || isMarked(holder, mark);
}

async function withBundle<T>(
  deps: Dependencies,
  input: PartInput,
  { path, attempt }: { readonly path: string; readonly attempt: Attempt },
  use: (made: Made) => Promise<T>,
): Promise<T> {
  const { file, facts } = targetOf(input);
  const moved = (): void => attempt.report('');
  attempt.report(`${input.part}: reading ${path}`);
  const source = await openSource(deps.files, file, input.part, path, moved);
  try {
    const identity = await identityOf(deps.secrets, input.image.signing);
    const journal = openJournal(await deps.files.journal(journalName(input)));
    const bundle = await openBundle(
      { source, facts, identity },
      { journal, limits: CLOUD_KINDS[input.cloud.kind].sizeLimits, signal: attempt.signal, onProgress: moved },
    );
    return await use({ bundle, source, privateKey: identity.privateKey });
  } finally {
    await source.close();
  }
}

async function send(
  bundle: Bundle,
  { target, cloud, store, mark }: Place,
  stored: StoredBundle,
  { part, attempt }: Work,
): Promise<Uploaded> {
  const { bucket } = target;
  const sending = new Sending({ store, bucket, mark, stored: stored.parts }, attempt, new UploadProgress(part));
  // Some time has gone by since the first look.
  const insistOnFree = async (): Promise<void> => {
    const holder = await findHolder(cloud, target);
    if (holder !== undefined)
      throw new DeployError(
        'NOT_YET',
        `The image ${holder.id} was registered from ${target.location} meanwhile: its content is compared next.`,
      );
  };
  const names = await sending.parts(bundle, async () => {
    await insistOnFree();
    await sending.takeAway(target.manifest);
  });
  await sending.sweep(names);
  await insistOnFree();
  await sending.manifest(target.manifest, bundle.manifest());
  return { ...sending.end(), ours: true };
}

interface Registered {
  readonly holder: CloudImage;
  readonly manifest: Manifest;
  readonly stored: StoredBundle;
}

/** Puts back what its manifest lists and the bucket has lost, byte by byte as it was; nothing else is touched. */
async function restore(
  bundle: Bundle,
  place: Place,
  { holder, manifest, stored }: Registered,
  { part, attempt }: Work,
): Promise<Uploaded> {
  const { target, store, mark } = place;
  const sending = new Sending(
    { store, bucket: target.bucket, mark, stored: stored.parts },
    attempt,
    new UploadProgress(part),
  );
  const wanted = new Map(manifest.parts.map(({ name, sha1 }) => [name, sha1]));
  const names = await sending.parts(
    bundle,
    () => Promise.resolve(),
    ({ name, sha1 }) => {
      if (wanted.get(name) !== sha1) throw lacking(holder, target);
    },
  );
  if (names.size !== wanted.size) throw lacking(holder, target);
  return { ...sending.end(), ours: isOurs(holder, place) };
}

function lacking({ id, name = 'no name' }: CloudImage, { location }: Target): DeployError {
  return new DeployError(
    'IMAGE_NAME_TAKEN',
    `The image ${id} (${name}) is registered from ${location}, parts of its bundle are missing there, and it was made with another key or program: nobody here can put them back.`,
  );
}
