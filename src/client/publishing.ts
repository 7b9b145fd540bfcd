/** `image publish`: the image of a spec by itself, through the workflow that deployments share. */

import { setTimeout as delay } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { WorkflowNotFoundError } from '@temporalio/client';
import type { WorkflowExecutionDescription } from '@temporalio/client';
import { imageWorkflowId, MEMO_IMAGE, WORKFLOW } from '../deployment/names';
import { IMAGE_PARTS } from '../deployment/messages';
import type { ImagePart, PublishInput, PublishView } from '../deployment/messages';
import type { DeploymentSpec } from '../deployment/types';
import { freshPublishView } from '../deployment/view';
import { ClientError } from './errors';
import { linkTo, unless } from './look';
import { pendingByLabel } from '../temporal/pending';
import type { PendingAttempt } from '../temporal/pending';
import { isOpen } from './snapshot';
import type { Temporal } from './temporal';
import { isWorkerPolling } from './workers';

export interface Publishing {
  readonly workflowId: string;
  readonly workflowUrl: string;
  readonly open: boolean;
  readonly view: PublishView;
  /** Parts that are at work. */
  readonly pending: Partial<Readonly<Record<ImagePart, PendingAttempt>>>;
  readonly startedAt: number;
  readonly closedAt?: number;
  /** Nobody goes on with it. */
  readonly trouble?: 'no-worker';
}

const INTERVAL = 1_000;

/** Starts it, or finds it under way; then whatever changes, until it is over. */
export async function* publish(
  temporal: Temporal,
  spec: DeploymentSpec,
  signal?: AbortSignal,
): AsyncGenerator<Publishing, void, undefined> {
  const { cloud, image, timing } = spec;
  if ('id' in image)
    throw new ClientError('USAGE', `The spec ${spec.name} has an image already. Its image is ${image.id}.`, {
      remedy: 'Give a spec whose image has kernel, ramdisk and root.',
    });
  const input: PublishInput = { cloud, image, poll: timing.poll, deadline: timing.deadline.publish };
  const workflowId = imageWorkflowId(cloud, image);
  const { firstExecutionRunId } = await temporal.call(() =>
    temporal.client.workflow.start(WORKFLOW.publishImage, {
      workflowId,
      taskQueue: temporal.settings.taskQueue,
      args: [input],
      workflowIdConflictPolicy: 'USE_EXISTING',
      workflowIdReusePolicy: 'ALLOW_DUPLICATE',
      memo: { [MEMO_IMAGE]: freshPublishView(input) },
      staticSummary: `${image.name} → ${cloud.kind}`,
    }),
  );
  let last: Publishing | undefined;
  do {
    const next = await unless(signal, look(temporal, workflowId, firstExecutionRunId));
    if (next === undefined) return;
    if (JSON.stringify(next.view.image) !== JSON.stringify(image)) {
      throw new ClientError(
        'SPEC_DIFFERS',
        `Another image is being published under the name ${image.name}. It is made of other files or signed otherwise.`,
        { remedy: 'Wait until that is done, then run it again, or choose another image.name.' },
      );
    }
    if (!isDeepStrictEqual(last, next)) yield next;
    last = next;
  } while (last.open && signal?.aborted !== true && (await paused(signal)));
}

async function look(temporal: Temporal, workflowId: string, runId: string): Promise<Publishing> {
  const description = await describe(temporal, workflowId, runId);
  const pending = pendingByLabel(description.raw.pendingActivities ?? []);
  const { startTime, closeTime, memo } = description;
  const open = isOpen(description);
  return {
    workflowId,
    workflowUrl: linkTo(temporal.settings, workflowId, runId),
    open,
    view: memo?.[MEMO_IMAGE] as PublishView,
    pending: Object.fromEntries(IMAGE_PARTS.flatMap((part) => (pending.has(part) ? [[part, pending.get(part)]] : []))),
    startedAt: startTime.getTime(),
    ...(closeTime === undefined ? {} : { closedAt: closeTime.getTime() }),
    ...(open && !(await isWorkerPolling(temporal, description.taskQueue)) ? { trouble: 'no-worker' as const } : {}),
  };
}

async function describe(temporal: Temporal, workflowId: string, runId: string): Promise<WorkflowExecutionDescription> {
  try {
    return await temporal.call(() => temporal.client.workflow.getHandle(workflowId, runId).describe());
  } catch (error) {
    if (error instanceof WorkflowNotFoundError)
      throw new ClientError(
        'NOT_FOUND',
        `Temporal knows no workflow ${workflowId}. It was removed while it was watched.`,
        { cause: error },
      );
    throw error;
  }
}

/** @returns false where the signal came */
async function paused(signal: AbortSignal | undefined): Promise<boolean> {
  return delay(INTERVAL, true, signal === undefined ? {} : { signal }).catch(() => false);
}
