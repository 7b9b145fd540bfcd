import { allHandlersFinished, CancellationScope, condition, isCancellation } from '@temporalio/workflow';
import type { NodeInput, NodeResult } from '../deployment/messages';
import type { StepId } from '../deployment/steps';
import { freshView } from '../deployment/view';
import { Decisions } from './decisions';
import type { Rules } from './decisions';
import { Progress, runKey } from './progress';
import { StepRunner } from './runner';
import type { StepBody } from './runner';
import { ToDeployment } from './to-deployment';
import { tryUndoStep, undoStep } from './undo';

/** Without draining and detaching, a node can still be terminated. */
const RULES: Rules = { repeat: false, skippable: (step) => step === 'attach' };

/** Removes one node of a cluster: drained, detached, and then terminated, with the volume that was made for it. A failure is parked. */
export async function removeNode({ spec, node, facts }: NodeInput): Promise<NodeResult> {
  const deployment = new ToDeployment(spec.name);
  const progress = new Progress(freshView(spec, facts, 'undoing', node), {
    batched: true,
    onStage: (stage) => deployment.tellStage(progress.view, node, stage),
  });
  const steps = new StepRunner(spec, progress, new Decisions(progress.view, RULES), node);

  const undo =
    (...ids: readonly StepId[]): StepBody =>
    async ({ need }) => {
      const notes: string[] = [];
      for (const id of ids) {
        const outcome = await undoStep(spec, progress, node, id, need);
        if (outcome !== undefined) notes.push(outcome.left ?? outcome.note);
      }
      return { changed: notes.length > 0, note: notes.join('; ') };
    };

  try {
    await steps.runBody('attach', undo('attach'));
    await steps.runBody('launch', undo('launch', 'container-store'));
    // Skipped, perhaps because the node did not answer. Of one that is gone, only the entry is removed.
    if (progress.factsOf(node).attached !== undefined)
      await tryUndoStep(spec, progress, node, 'attach', `${runKey()}-gone`);
    progress.stage('removed');
    return { stage: 'removed', facts: progress.factsOf(node), unchanged: false };
  } catch (error) {
    if (!isCancellation(error)) throw error;
    return { stage: 'cancelled', facts: progress.factsOf(node), unchanged: false };
  } finally {
    progress.flush();
    await CancellationScope.nonCancellable(() => condition(allHandlersFinished));
    await deployment.delivered();
  }
}
