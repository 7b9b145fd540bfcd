/** Calls the address desk of an account, starting it where it does not run. */

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

/** An attempt is short: after so long the next one joins the same update. */
const PATIENCE = 30_000;
/**
 * Of this worker. Temporal takes ten updates of a workflow at a time; whoever waits for a place holds a slot of the worker, and with all of
 * them held (two hundred deployments at once) the desk's own calls find none: no address in minutes.
 */
const MOST_AT_THE_DESK = 8;

/** @param client for tests; the activity's own otherwise. */
export function createAddressDesk(
  taskQueue: string,
  client: () => Client = () => Context.current().client,
): AddressDesk {
  const standing = new Map<string, number>();
  const call = async (verb: string, account: string, id: string, request: AddressRequest): Promise<unknown> => {
    const workflowId = addressDeskId(account);
    const others = standing.get(workflowId) ?? 0;
    if (others >= MOST_AT_THE_DESK)
      throw new DeployError('NOT_YET', `The address desk (workflow ${workflowId}) is busy with ${others} others.`);
    standing.set(workflowId, others + 1);
    try {
      return await ask(verb, workflowId, id, request);
    } finally {
      standing.set(workflowId, (standing.get(workflowId) ?? 1) - 1);
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
      // The request ends with the attempt: one that came later could ask for an address after an abort had given it back.
      return await temporal.withDeadline(Date.now() + PATIENCE, () =>
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

/** The desk's own verdict as it is; everything else (busy, just ending, unreachable) is worth another try. */
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
      `The address desk (workflow ${desk}) has not answered: it is busy, or no worker serves its task queue.`,
    );
  }
  return new DeployError(
    'NOT_YET',
    `The address desk (workflow ${desk}) did not answer: ${error instanceof Error ? error.message : 'unknown'}.`,
  );
}
