/** What a person says to an open deployment: the updates of workflows/decisions.ts, refused with their reasons. */

import {
  WorkflowNotFoundError,
  WorkflowUpdateFailedError,
  WorkflowUpdateRPCTimeoutOrCancelledError,
} from '@temporalio/client';
import { workflowIdOf } from '../deployment/names';
import { UPDATE } from '../deployment/messages';
import type { Decision, Stage } from '../deployment/messages';
import { ClientError } from './errors';
import { look } from './look';
import type { Temporal } from './temporal';
import { messageOf } from './words';

export type Verb = (typeof UPDATE)[keyof typeof UPDATE];

/** A worker that has just died counts as polling for a minute: without a limit the answer would wait as long. */
const ANSWER_LIMIT = 15_000;

/** @returns what the deployment says to it */
export async function say(temporal: Temporal, name: string, verb: Verb, decision: Decision = {}): Promise<string> {
  const { open, action, stage, trouble } = await look(temporal, name);
  if (!open)
    throw new ClientError(
      'NOT_OPEN',
      `The deployment ${name} does not run. It is ${stage}.`,
      remedyOfClosed(name, verb, stage),
    );
  if (action === 'teardown')
    throw new ClientError('BEING_REMOVED', `The deployment ${name} takes no ${verb}. It is being removed.`);
  if (trouble === 'no-worker') {
    throw new ClientError(
      'NO_WORKER',
      `The deployment ${name} cannot be told to ${verb}. No worker listens on its task queue.`,
    );
  }
  const handle = temporal.client.workflow.getHandle(workflowIdOf(name));
  return temporal.call(async () => {
    try {
      return await handle.executeUpdate<string, [Decision]>(verb, { args: [decision] });
    } catch (error) {
      throw refusalOf(error, name, verb);
    }
  }, ANSWER_LIMIT);
}

/** Whoever wants to abort wants what it made taken back. */
function remedyOfClosed(name: string, verb: Verb, stage: Stage): { readonly remedy?: string } {
  if (verb !== UPDATE.abort) return {};
  if (stage === 'aborted' || stage === 'removed')
    return { remedy: 'What it had made is taken back already: there is nothing to abort.' };
  return { remedy: `Take back what it made with \`stackato-deploy down ${name}\`.` };
}

function refusalOf(error: unknown, name: string, verb: Verb): unknown {
  if (error instanceof WorkflowUpdateFailedError) {
    return new ClientError('REFUSED', `The deployment ${name} refuses to ${verb}. ${messageOf(error.cause)}`, {
      cause: error,
    });
  }
  if (error instanceof WorkflowUpdateRPCTimeoutOrCancelledError) {
    const why = `No worker took it within ${ANSWER_LIMIT / 1000} s; one that comes soon may still take it.`;
    return new ClientError('NO_WORKER', `The deployment ${name} has not answered to ${verb}. ${why}`, { cause: error });
  }
  if (error instanceof WorkflowNotFoundError)
    return new ClientError('NOT_OPEN', `The deployment ${name} does not run. It has just ended.`, {
      ...remedyOfClosed(name, verb, 'ready'),
      cause: error,
    });
  return error;
}
