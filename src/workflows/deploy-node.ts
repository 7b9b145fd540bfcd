import {
  allHandlersFinished,
  CancellationScope,
  CancelledFailure,
  condition,
  isCancellation,
} from '@temporalio/workflow';
import { launchesInTurn, mayHoldData } from '../deployment/cluster';
import type { NodeInput, NodeResult } from '../deployment/messages';
import { freshView } from '../deployment/view';
import { Decisions, forwardRules } from './decisions';
import { setUpMachine, untilDone } from './machine';
import { Progress } from './progress';
import { StepRunner } from './runner';
import { ToDeployment } from './to-deployment';
import { launchInTurn } from './turns';
import { hasNewVolume, undoSteps } from './undo';

/**
 * Makes one node of a cluster, from nothing to where the core lists it. A failed step is parked. `abort` undoes this node only; cancelled by
 * its deployment, it leaves everything to that.
 */
export async function deployNode({ spec, node, facts, turn }: NodeInput): Promise<NodeResult> {
  const forward = new CancellationScope({ cancellable: true });
  const deployment = new ToDeployment(spec.name);
  const progress = new Progress(freshView(spec, facts, 'deploying', node), {
    batched: true,
    onStage: (stage) => deployment.tellStage(progress.view, node, stage),
  });
  const before = facts.nodes[node] ?? {};
  const decisions = new Decisions(
    progress.view,
    forwardRules(() => forward.cancel(), before.instance !== undefined && mayHoldData(before)),
  );
  const steps = new StepRunner(spec, progress, decisions, node);
  const launch = launchInTurn(node, turn, deployment, () => progress.factsOf(node));

  const result = (stage: NodeResult['stage'], unchanged = false): NodeResult => ({
    stage,
    facts: progress.factsOf(node),
    unchanged,
  });

  try {
    await forward.run(() =>
      untilDone(steps, async () => {
        if (launchesInTurn(spec.cloud.kind)) await steps.runBody('launch', launch);
        else await steps.run('launch');
        await steps.run('connect');
        await setUpMachine(steps);
        await steps.run('attach');
        await steps.run('resolver');
      }),
    );
    // The abort may have arrived just as the last step ended.
    if (decisions.aborted) throw new CancelledFailure('The node was aborted.');
    progress.stage('ready');
    return result('ready', steps.changed.size === 0);
  } catch (error) {
    if (!isCancellation(error)) throw error;
    if (!decisions.aborted) return result('cancelled');
    progress.stopRunning();
    progress.stage('undoing');
    const volumes = hasNewVolume(before, progress.known(node));
    const clean = await CancellationScope.nonCancellable(() =>
      undoSteps(spec, progress, node, { volumes }, { detach: true }),
    );
    progress.stage(clean ? 'aborted' : 'failed');
    return result('aborted');
  } finally {
    progress.flush();
    await CancellationScope.nonCancellable(() => condition(allHandlersFinished));
    await deployment.delivered();
  }
}
