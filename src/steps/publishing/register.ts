/** Registers a bundle that is in its bucket, once, and waits until the cloud has made it available. */

import { DeployError } from '../../deployment/errors';
import { waitOut } from '../attempt';
import type { Attempt } from '../attempt';
import type { Dependencies } from '../dependencies';
import type { Cloud, CloudImage } from '../ports';
import { descriptionOf } from './mark';
import { findRegistered, journalName, targetOf } from './target';
import type { Target } from './target';
import type { PartInput } from '../../deployment/activities';

/** @returns its id */
export async function registerImage(deps: Dependencies, input: PartInput, attempt: Attempt): Promise<string> {
  const cloud = await deps.clouds.open(input.cloud);
  const target = targetOf(input);
  const { id, state } =
    (await findRegistered(cloud, target)) ??
    (await register(
      cloud,
      target,
      { ...input, description: descriptionOf(target, await deps.publisher.mark()) },
      attempt,
    ));
  if (state === 'failed' || state === 'gone')
    throw new DeployError(
      'IMAGE_FAILED',
      `The cloud has registered ${target.name} as ${id}, and then says that it is ${state}.`,
    );
  if (state === 'pending') throw new DeployError('IMAGE_NOT_AVAILABLE', `The image ${id} (${target.name}) is pending.`);
  await deps.files.discardJournal(journalName(input));
  // One file may hold all three parts: it is needed until the last is done.
  if (input.part === 'machine')
    for (const file of [input.image.kernel, input.image.ramdisk, input.image.root]) await deps.files.forget(file);
  return id;
}

type Registration = Pick<PartInput, 'part'> & { readonly description: string };

/** The only place from which RegisterImage is called. */
async function register(
  cloud: Cloud,
  target: Target,
  { part, description }: Registration,
  attempt: Attempt,
): Promise<CloudImage> {
  // 3.2 would silently make a second one; the others refuse a name that is there, and it is adopted.
  if (!cloud.registersOnce) waitOut(attempt, cloud);
  const {
    facts: { architecture, kernelId, ramdiskId },
    name,
    location,
  } = target;
  const id = await attempt.request('RegisterImage', () =>
    cloud.registerImage({
      kind: part,
      name,
      location,
      architecture,
      description,
      ...(kernelId === undefined ? {} : { kernelId }),
      ...(ramdiskId === undefined ? {} : { ramdiskId }),
    }),
  );
  return (
    (await cloud.ownImages()).find((each) => each.id === id) ?? { id, kind: part, name, location, state: 'pending' }
  );
}
