/** `doctor`: every precondition with its remedy. The client's own ground first, then the worker's view of cloud and DNS. */

import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { WorkflowFailedError } from '@temporalio/client';
import type { DescribeWorkflowExecutionResponse } from '@temporalio/client';
import { errorRow } from '../deployment/errors';
import { WORKFLOW } from '../deployment/names';
import type { Finding } from '../deployment/messages';
import type { DeploymentSpec } from '../deployment/types';
import { CLIENT_ERRORS, ClientError } from './errors';
import { findingsIn } from '../temporal/pending';
import { registerSearchAttributes } from './search-attributes';
import type { Temporal } from './temporal';
import { messageOf } from './words';

export interface Diagnosis {
  /** In a few words. */
  readonly check: string;
  readonly ok: boolean;
  readonly message: string;
  /** Where `ok` is false. */
  readonly code?: string;
  readonly remedy?: string;
}

/** Without a sign of life for so long, there is no worker: one that is just starting takes a few seconds. */
const SILENCE_LIMIT = 15_000;
const LOOK_EVERY = 250;
/** Ends what this client did not live to end. */
const RUN_LIMIT = 300_000;

/** @param onFinding is told each finding as it comes */
export async function diagnose(
  temporal: Temporal,
  spec: DeploymentSpec,
  onFinding: (finding: Diagnosis) => void = () => undefined,
): Promise<readonly Diagnosis[]> {
  const { connection, namespace } = temporal.settings;
  const all: Diagnosis[] = [];
  const tell = (finding: Diagnosis): void => {
    all.push(finding);
    onFinding(finding);
  };
  // Nothing comes back from a namespace that is not there.
  tell({
    check: 'Temporal',
    ok: true,
    message: `${connection.address ?? ''} answers, with the namespace ${namespace}`,
  });
  tell(await attributes(temporal));
  await preconditions(temporal, spec, tell);
  return all;
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

/** A worker looks at cloud and DNS; what it has found so far stands in its heartbeats. */
async function preconditions(
  temporal: Temporal,
  spec: DeploymentSpec,
  tell: (finding: Diagnosis) => void,
): Promise<void> {
  const { taskQueue } = temporal.settings;
  const handle = await temporal.call(() =>
    temporal.client.workflow.start(WORKFLOW.doctor, {
      workflowId: `stackato-doctor/${spec.name}/${randomUUID()}`,
      taskQueue,
      args: [spec],
      workflowExecutionTimeout: RUN_LIMIT,
      staticSummary: `doctor ${spec.name}`,
    }),
  );
  let told = 0;
  const tellMore = (findings: readonly Finding[]): void => {
    if (told === 0 && findings.length > 0) tell({ check: 'worker', ok: true, message: `one listens on ${taskQueue}` });
    // An attempt made anew begins with what was told before.
    for (const finding of findings.slice(told)) tell(diagnosisOf(finding));
    told = Math.max(told, findings.length);
  };
  for (let heard = Date.now(), last = ''; ; await delay(LOOK_EVERY)) {
    const { raw, status } = await temporal.call(() => handle.describe());
    if (status.name !== 'RUNNING') return tellMore(await outcome(temporal, handle));
    const pending = raw.pendingActivities ?? [];
    tellMore(findingsIn(pending));
    const sign = signOfLife(raw);
    if (sign !== last) [heard, last] = [Date.now(), sign];
    if (Date.now() - heard < SILENCE_LIMIT) continue;
    await temporal.call(() => handle.terminate('No worker was there.')).catch(() => undefined);
    return tell(noWorker(taskQueue));
  }
}

type Handle = ReturnType<Temporal['client']['workflow']['getHandle']>;

async function outcome(temporal: Temporal, handle: Handle): Promise<readonly Finding[]> {
  try {
    return (await temporal.call(() => handle.result())) as readonly Finding[];
  } catch (error) {
    if (!(error instanceof WorkflowFailedError)) throw error;
    throw new ClientError('INTERNAL', `The preconditions could not be checked. ${messageOf(error.cause)}`, {
      cause: error,
    });
  }
}

/** Differs whenever a worker has done something. */
function signOfLife({
  pendingActivities,
  pendingWorkflowTask,
  workflowExecutionInfo,
}: DescribeWorkflowExecutionResponse): string {
  const activities = (pendingActivities ?? []).map(({ lastStartedTime, lastHeartbeatTime }) => [
    lastStartedTime,
    lastHeartbeatTime,
  ]);
  return JSON.stringify([workflowExecutionInfo?.historyLength, pendingWorkflowTask?.startedTime, activities]);
}

function noWorker(taskQueue: string): Diagnosis {
  const message = `None was heard of on the task queue ${taskQueue} for ${SILENCE_LIMIT / 1000} s, so the rest cannot be checked.`;
  return { check: 'worker', ok: false, message, code: 'NO_WORKER', remedy: CLIENT_ERRORS.NO_WORKER.remedy };
}

function diagnosisOf(finding: Finding): Diagnosis {
  const { code } = finding;
  return { ...finding, ...(code === undefined ? {} : { remedy: withoutResume(errorRow(code).remedy) }) };
}

/** Remedies are written for a deployment that waits: here there is nothing to resume or to abort yet. */
function withoutResume(remedy: string): string {
  return remedy.replace(/[,;]? (?:then resume|abort,? and run up again)\.$/, '.');
}
