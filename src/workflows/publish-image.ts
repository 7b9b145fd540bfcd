import { ApplicationFailure, isCancellation, proxyActivities } from '@temporalio/workflow';
import type { ActivityOptions } from '@temporalio/workflow';
import type { PublishInput, PublishResult } from '../deployment/messages';
import type { ImageKind } from '../deployment/spec';
import type { Activities, ImageInput } from '../deployment/activities';
import { ACTIVITY_OPTIONS } from './calls';
import { stepFailureOf } from './failures';
import { PublishingProgress } from './publish-progress';

/** One attempt takes as long as the upload does; a dead worker is detected by the missing heartbeat as usual. */
const UPLOAD_OPTIONS = { ...ACTIVITY_OPTIONS, startToCloseTimeout: '48h' } as const satisfies ActivityOptions;

/**
 * Bundles, uploads and registers kernel, ramdisk and machine image. The workflow id is derived from cloud and image, so only one runs at a
 * time, and every deployment that needs the image waits for it. It fails when it is out of retries. Whoever started it may start it again;
 * what was uploaded by then is not uploaded again.
 */
export async function publishImage(input: PublishInput): Promise<PublishResult> {
  const progress = new PublishingProgress(input);
  const publish = (kind: ImageKind, ids: Pick<ImageInput, 'kernelId' | 'ramdiskId'> = {}): Promise<string> =>
    publishKind({ ...input, ...ids, part: kind }, progress);
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

async function publishKind(input: ImageInput, progress: PublishingProgress): Promise<string> {
  const { part: kind, poll, deadline, cloud, image, kernelId, ramdiskId } = input;
  const asked: ImageInput = {
    cloud,
    image,
    part: kind,
    poll,
    deadline,
    ...(kernelId === undefined ? {} : { kernelId }),
    ...(ramdiskId === undefined ? {} : { ramdiskId }),
  };
  progress.begun(kind);
  const uploaded = await activities(
    `${kind}/upload`,
    `Bundle and upload the ${kind} of ${image.name}`,
    UPLOAD_OPTIONS,
  ).uploadImage(asked);
  progress.uploaded(kind, uploaded);
  const id = await activities(`${kind}/register`, `Register the ${kind} of ${image.name}`).registerImage(asked);
  progress.done(kind, id, uploaded);
  return id;
}

/** @param label of the activity id. Views find the pending activity of a kind by what stands before its slash. */
function activities(label: string, summary: string, options: ActivityOptions = ACTIVITY_OPTIONS): Activities {
  return proxyActivities<Activities>({ ...options, activityId: label, summary });
}

/** Waits for both before a failure counts, so that nothing is left running. */
async function both<A, B>(one: Promise<A>, other: Promise<B>): Promise<[A, B]> {
  await Promise.allSettled([one, other]);
  return Promise.all([one, other]);
}
