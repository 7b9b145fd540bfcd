/** Undoes what a deployment made, in the reverse order of its steps. Each activity finds what is ours by itself, without relying on stored facts. */

import { CORE } from '../deployment/facts';
import { STEPS } from '../deployment/steps';
import type { Step, UndoRequests } from '../deployment/steps';
import type { DeploymentSpec } from '../deployment/spec';
import { callStepActivity } from './calls';
import { stepFailureOf } from './failures';
import { runKey } from './progress';
import type { Progress } from './progress';

/** The least deadline for an undo that waits for a late effect, ms. */
const LATE_EFFECT_DEADLINE = 180_000;

/**
 * Call it inside `CancellationScope.nonCancellable`: in a cancelled scope no activity would run.
 * After a failure it continues with the remaining steps, so that as little as possible is left.
 * @param requested what is undone only on request
 * @returns whether everything is gone
 */
export async function undoEverything(
  spec: DeploymentSpec,
  progress: Progress,
  requested: UndoRequests = {},
): Promise<boolean> {
  progress.stage('undoing');
  let clean = true;
  const steps = [...STEPS].reverse();
  for (const { id, scope, undo } of [...steps.filter((step) => !isLast(step)), ...steps.filter(isLast)]) {
    if (undo === undefined || (undo.onRequest !== undefined && requested[undo.onRequest] !== true)) continue;
    if (undo.needed?.(spec, progress.known(CORE)) === false) continue;
    try {
      await undoStep(spec, progress, { id, scope, undo });
    } catch (error) {
      clean = false;
      const { code, message } = stepFailureOf(error);
      progress.undone({ what: undo.what, ok: false, message: `${code}: ${message}` });
    }
  }
  return clean;
}

function isLast({ undo }: Step): boolean {
  return undo?.last === true;
}

async function undoStep(
  spec: DeploymentSpec,
  progress: Progress,
  {
    id,
    scope,
    undo: { activity, what, forget, request },
  }: Pick<Step, 'id' | 'scope'> & { undo: NonNullable<Step['undo']> },
): Promise<void> {
  const node = CORE;
  const known = progress.known(node);
  const late = request !== undefined && known[request] !== undefined;
  const deadline = Math.max(spec.timing.deadline.cloud, late ? LATE_EFFECT_DEADLINE : 0);
  const input = { spec, node, known, need: `${runKey()}-undo`, deadline };
  const outcome = await callStepActivity(
    activity,
    `undo-${id}`,
    scope === 'node' ? node : undefined,
    `Undo: ${what}`,
    input,
  );
  if (request !== undefined) progress.request(node, request, undefined);
  if (outcome.changed) progress.undone({ what: outcome.note, ok: true });
  if (outcome.left !== undefined) return progress.undone({ what, ok: false, message: outcome.left });
  for (const fact of forget) {
    if (fact === 'node') progress.forgetNode(node);
    else progress.forget(node, fact);
  }
}
