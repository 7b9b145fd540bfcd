/** Calls the address desk of an account, and starts it if it is not running. */

import { ApplicationFailure, Context } from '@temporalio/activity';
import {
  WithStartWorkflowOperation,
  WorkflowUpdateFailedError,
  WorkflowUpdateRPCTimeoutOrCancelledError,
} from '@temporalio/client';
import type { Client } from '@temporalio/client';
import { DeployError } from '../deployment/errors';
import { addressDeskId, WORKFLOW } from '../deployment/names';
import { DESK } from '../deployment/messages';
import type { AddressRequest, Released } from '../deployment/messages';
import type { AddressFact } from '../deployment/facts';
import type { AddressDesk } from '../steps/dependencies';

/** Attempts are short: after this time, ms, the next one joins the same update. */
const CALL_TIMEOUT = 30_000;
/**
 * Calls that this worker makes at a time. Temporal runs ten updates of a workflow at a time, and a call that waits holds a worker slot: with
 * two hundred deployments at once, the desk's own activities would find no free slot for minutes.
 */
const MAX_CALLS = 8;

/** @param client for tests. Default: the client of the activity's context */
export function createAddressDesk(
  taskQueue: string,
  client: () => Client = () => Context.current().client,
): AddressDesk {
  const callsOf = new Map<string, number>();
  const call = async (verb: string, account: string, id: string, request: AddressRequest): Promise<unknown> => {
    const workflowId = addressDeskId(account);
    const others = callsOf.get(workflowId) ?? 0;
    if (others >= MAX_CALLS)
      throw new DeployError('NOT_YET', `The address desk (workflow ${workflowId}) is busy with ${others} other calls.`);
    callsOf.set(workflowId, others + 1);
    try {
      return await ask(verb, workflowId, id, request);
    } finally {
      callsOf.set(workflowId, (callsOf.get(workflowId) ?? 1) - 1);
    }
  };
  const ask = async (verb: string, workflowId: string, id: string, request: AddressRequest): Promise<unknown> => {
    const startWorkflowOperation = new WithStartWorkflowOperation(WORKFLOW.addressDesk, {
      workflowId,
      taskQueue,
      args: [{ ledger: {} }],
      workflowIdConflictPolicy: 'USE_EXISTING',
      staticSummary: `elastic IPs of ${request.cloud.kind}`,
    });
    const temporal = client();
    try {
      // The request must end with the attempt: a late one could allocate an address after an abort had released it.
      return await temporal.withDeadline(Date.now() + CALL_TIMEOUT, () =>
        temporal.workflow.executeUpdateWithStart(verb, {
          args: [request],
          updateId: `${id}/${verb}`,
          startWorkflowOperation,
        }),
      );
    } catch (error) {
      throw translated(error, workflowId);
    }
  };
  return {
    allocate: async (account, id, request) => (await call(DESK.allocate, account, id, request)) as AddressFact,
    release: async (account, id, request) => (await call(DESK.release, account, id, request)) as Released,
  };
}

/** Failures of the desk itself are passed on; everything else (busy, just ending, unreachable) is retried. */
function translated(error: unknown, desk: string): unknown {
  if (error instanceof WorkflowUpdateFailedError && error.cause instanceof ApplicationFailure) {
    return ApplicationFailure.create({
      type: error.cause.type ?? 'INTERNAL',
      message: error.cause.message,
      nonRetryable: true,
    });
  }
  if (error instanceof WorkflowUpdateRPCTimeoutOrCancelledError) {
    return new DeployError(
      'NOT_YET',
      `The address desk (workflow ${desk}) has not answered: it is busy, or no worker polls its task queue.`,
    );
  }
  return new DeployError(
    'NOT_YET',
    `The address desk (workflow ${desk}) did not answer: ${error instanceof Error ? error.message : 'unknown'}.`,
  );
}
