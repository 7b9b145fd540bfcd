/** The workflow that publishes an image, as deployments reach it: by Temporal's client, since a child cannot be shared. */

import { Context } from '@temporalio/activity';
import { WorkflowNotFoundError } from '@temporalio/client';
import type { Client, WorkflowExecutionDescription } from '@temporalio/client';
import { DeployError } from '../deployment/errors';
import { IMAGE_PARTS } from '../deployment/messages';
import { imageMarkOf } from '../deployment/names';
import type { Publisher, PublishLook } from '../steps/dependencies';
import { publishViewIn } from '../temporal/memo';
import { linesByLabel } from '../temporal/pending';
import { isOpen, startPublishImage } from '../temporal/workflows';

/** @param client for tests; the activity's own otherwise. */
export function createPublisher(taskQueue: string, client: () => Client = () => Context.current().client): Publisher {
  let mark: string | undefined;
  return {
    mark: async () => (mark ??= await markOf(client()).catch(notYet)),
    start: (input) => startPublishImage(client(), taskQueue, input).catch(notYet),
    look: async (id, run) => {
      const description = await client()
        .workflow.getHandle(id, run)
        .describe()
        .catch((error: unknown) => (error instanceof WorkflowNotFoundError ? undefined : notYet(error)));
      return description === undefined ? undefined : lookOf(description);
    },
  };
}

async function markOf({ workflowService, options: { namespace } }: Client): Promise<string> {
  const { namespaceInfo } = await workflowService.describeNamespace({ namespace });
  return imageMarkOf(namespace, namespaceInfo?.id ?? '');
}

/** Temporal is reached by the attempt itself, so it will answer one of the next. */
function notYet(error: unknown): never {
  throw new DeployError('NOT_YET', `Temporal did not answer: ${error instanceof Error ? error.message : 'unknown'}.`);
}

function lookOf(description: WorkflowExecutionDescription): PublishLook {
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
    lines: Object.fromEntries(IMAGE_PARTS.flatMap((part) => (lines.has(part) ? [[part, lines.get(part)]] : []))),
  };
}
