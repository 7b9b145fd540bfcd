import { ApplicationFailure, isCancellation, proxyActivities } from '@temporalio/workflow';
import type { ActivityOptions } from '@temporalio/workflow';
import type { ImagePart, PublishInput, PublishResult } from '../deployment/messages';
import type { Activities, PartInput } from '../deployment/activities';
import { ACTIVITY_OPTIONS } from './calls';
import { stepFailureOf } from './failures';
import { PublishingProgress } from './publish-progress';

/** One attempt goes on for as long as it sends; a dead worker is noticed by the missing heartbeat as ever. */
const UPLOAD_OPTIONS = { ...ACTIVITY_OPTIONS, startToCloseTimeout: '48h' } as const satisfies ActivityOptions;

/**
 * Bundles, uploads and registers kernel, ramdisk and machine image. Its id is that of the image on its cloud, so there is one at a time,
 * and whoever needs the image waits for it. It fails when it is out of retries: who started it decides whether to start it again, and
 * what was uploaded by then is not sent again.
 */
export async function publishImage(input: PublishInput): Promise<PublishResult> {
  const progress = new PublishingProgress(input);
  const publish = (part: ImagePart, ids: Pick<PartInput, 'kernelId' | 'ramdiskId'> = {}): Promise<string> =>
    publishPart({ ...input, ...ids, part }, progress);
  try {
    await activities('check', 'Check all that can be checked before the first byte').checkImage(input);
    const [kernelId, ramdiskId] = await both(publish('kernel'), publish('ramdisk'));
    const id = await publish('machine', { kernelId, ramdiskId });
    progress.published();
    return { kernelId, ramdiskId, id };
  } catch (error) {
    if (isCancellation(error)) throw error;
    const { code, message } = stepFailureOf(error);
    progress.failed({ code, message });
    throw ApplicationFailure.nonRetryable(message, code);
  }
}

async function publishPart(input: PartInput, progress: PublishingProgress): Promise<string> {
  const { part, poll, deadline, cloud, image, kernelId, ramdiskId } = input;
  const asked: PartInput = {
    cloud,
    image,
    part,
    poll,
    deadline,
    ...(kernelId === undefined ? {} : { kernelId }),
    ...(ramdiskId === undefined ? {} : { ramdiskId }),
  };
  progress.begun(part);
  const uploaded = await activities(
    `${part}/upload`,
    `Bundle and upload the ${part} of ${image.name}`,
    UPLOAD_OPTIONS,
  ).uploadImage(asked);
  progress.uploaded(part, uploaded);
  const id = await activities(`${part}/register`, `Register the ${part} of ${image.name}`).registerImage(asked);
  progress.done(part, id, uploaded);
  return id;
}

/** @param label first part of it: the part of the image, by which others find what is at work on it */
function activities(label: string, summary: string, options: ActivityOptions = ACTIVITY_OPTIONS): Activities {
  return proxyActivities<Activities>({ ...options, activityId: label, summary });
}

/** The other comes to its end before the first failure counts: nothing is left under way. */
async function both<A, B>(one: Promise<A>, other: Promise<B>): Promise<[A, B]> {
  await Promise.allSettled([one, other]);
  return Promise.all([one, other]);
}
