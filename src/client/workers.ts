/** Is anybody there to do the work? */

import type { WorkflowService } from '@temporalio/client';
import type { Temporal } from './temporal';

type Request = Parameters<WorkflowService['describeTaskQueue']>[0];

/** A worker's poll lasts up to a minute; Temporal goes on listing it for five after its last. */
const FRESH = 75_000;
/** temporal.api.enums.v1.TaskQueueType */
// eslint-disable-next-line @typescript-eslint/no-unsafe-enum-assignment -- the enumeration is the protocol package's, which is not the client's to import
const WORKFLOW_QUEUE = 1 as NonNullable<Request['taskQueueType']>;

export async function isWorkerPolling(temporal: Temporal, taskQueue: string): Promise<boolean> {
  const { namespace } = temporal.settings;
  const request: Request = { namespace, taskQueue: { name: taskQueue }, taskQueueType: WORKFLOW_QUEUE };
  const { pollers } = await temporal.call(() => temporal.connection.workflowService.describeTaskQueue(request));
  return (pollers ?? []).some(({ lastAccessTime }) => Date.now() - Number(lastAccessTime?.seconds ?? 0) * 1000 < FRESH);
}
