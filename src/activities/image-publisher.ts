/** Reaches the workflow that publishes an image through Temporal's client: deployments share it, and a child workflow cannot be shared. */

import { Context } from '@temporalio/activity';
import { WorkflowNotFoundError } from '@temporalio/client';
import type { Client, WorkflowExecutionDescription } from '@temporalio/client';
import { DeployError } from '../deployment/errors';
import { IMAGE_KINDS } from '../deployment/spec';
import { imageMarkOf } from '../deployment/names';
import type { Publisher, PublishRun } from '../steps/dependencies';
import { publishViewIn } from '../temporal/memo';
import { linesByLabel } from '../temporal/pending';
import { isOpen, startPublishImage } from '../temporal/workflows';

/** @param client for tests. Default: the client of the activity's context */
export function createPublisher(taskQueue: string, client: () => Client = () => Context.current().client): Publisher {
  let mark: string | undefined;
  return {
    mark: async () => (mark ??= await markOf(client()).catch(notYet)),
    start: (input) => startPublishImage(client(), taskQueue, input).catch(notYet),
    describe: async (workflowId, runId) => {
      const description = await client()
        .workflow.getHandle(workflowId, runId)
        .describe()
        .catch((error: unknown) => (error instanceof WorkflowNotFoundError ? undefined : notYet(error)));
      return description === undefined ? undefined : runOf(description);
    },
  };
}

async function markOf({ workflowService, options: { namespace } }: Client): Promise<string> {
  const { namespaceInfo } = await workflowService.describeNamespace({ namespace });
  return imageMarkOf(namespace, namespaceInfo?.id ?? '');
}

/** Temporal runs this very attempt, so it will answer a later one. */
function notYet(error: unknown): never {
  throw new DeployError('NOT_YET', `Temporal did not answer: ${error instanceof Error ? error.message : 'unknown'}.`);
}

function runOf(description: WorkflowExecutionDescription): PublishRun {
  const { memo, raw, workflowId } = description;
  const view = publishViewIn(memo);
  if (view === undefined)
    throw new DeployError(
      'INTERNAL',
      `The workflow ${workflowId} was not started by stackato-deploy: its memo holds no image.`,
    );
  const lines = linesByLabel(raw.pendingActivities);
  return {
    open: isOpen(description),
    view,
    lines: Object.fromEntries(IMAGE_KINDS.flatMap((kind) => (lines.has(kind) ? [[kind, lines.get(kind)]] : []))),
  };
}
