/** The answers of a person to an open deployment, sent as Temporal updates (workflows/decisions.ts); a refusal comes with its reason. */

import {
  WorkflowNotFoundError,
  WorkflowUpdateFailedError,
  WorkflowUpdateRPCTimeoutOrCancelledError,
} from '@temporalio/client';
import { workflowIdOf } from '../deployment/names';
import { UPDATE } from '../deployment/messages';
import type { Decision, Stage } from '../deployment/messages';
import { ClientError, messageOf } from './errors';
import { statusOf } from './status';
import type { Temporal } from './temporal';

export type UpdateName = (typeof UPDATE)[keyof typeof UPDATE];

/** A worker that has just died counts as polling for a minute: without a limit the update would wait that long. */
const UPDATE_LIMIT = 15_000;

/** @returns the deployment's reply */
export async function sendUpdate(
  temporal: Temporal,
  name: string,
  update: UpdateName,
  decision: Decision = {},
): Promise<string> {
  const { open, action, stage, trouble } = await statusOf(temporal, name);
  if (!open)
    throw new ClientError(
      'NOT_OPEN',
      `The deployment ${name} is not running. It is ${stage}.`,
      remedyOfClosed(name, update, stage),
    );
  if (action === 'teardown')
    throw new ClientError('BEING_REMOVED', `The deployment ${name} cannot be told to ${update}. It is being removed.`);
  if (trouble === 'no-worker') {
    throw new ClientError(
      'NO_WORKER',
      `The deployment ${name} cannot be told to ${update}. No worker is running on its task queue.`,
    );
  }
  const handle = temporal.client.workflow.getHandle(workflowIdOf(name));
  return temporal.call(async () => {
    try {
      return await handle.executeUpdate<string, [Decision]>(update, { args: [decision] });
    } catch (error) {
      throw refusalOf(error, name, update);
    }
  }, UPDATE_LIMIT);
}

/** `abort` means that what it made is to be taken back. */
function remedyOfClosed(name: string, update: UpdateName, stage: Stage): { readonly remedy?: string } {
  if (update !== UPDATE.abort) return {};
  if (stage === 'aborted' || stage === 'removed')
    return { remedy: 'There is nothing to abort: what it made has been taken back already.' };
  return { remedy: `Take back what it made with \`stackato-deploy down ${name}\`.` };
}

function refusalOf(error: unknown, name: string, update: UpdateName): unknown {
  if (error instanceof WorkflowUpdateFailedError) {
    return new ClientError('REFUSED', `The deployment ${name} refuses to ${update}. ${messageOf(error.cause)}`, {
      cause: error,
    });
  }
  if (error instanceof WorkflowUpdateRPCTimeoutOrCancelledError) {
    const why = `No worker answered within ${UPDATE_LIMIT / 1000} s; one that starts soon may still do it.`;
    return new ClientError('NO_WORKER', `The deployment ${name} has not answered to ${update}. ${why}`, {
      cause: error,
    });
  }
  if (error instanceof WorkflowNotFoundError)
    return new ClientError('NOT_OPEN', `The deployment ${name} is not running. It has just ended.`, {
      ...remedyOfClosed(name, update, 'ready'),
      cause: error,
    });
  return error;
}
