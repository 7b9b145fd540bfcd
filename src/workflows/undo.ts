/** Takes back what a deployment made, in the reverse order of its steps. Each activity looks for what is ours itself, so nothing need be remembered. */

import { CORE } from '../deployment/facts';
import { STEPS } from '../deployment/steps';
import type { Step } from '../deployment/steps';
import type { DeploymentSpec } from '../deployment/types';
import { callStepActivity } from './calls';
import { stepFailureOf } from './failures';
import { runKey } from './progress';
import type { Progress } from './progress';

/** What may come late is waited for, whatever the deadline of the spec. Milliseconds. */
const LATE = 180_000;

/**
 * Call it inside `CancellationScope.nonCancellable`: in a cancelled scope no activity would run.
 * One that fails is noted and the rest goes on: better one thing left than five. Returns whether everything is gone.
 * @param images also what other deployments may use
 */
export async function undoEverything(spec: DeploymentSpec, progress: Progress, images = false): Promise<boolean> {
  progress.stage('undoing');
  let clean = true;
  for (const { id, scope, undo } of [...STEPS].reverse()) {
    if (undo === undefined || (undo.shared === true && !images)) continue;
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
  const deadline = Math.max(spec.timing.deadline.cloud, late ? LATE : 0);
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
