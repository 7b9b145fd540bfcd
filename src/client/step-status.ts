/** Steps with their attempts under way: those of a deployment, or of one of its nodes. */

import type { DeploymentView, StepProgress } from '../deployment/messages';
import { STEPS, titleOf } from '../deployment/steps';
import type { StepId } from '../deployment/steps';
import { isOfCluster } from '../deployment/view';
import type { PendingAttempt } from '../temporal/pending';

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

export type PendingByLabel = ReadonlyMap<string, PendingAttempt>;

const UNDO = 'undo-';

export function stepsOf({ steps }: Pick<DeploymentView, 'steps'>, pending: PendingByLabel): StepStatus[] {
  const ofCluster = isOfCluster({ steps });
  return STEPS.flatMap((step) => {
    const { id, skippable } = step;
    const progress = steps[id];
    if (progress === undefined) return [];
    const title = titleOf(step, ofCluster);
    const attempt = progress.state === 'running' ? pending.get(id) : undefined;
    const base = { id, title, skippable: skippable === true, ...progress };
    return [attempt === undefined ? base : { ...base, pending: attempt }];
  });
}

export function undoingOf(pending: PendingByLabel): UndoStatus[] {
  return [...pending].flatMap(([label, attempt]) =>
    label.startsWith(UNDO) ? [{ step: label.slice(UNDO.length), pending: attempt }] : [],
  );
}
