/** The status of a deployment, read from Temporal with `describe` alone, so it is right when no worker is running. */

import { WorkflowNotFoundError } from '@temporalio/client';
import type { WorkflowExecutionDescription, WorkflowExecutionInfo } from '@temporalio/client';
import { deploymentOf, WORKFLOW, workflowIdOf } from '../deployment/names';
import { stepById, STEPS } from '../deployment/steps';
import type { StepId } from '../deployment/steps';
import type { DeploymentView, Stage, StepProgress, UndoNote } from '../deployment/messages';
import { CORE, knownOf } from '../deployment/facts';
import type { Known } from '../deployment/facts';
import { deploymentViewIn } from '../temporal/memo';
import { pendingByLabel } from '../temporal/pending';
import type { PendingAttempt } from '../temporal/pending';
import { isOpen } from '../temporal/workflows';
import { ClientError } from './errors';
import { webUrlOf } from './settings';
import type { Temporal } from './temporal';

export interface DeploymentStatus {
  readonly name: string;
  readonly workflowId: string;
  readonly runId: string;
  readonly action: 'deploy' | 'teardown';
  readonly open: boolean;
  readonly stage: Stage;
  readonly release: string;
  readonly cloud: string;
  readonly host: string;
  readonly consoleUrl: string;
  /** This run in Temporal's Web UI. */
  readonly workflowUrl: string;
  /** Epoch milliseconds. */
  readonly startedAt: number;
  readonly closedAt?: number;
  /** Empty while `down` takes things back. */
  readonly steps: readonly StepStatus[];
  /** Facts of the site and of the core. */
  readonly resources: Known;
  readonly undone: readonly UndoNote[];
  /** What is being taken back now. */
  readonly undoing: readonly UndoStatus[];
  /** Ready, and every step found its effect already there. */
  readonly unchanged: boolean;
  /** What keeps an open one from making progress, other than a failed step. */
  readonly trouble?: Trouble;
}

export interface StepStatus extends Readonly<StepProgress> {
  readonly id: StepId;
  readonly title: string;
  readonly skippable: boolean;
  /** Of a running step: the attempt under way, or the next one. */
  readonly pending?: PendingAttempt;
}

export interface UndoStatus {
  readonly step: string;
  readonly pending: PendingAttempt;
}

export type Trouble = 'no-worker' | 'workflow-code' | 'temporal-silent';

/** Temporal retries a workflow task at once: only repeated failures count as trouble. */
const TASK_ATTEMPTS_OF_TROUBLE = 3;
const UNDO = 'undo-';
const CLOSED_STAGES: readonly Stage[] = ['ready', 'aborted', 'removed', 'failed'];

/** The newest run of that name; undefined where Temporal knows none. */
export async function describeDeployment(
  temporal: Temporal,
  name: string,
): Promise<WorkflowExecutionDescription | undefined> {
  try {
    return await temporal.call(() => temporal.client.workflow.getHandle(workflowIdOf(name)).describe());
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return undefined;
    throw error;
  }
}

export async function statusOf(temporal: Temporal, name: string): Promise<DeploymentStatus> {
  const description = await describeDeployment(temporal, name);
  if (description === undefined) throw unknownDeployment(name);
  return statusIn(temporal, description);
}

export function unknownDeployment(name: string, remedy?: string): ClientError {
  return new ClientError(
    'NOT_FOUND',
    `Temporal knows no deployment ${name}. It never existed, or ended so long ago that Temporal has deleted it.`,
    remedy === undefined ? {} : { remedy },
  );
}

export async function statusIn(
  temporal: Temporal,
  description: WorkflowExecutionDescription,
): Promise<DeploymentStatus> {
  const { workflowId, runId, taskQueue } = description;
  const view = deploymentViewIn(description.memo);
  if (view === undefined)
    throw new ClientError(
      'NOT_READABLE',
      `The workflow ${workflowId} is not a deployment of this tool. Its memo holds no deployment.`,
    );
  const status = statusFrom(description, view, webUrlOf(temporal.settings, workflowId, runId));
  if (!status.open || (await temporal.hasWorker(taskQueue))) return status;
  return { ...status, trouble: 'no-worker' };
}

function statusFrom(
  description: WorkflowExecutionDescription,
  view: DeploymentView,
  workflowUrl: string,
): DeploymentStatus {
  const { raw, workflowId, runId, type, startTime, closeTime } = description;
  const pending = pendingByLabel(raw.pendingActivities);
  const stage = stageOf(description, view);
  const steps = stepsOf(view, pending);
  return {
    name: deploymentOf(workflowId),
    workflowId,
    runId,
    action: type === WORKFLOW.teardown ? 'teardown' : 'deploy',
    open: isOpen(description),
    stage,
    release: view.release,
    cloud: view.cloud,
    host: view.host,
    consoleUrl: view.consoleUrl,
    workflowUrl,
    startedAt: startTime.getTime(),
    ...(closeTime === undefined ? {} : { closedAt: closeTime.getTime() }),
    steps,
    resources: knownOf(view.facts, CORE),
    undone: view.undone,
    undoing: [...pending].flatMap(([label, attempt]) =>
      label.startsWith(UNDO) ? [{ step: label.slice(UNDO.length), pending: attempt }] : [],
    ),
    unchanged: stage === 'ready' && !steps.some(({ id, state }) => state === 'done' && stepById(id).looksOnly !== true),
    ...((raw.pendingWorkflowTask?.attempt ?? 1) >= TASK_ATTEMPTS_OF_TROUBLE
      ? { trouble: 'workflow-code' as const }
      : {}),
  };
}

/** A run that was terminated from outside had no chance to record its last stage. */
export function stageOf(info: Pick<WorkflowExecutionInfo, 'status'>, view: DeploymentView): Stage {
  return isOpen(info) || CLOSED_STAGES.includes(view.stage) ? view.stage : 'failed';
}

function stepsOf(view: DeploymentView, pending: ReadonlyMap<string, PendingAttempt>): StepStatus[] {
  return STEPS.flatMap(({ id, title, skippable }) => {
    const progress = view.steps[id];
    if (progress === undefined) return [];
    const attempt = progress.state === 'running' ? pending.get(id) : undefined;
    const base = { id, title, skippable: skippable === true, ...progress };
    return [attempt === undefined ? base : { ...base, pending: attempt }];
  });
}
