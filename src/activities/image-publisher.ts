/** The workflow that publishes an image, as deployments reach it: by Temporal's client, since a child cannot be shared. */

import { Context } from '@temporalio/activity';
import { WorkflowNotFoundError } from '@temporalio/client';
import type { Client, WorkflowExecutionDescription } from '@temporalio/client';
import { defaultPayloadConverter } from '@temporalio/common';
import { DeployError } from '../deployment/errors';
import { imageMarkOf, imageWorkflowId, MEMO_IMAGE, WORKFLOW } from '../deployment/names';
import { IMAGE_PARTS } from '../deployment/messages';
import type { PublishInput, PublishView } from '../deployment/messages';
import { freshPublishView } from '../deployment/view';
import type { Publisher, PublishLook } from '../steps/dependencies';

/** @param client for tests; the activity's own otherwise. */
export function createPublisher(taskQueue: string, client: () => Client = () => Context.current().client): Publisher {
  let mark: string | undefined;
  return {
    mark: async () => (mark ??= await markOf(client()).catch(later)),
    start: async (input: PublishInput) => {
      const handle = await client()
        .workflow.start(WORKFLOW.publishImage, {
          workflowId: imageWorkflowId(input.cloud, input.image),
          taskQueue,
          args: [input],
          workflowIdConflictPolicy: 'USE_EXISTING',
          workflowIdReusePolicy: 'ALLOW_DUPLICATE',
          memo: { [MEMO_IMAGE]: freshPublishView(input) },
          staticSummary: `${input.image.name} → ${input.cloud.kind}`,
        })
        .catch(later);
      return handle.firstExecutionRunId;
    },
    look: async (id, run) => {
      try {
        return lookOf(await client().workflow.getHandle(id, run).describe());
      } catch (error) {
        if (error instanceof WorkflowNotFoundError) return undefined;
        return later(error);
      }
    },
  };
}

async function markOf({ workflowService, options: { namespace } }: Client): Promise<string> {
  const { namespaceInfo } = await workflowService.describeNamespace({ namespace });
  return imageMarkOf(namespace, namespaceInfo?.id ?? '');
}

/** Temporal is reached by the attempt itself, so it will answer one of the next. */
function later(error: unknown): never {
  throw new DeployError('NOT_YET', `Temporal did not answer: ${error instanceof Error ? error.message : 'unknown'}.`);
}

type Pending = NonNullable<WorkflowExecutionDescription['raw']['pendingActivities']>[number];

function lookOf({ memo, status, raw }: WorkflowExecutionDescription): PublishLook {
  const pending = raw.pendingActivities ?? [];
  const lines = IMAGE_PARTS.map(
    (part) => [part, lineOf(pending.find(({ activityId }) => activityId?.startsWith(`${part}/`)))] as const,
  );
  return {
    open: status.name === 'RUNNING' || status.name === 'PAUSED',
    view: memo?.[MEMO_IMAGE] as PublishView,
    lines: Object.fromEntries(lines.filter(([, line]) => line !== undefined)),
  };
}

/** Its last failure where it waits for another attempt, else its last report. */
function lineOf(pending: Pending | undefined): string | undefined {
  const failed = pending?.lastFailure?.message;
  const state: number = pending?.state ?? 0;
  if (failed && state === SCHEDULED) return failed;
  const payload = pending?.heartbeatDetails?.payloads?.[0];
  try {
    const details: unknown = payload === undefined ? undefined : defaultPayloadConverter.fromPayload(payload);
    return typeof details === 'object' && details !== null && 'line' in details && typeof details.line === 'string'
      ? details.line
      : undefined;
  } catch {
    // Encrypted by a codec that is not at hand here.
    return undefined;
  }
}

/** temporal.api.enums.v1.PendingActivityState */
const SCHEDULED = 1;
