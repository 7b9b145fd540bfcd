/** `doctor`: every precondition with its remedy. First what the client can see itself, then what a worker sees of cloud and DNS. */

import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { WorkflowFailedError } from '@temporalio/client';
import type { DescribeWorkflowExecutionResponse, WorkflowHandle } from '@temporalio/client';
import { remedyOf } from '../deployment/errors';
import { WORKFLOW } from '../deployment/names';
import type { Finding } from '../deployment/messages';
import type { DeploymentSpec } from '../deployment/spec';
import { findingsIn } from '../temporal/pending';
import { CLIENT_ERRORS, ClientError, messageOf } from './errors';
import { registerSearchAttributes } from './search-attributes';
import type { Temporal } from './temporal';

/** One precondition, checked. */
export interface CheckResult {
  /** In a few words. */
  readonly check: string;
  readonly ok: boolean;
  readonly message: string;
  /** Where `ok` is false. */
  readonly code?: string;
  readonly remedy?: string;
}

type Doctor = (spec: DeploymentSpec) => Promise<readonly Finding[]>;

/** After so long without a sign of life no worker is running; one that is just starting takes a few seconds. */
const SILENCE_LIMIT = 15_000;
const POLL_INTERVAL = 250;
/** Ends the workflow if this client is killed. */
const RUN_LIMIT = 300_000;

/** @param onResult is called with each result as it comes */
export async function doctor(
  temporal: Temporal,
  spec: DeploymentSpec,
  onResult: (result: CheckResult) => void = () => undefined,
): Promise<readonly CheckResult[]> {
  const { connection, namespace } = temporal.settings;
  const all: CheckResult[] = [];
  const report = (result: CheckResult): void => {
    all.push(result);
    onResult(result);
  };
  // A namespace that does not exist makes the next calls fail.
  report({
    check: 'Temporal',
    ok: true,
    message: `${connection.address ?? ''} answers, with the namespace ${namespace}`,
  });
  report(await checkSearchAttributes(temporal));
  await checkOnWorker(temporal, spec, report);
  return all;
}

async function checkSearchAttributes(temporal: Temporal): Promise<CheckResult> {
  const check = 'search attributes';
  try {
    const added = await registerSearchAttributes(temporal);
    return { check, ok: true, message: added ? 'added just now' : 'registered' };
  } catch (error) {
    if (!(error instanceof ClientError) || error.code !== 'SEARCH_ATTRIBUTES') throw error;
    return { check, ok: false, message: error.message, code: error.code, remedy: error.remedy };
  }
}

/** A worker checks cloud and DNS; what it has found so far is in its heartbeats. */
async function checkOnWorker(
  temporal: Temporal,
  spec: DeploymentSpec,
  report: (result: CheckResult) => void,
): Promise<void> {
  const { taskQueue } = temporal.settings;
  const handle = await temporal.call(() =>
    temporal.client.workflow.start<Doctor>(WORKFLOW.doctor, {
      workflowId: `stackato-doctor/${spec.name}/${randomUUID()}`,
      taskQueue,
      args: [spec],
      workflowExecutionTimeout: RUN_LIMIT,
      staticSummary: `doctor ${spec.name}`,
    }),
  );
  let reported = 0;
  const reportNew = (findings: readonly Finding[]): void => {
    if (reported === 0 && findings.length > 0)
      report({ check: 'worker', ok: true, message: `one is running on ${taskQueue}` });
    // A repeated attempt begins with the findings of the one before.
    for (const finding of findings.slice(reported)) report(withRemedy(finding));
    reported = Math.max(reported, findings.length);
  };
  for (let heardAt = Date.now(), last = ''; ; await delay(POLL_INTERVAL)) {
    const { raw, status } = await temporal.call(() => handle.describe());
    if (status.name !== 'RUNNING') return reportNew(await resultOf(temporal, handle));
    reportNew(findingsIn(raw.pendingActivities));
    const sign = signOfLife(raw);
    if (sign !== last) [heardAt, last] = [Date.now(), sign];
    if (Date.now() - heardAt < SILENCE_LIMIT) continue;
    await temporal.call(() => handle.terminate('No worker is running.')).catch(() => undefined);
    return report(noWorker(taskQueue));
  }
}

async function resultOf(temporal: Temporal, handle: WorkflowHandle<Doctor>): Promise<readonly Finding[]> {
  try {
    return await temporal.call(() => handle.result());
  } catch (error) {
    if (!(error instanceof WorkflowFailedError)) throw error;
    throw new ClientError('INTERNAL', `The preconditions could not be checked. ${messageOf(error.cause)}`, {
      cause: error,
    });
  }
}

/** Changes whenever a worker has done something. */
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

function noWorker(taskQueue: string): CheckResult {
  const message = `No worker answered on the task queue ${taskQueue} for ${SILENCE_LIMIT / 1000} s, so the rest cannot be checked.`;
  return { check: 'worker', ok: false, message, code: 'NO_WORKER', remedy: CLIENT_ERRORS.NO_WORKER.remedy };
}

function withRemedy(finding: Finding): CheckResult {
  const { code } = finding;
  return code === undefined ? finding : { ...finding, remedy: remedyOf(code, 'check') };
}
