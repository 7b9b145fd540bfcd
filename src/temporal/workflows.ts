/** Workflow executions as client and worker start and read them. */

import type { Client, WorkflowExecutionDescription, WorkflowExecutionInfo } from '@temporalio/client';
import type { PublishInput } from '../deployment/messages';
import { imageWorkflowId, MEMO_IMAGE, WORKFLOW } from '../deployment/names';
import { freshPublishView } from '../deployment/view';

export function isOpen({ status }: Pick<WorkflowExecutionInfo, 'status'>): boolean {
  return status.name === 'RUNNING' || status.name === 'PAUSED';
}

/** Temporal retries a workflow task at once: only repeated failures are trouble. */
const TASK_ATTEMPTS_OF_TROUBLE = 3;

/** Whether workers fail in its workflow code. */
export function failsInCode({ raw }: Pick<WorkflowExecutionDescription, 'raw'>): boolean {
  return (raw.pendingWorkflowTask?.attempt ?? 1) >= TASK_ATTEMPTS_OF_TROUBLE;
}

/**
 * Starts the workflow that publishes an image, or joins the one that is running: all who need the image share it.
 * @returns the id of its first run
 */
export async function startPublishImage(client: Client, taskQueue: string, input: PublishInput): Promise<string> {
  const { firstExecutionRunId } = await client.workflow.start(WORKFLOW.publishImage, {
    workflowId: imageWorkflowId(input.cloud, input.image),
    taskQueue,
    args: [input],
    workflowIdConflictPolicy: 'USE_EXISTING',
    workflowIdReusePolicy: 'ALLOW_DUPLICATE',
    memo: { [MEMO_IMAGE]: freshPublishView(input) },
    staticSummary: `${input.image.name} → ${input.cloud.kind}`,
  });
  return firstExecutionRunId;
}
