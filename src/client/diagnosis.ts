/** `doctor`: every precondition with its remedy. The client's own ground first, then the worker's view of cloud and DNS. */

import { randomUUID } from 'node:crypto';
import { WorkflowFailedError } from '@temporalio/client';
import { TimeoutFailure } from '@temporalio/common';
import { errorRow } from '../spec/errors';
import { WORKFLOW } from '../spec/names';
import type { Finding } from '../spec/messages';
import type { DeploymentSpec } from '../spec/types';
import { CLIENT_ERRORS, ClientError } from './errors';
import { registerSearchAttributes } from './search-attributes';
import type { Temporal } from './temporal';
import { messageOf } from './words';
import { isWorkerPolling } from './workers';

export interface Diagnosis {
  /** In a few words. */
  readonly check: string;
  readonly ok: boolean;
  readonly message: string;
  /** Where `ok` is false. */
  readonly code?: string;
  readonly remedy?: string;
}

const PATIENCE = 120_000;

export async function diagnose(temporal: Temporal, spec: DeploymentSpec): Promise<readonly Diagnosis[]> {
  const { connection, namespace, taskQueue } = temporal.settings;
  const polling = await isWorkerPolling(temporal, taskQueue);
  const own: Diagnosis[] = [
    // Nothing comes back from a namespace that is not there.
    { check: 'Temporal', ok: true, message: `${connection.address ?? ''} answers, with the namespace ${namespace}` },
    await attributes(temporal),
    polling
      ? { check: 'worker', ok: true, message: `one listens on ${taskQueue}` }
      : { check: 'worker', ok: false, message: `None listens on the task queue ${taskQueue}, so the rest cannot be checked.`, code: 'NO_WORKER', remedy: CLIENT_ERRORS.NO_WORKER.remedy },
  ];
  return polling ? [...own, ...(await preconditions(temporal, spec)).map(diagnosisOf)] : own;
}

async function attributes(temporal: Temporal): Promise<Diagnosis> {
  const check = 'search attributes';
  try {
    const added = await registerSearchAttributes(temporal);
    return { check, ok: true, message: added ? 'added just now' : 'are there' };
  } catch (error) {
    if (!(error instanceof ClientError) || error.code !== 'SEARCH_ATTRIBUTES') throw error;
    return { check, ok: false, message: error.message, code: error.code, remedy: error.remedy };
  }
}

async function preconditions(temporal: Temporal, spec: DeploymentSpec): Promise<readonly Finding[]> {
  const options = {
    workflowId: `stackato-doctor/${spec.name}/${randomUUID()}`,
    taskQueue: temporal.settings.taskQueue,
    args: [spec],
    workflowExecutionTimeout: PATIENCE,
    staticSummary: `doctor ${spec.name}`,
  };
  try {
    return (await temporal.call(() => temporal.client.workflow.execute(WORKFLOW.doctor, options), PATIENCE * 2)) as readonly Finding[];
  } catch (error) {
    if (!(error instanceof WorkflowFailedError)) throw error;
    if (error.cause instanceof TimeoutFailure) {
      throw new ClientError('NO_WORKER', `The preconditions could not be checked. No worker came to an end within ${PATIENCE / 1000} s.`, { cause: error });
    }
    throw new ClientError('INTERNAL', `The preconditions could not be checked. ${messageOf(error.cause)}`, { cause: error });
  }
}

function diagnosisOf(finding: Finding): Diagnosis {
  const { code } = finding;
  return { ...finding, ...(code === undefined ? {} : { remedy: withoutResume(errorRow(code).remedy) }) };
}

/** Remedies are written for a deployment that waits: here there is nothing to resume or to abort yet. */
function withoutResume(remedy: string): string {
  return remedy.replace(/[,;]? (?:then resume|abort,? and run up again)\.$/, '.');
}
