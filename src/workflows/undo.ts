/** Undoes what a deployment made, in the reverse order of its steps. Each activity finds what is ours by itself, without relying on stored facts. */

import { CancellationScope } from '@temporalio/workflow';
import { isNothing, specOfNode, wantedNodes } from '../deployment/cluster';
import { CORE } from '../deployment/facts';
import type { NodeFacts, NodeName } from '../deployment/facts';
import { stepById, STEPS } from '../deployment/steps';
import type { Step, StepId, UndoRequests } from '../deployment/steps';
import type { DeploymentSpec } from '../deployment/spec';
import type { StepOutcome } from '../deployment/activities';
import { callStepActivity } from './calls';
import { stepFailureOf } from './failures';
import { runKey } from './progress';
import type { Progress } from './progress';
import { atMost } from './together';

/** The least deadline for an undo that waits for a late effect, ms. */
const LATE_EFFECT_DEADLINE = 180_000;

/** Nodes that are terminated at the same time. */
const NODES_AT_ONCE = 10;

/**
 * Call it inside `CancellationScope.nonCancellable`: in a cancelled scope no activity would run.
 * After a failure it continues with the remaining steps, so that as little as possible is left.
 * @param requested what is undone only on request, for each node
 * @returns whether everything is gone
 */
export async function undoEverything(
  spec: DeploymentSpec,
  progress: Progress,
  requested: (node: NodeName) => UndoRequests,
): Promise<boolean> {
  progress.stage('undoing');
  let clean = true;
  const nodes = nodesToUndo(spec, progress);
  for (const node of nodes) progress.node(node, { stage: 'removing' });
  await atMost(NODES_AT_ONCE, nodes, async (node) => {
    const { made } = progress.factsOf(node);
    // The core goes with them: nothing is drained.
    const gone = await undoSteps(specOfNode(spec, node), progress, node, requested(node), { detach: false });
    if (gone) progress.nodeTakenBack(node, made);
    else clean = false;
  });
  return (await undoSteps(spec, progress, CORE, requested(CORE), { detach: false })) && clean;
}

/** A node without a row is looked for: the memo of an earlier run may have been lost. */
function nodesToUndo(spec: DeploymentSpec, { view: { nodes, facts } }: Progress): readonly NodeName[] {
  const all = new Set([...wantedNodes(spec), ...Object.keys(facts.nodes)]);
  return [...all].filter((node) => {
    const known = nodes[node]?.facts ?? facts.nodes[node];
    return node !== CORE && (known === undefined || !isNothing(known));
  });
}

/** @returns whether everything of that node is gone; with the core, that of the site, too */
export async function undoSteps(
  spec: DeploymentSpec,
  progress: Progress,
  node: NodeName,
  requested: UndoRequests,
  { detach }: { readonly detach: boolean },
): Promise<boolean> {
  let clean = true;
  const steps = STEPS.filter(({ id, scope, only }) =>
    node === CORE ? only !== 'nodes' : scope === 'node' && only !== 'core' && (detach || id !== 'attach'),
  ).reverse();
  for (const { id, undo } of [...steps.filter((step) => !isLast(step)), ...steps.filter(isLast)]) {
    if (undo === undefined || (undo.onRequest !== undefined && requested[undo.onRequest] !== true)) continue;
    if (!(await tryUndoStep(spec, progress, node, id, `${runKey()}-undo`))) clean = false;
  }
  return clean;
}

/** A failure is noted only. @returns whether there was none */
export async function tryUndoStep(
  spec: DeploymentSpec,
  progress: Progress,
  node: NodeName,
  id: StepId,
  need: string,
): Promise<boolean> {
  try {
    await undoStep(spec, progress, node, id, need);
    return true;
  } catch (error) {
    if (CancellationScope.current().consideredCancelled) throw error;
    const { code, message } = stepFailureOf(error);
    const what = named(progress, node, stepById(id).undo?.what ?? id);
    progress.undone({ what, ok: false, message: `${code}: ${message}` });
    return false;
  }
}

function isLast({ undo }: Step): boolean {
  return undo?.last === true;
}

/** @returns what was done; undefined: there was nothing to undo */
export async function undoStep(
  spec: DeploymentSpec,
  progress: Progress,
  node: NodeName,
  id: StepId,
  need: string,
): Promise<StepOutcome | undefined> {
  const { scope, undo } = stepById(id);
  const known = progress.known(node);
  if (undo === undefined || undo.needed?.(spec, known) === false) return undefined;
  const { activity, what, forget, request, deadline = 'cloud' } = undo;
  const late = request !== undefined && known[request] !== undefined;
  progress.flush();
  const outcome = await callStepActivity(
    activity,
    `undo-${id}`,
    scope === 'node' ? node : undefined,
    `Undo: ${named(progress, node, what)}`,
    {
      spec,
      node,
      known,
      ...progress.reachedBy(node),
      need,
      deadline: Math.max(spec.timing.deadline[deadline], late ? LATE_EFFECT_DEADLINE : 0),
    },
  );
  if (request !== undefined) progress.request(node, request, undefined);
  if (outcome.changed) progress.undone({ what: named(progress, node, outcome.note), ok: true });
  if (outcome.left !== undefined) {
    progress.undone({ what: named(progress, node, what), ok: false, message: outcome.left });
    return outcome;
  }
  for (const fact of forget) {
    if (fact === 'node') progress.forgetNode(node);
    else progress.forget(node, fact);
  }
  return outcome;
}

/** Says which node, unless it is the core or the view is of one node. */
function named({ view }: Progress, node: NodeName, what: string): string {
  return node === CORE || view.node !== undefined ? what : `${node}: ${what}`;
}

/** Whether a volume of the node, if there is one, was made by this run: then it holds nothing but copies of what the instance had. */
export function hasNewVolume(before: NodeFacts | undefined, { volume, volumeRequest }: NodeFacts): boolean {
  if (before?.volume !== undefined) return false;
  return volume === undefined ? volumeRequest !== undefined : volume.found !== true;
}
