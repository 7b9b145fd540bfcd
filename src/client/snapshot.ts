/** One deployment as Temporal knows it at this moment. Made of `describe` alone, so it is right with no worker running. */

import type { WorkflowExecutionDescription, WorkflowExecutionInfo } from '@temporalio/client';
import { deploymentOf, MEMO_VIEW, WORKFLOW } from '../deployment/names';
import { stepById, STEPS } from '../deployment/steps';
import type { StepId } from '../deployment/steps';
import type { DeploymentView, Stage, StepProgress, UndoNote } from '../deployment/messages';
import { CORE, factsOf, knownOf } from '../deployment/facts';
import type { Known } from '../deployment/facts';
import { pendingByLabel } from '../temporal/pending';
import type { PendingAttempt } from '../temporal/pending';

export interface StepSnapshot extends Readonly<StepProgress> {
  readonly id: StepId;
  readonly title: string;
  readonly skippable: boolean;
  /** Of a step that runs: the attempt that is made or waited for. */
  readonly pending?: PendingAttempt;
}

export interface Snapshot {
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
  /** Empty while things are taken back by `down`. */
  readonly steps: readonly StepSnapshot[];
  /** What is known of the site and of the core. */
  readonly resources: Known;
  readonly undone: readonly UndoNote[];
  /** What is being taken back right now. */
  readonly undoing: readonly UndoSnapshot[];
  /** It is ready, and every step had found its effect already there. */
  readonly unchanged: boolean;
  /** Of an open one: something keeps it from going on that is not a step's failure. */
  readonly trouble?: Trouble;
}

export interface UndoSnapshot {
  readonly step: string;
  readonly pending: PendingAttempt;
}

export type Trouble = 'no-worker' | 'workflow-code' | 'temporal-silent';

/** Temporal retries a workflow task at once; only what goes on failing is worth telling. */
const TASK_ATTEMPTS_OF_TROUBLE = 3;
const UNDO = 'undo-';
const OVER: readonly Stage[] = ['ready', 'aborted', 'removed', 'failed'];

export function viewOf(memo: Record<string, unknown> | undefined): DeploymentView | undefined {
  const value = memo?.[MEMO_VIEW];
  if (typeof value !== 'object' || value === null || !('stage' in value) || !('steps' in value)) return undefined;
  const view = value as DeploymentView & { readonly resources?: Known };
  // 0.1.0 knew one machine, and kept its facts and those of the site together.
  return view.resources === undefined ? view : { ...view, facts: factsOf(view.resources) };
}

/** @param link makes the address of a run in the Web UI */
export function snapshotOf(
  description: WorkflowExecutionDescription,
  view: DeploymentView,
  link: (workflowId: string, runId: string) => string,
): Snapshot {
  const { raw, workflowId, runId, type, startTime, closeTime } = description;
  const pending = pendingByLabel(raw.pendingActivities ?? []);
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
    workflowUrl: link(workflowId, runId),
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

export function isOpen({ status }: Pick<WorkflowExecutionInfo, 'status'>): boolean {
  return status.name === 'RUNNING' || status.name === 'PAUSED';
}

/** A run that was terminated from outside never got to write its last stage down. */
export function stageOf(info: Pick<WorkflowExecutionInfo, 'status'>, view: DeploymentView): Stage {
  return isOpen(info) || OVER.includes(view.stage) ? view.stage : 'failed';
}

function stepsOf(view: DeploymentView, pending: ReadonlyMap<string, PendingAttempt>): StepSnapshot[] {
  return STEPS.flatMap(({ id, title, skippable }) => {
    const progress = view.steps[id];
    if (progress === undefined) return [];
    const attempt = progress.state === 'running' ? pending.get(id) : undefined;
    return [
      { id, title, skippable: skippable === true, ...progress, ...(attempt === undefined ? {} : { pending: attempt }) },
    ];
  });
}
