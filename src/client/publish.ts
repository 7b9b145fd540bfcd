/** `image publish`: publishes the image of a spec by itself, through the workflow that deployments share. */

import { WorkflowNotFoundError } from '@temporalio/client';
import type { WorkflowExecutionDescription } from '@temporalio/client';
import { imageWorkflowId } from '../deployment/names';
import { IMAGE_KINDS } from '../deployment/spec';
import type { PublishView } from '../deployment/messages';
import type { DeploymentSpec, ImageKind } from '../deployment/spec';
import { publishViewIn } from '../temporal/memo';
import { pendingByLabel } from '../temporal/pending';
import type { PendingAttempt } from '../temporal/pending';
import { isOpen, startPublishImage } from '../temporal/workflows';
import { ClientError } from './errors';
import { webUrlOf } from './settings';
import type { Temporal } from './temporal';
import { watchStatus } from './watch';

export interface PublishStatus {
  readonly workflowId: string;
  readonly workflowUrl: string;
  readonly open: boolean;
  readonly view: PublishView;
  /** Of kinds being worked on. */
  readonly pending: Partial<Readonly<Record<ImageKind, PendingAttempt>>>;
  readonly startedAt: number;
  readonly closedAt?: number;
  /** It is open, but no worker is running. */
  readonly trouble?: 'no-worker';
}

/** Starts the workflow or joins the running one, then yields every change until it has ended. */
export async function* publish(
  temporal: Temporal,
  spec: DeploymentSpec,
  signal?: AbortSignal,
): AsyncGenerator<PublishStatus, void, undefined> {
  const { cloud, image, timing } = spec;
  if ('id' in image)
    throw new ClientError('USAGE', `The spec ${spec.name} has no image to publish. Its image is ${image.id} already.`, {
      remedy: 'Give a spec whose image has kernel, ramdisk and root.',
    });
  const workflowId = imageWorkflowId(cloud, image);
  const runId = await temporal.call(() =>
    startPublishImage(temporal.client, temporal.settings.taskQueue, {
      cloud,
      image,
      poll: timing.poll,
      deadline: timing.deadline.publish,
    }),
  );
  const read = async (): Promise<PublishStatus> => {
    const status = await publishStatus(temporal, workflowId, runId);
    if (JSON.stringify(status.view.image) === JSON.stringify(image)) return status;
    throw new ClientError(
      'SPEC_DIFFERS',
      `Another image is being published under the name ${image.name}. It has other files, or is signed differently.`,
      { remedy: 'Wait until that is done, then run this again, or choose another image.name.' },
    );
  };
  yield* watchStatus(read, signal === undefined ? {} : { signal });
}

async function publishStatus(temporal: Temporal, workflowId: string, runId: string): Promise<PublishStatus> {
  const description = await describe(temporal, workflowId, runId);
  const { startTime, closeTime, memo, raw, taskQueue } = description;
  const view = publishViewIn(memo);
  if (view === undefined)
    throw new ClientError(
      'NOT_READABLE',
      `The workflow ${workflowId} is not a publishing of this tool. Its memo holds no image.`,
    );
  const pending = pendingByLabel(raw.pendingActivities);
  const open = isOpen(description);
  return {
    workflowId,
    workflowUrl: webUrlOf(temporal.settings, workflowId, runId),
    open,
    view,
    pending: Object.fromEntries(IMAGE_KINDS.flatMap((kind) => (pending.has(kind) ? [[kind, pending.get(kind)]] : []))),
    startedAt: startTime.getTime(),
    ...(closeTime === undefined ? {} : { closedAt: closeTime.getTime() }),
    ...(open && !(await temporal.hasWorker(taskQueue)) ? { trouble: 'no-worker' as const } : {}),
  };
}

async function describe(temporal: Temporal, workflowId: string, runId: string): Promise<WorkflowExecutionDescription> {
  try {
    return await temporal.call(() => temporal.client.workflow.getHandle(workflowId, runId).describe());
  } catch (error) {
    if (error instanceof WorkflowNotFoundError)
      throw new ClientError(
        'NOT_FOUND',
        `Temporal knows no workflow ${workflowId}. It was deleted while it was watched.`,
        { cause: error },
      );
    throw error;
  }
}
