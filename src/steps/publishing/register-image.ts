/** Registers a bundle that is in its bucket, once, and waits until the cloud has made the image available. */

import { DeployError } from '../../deployment/errors';
import { waitOut } from '../attempt';
import type { Attempt } from '../attempt';
import type { Dependencies } from '../dependencies';
import type { Cloud, CloudImage } from '../ports';
import { descriptionOf } from './description';
import { findRegistered, journalName, plannedImageOf } from './planned-image';
import type { PlannedImage } from './planned-image';
import type { ImageInput } from '../../deployment/activities';

/** @returns the image id */
export async function registerImage(deps: Dependencies, input: ImageInput, attempt: Attempt): Promise<string> {
  const cloud = await deps.clouds.open(input.cloud);
  const planned = plannedImageOf({ ...input, kind: input.part });
  const { id, state } =
    (await findRegistered(cloud, planned)) ??
    (await register(cloud, planned, descriptionOf(planned, await deps.publisher.mark()), attempt));
  if (state === 'failed' || state === 'gone')
    throw new DeployError(
      'IMAGE_FAILED',
      `The cloud registered ${planned.name} as ${id} and now reports it as ${state}.`,
    );
  if (state === 'pending')
    throw new DeployError('IMAGE_NOT_AVAILABLE', `The image ${id} (${planned.name}) is pending.`);
  await deps.files.discardJournal(journalName(input.cloud, input.image, input.part));
  // One file may hold all three kinds: it is needed until the last one is published.
  if (input.part === 'machine')
    for (const file of [input.image.kernel, input.image.ramdisk, input.image.root]) await deps.files.forget(file);
  return id;
}

/** The only place that calls RegisterImage. */
async function register(
  cloud: Cloud,
  planned: PlannedImage,
  description: string,
  attempt: Attempt,
): Promise<CloudImage> {
  // 3.2 would silently register a second image; the others refuse a name that exists, and that image is adopted.
  if (!cloud.registersOnce) waitOut(attempt, cloud);
  const {
    facts: { kind, architecture, kernelId, ramdiskId },
    name,
    location,
  } = planned;
  const id = await attempt.request('RegisterImage', () =>
    cloud.registerImage({
      kind,
      name,
      location,
      architecture,
      description,
      ...(kernelId === undefined ? {} : { kernelId }),
      ...(ramdiskId === undefined ? {} : { ramdiskId }),
    }),
  );
  return (await cloud.ownImages()).find((each) => each.id === id) ?? { id, kind, name, location, state: 'pending' };
}
