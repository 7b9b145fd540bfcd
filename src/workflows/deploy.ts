import {
  allHandlersFinished,
  ApplicationFailure,
  CancellationScope,
  CancelledFailure,
  condition,
  isCancellation,
} from '@temporalio/workflow';
import { hasNodes } from '../deployment/cluster';
import type { Facts } from '../deployment/facts';
import type { DeployInput, DeployResult } from '../deployment/messages';
import type { DeploymentSpec } from '../deployment/spec';
import { freshView } from '../deployment/view';
import { Decisions, forwardRules } from './decisions';
import { setUpMachine, untilDone } from './machine';
import { Nodes } from './nodes';
import { Progress } from './progress';
import { StepRunner } from './runner';
import { together } from './together';
import { hasNewVolume, undoEverything } from './undo';

/** Brings one Stackato up, from nothing to a reachable console. A failed step is parked; only `abort` undoes what was made. */
export async function deployStackato({ spec, facts, dataLoss = [] }: DeployInput): Promise<DeployResult> {
  const forward = new CancellationScope({ cancellable: true });
  const progress = new Progress(freshView(spec, facts), { batched: hasNodes(spec, facts) });
  const decisions = new Decisions(
    progress.view,
    forwardRules(() => forward.cancel()),
  );
  const steps = new StepRunner(spec, progress, decisions);
  const nodes = new Nodes(spec, progress, steps);

  try {
    nodes.refuseDataLoss(dataLoss);
    await forward.run(() =>
      untilDone(
        steps,
        () => bringUp(spec, steps, nodes),
        (from) => nodes.repeatFrom(from),
      ),
    );
    // The abort may have arrived just as the last step ended.
    if (decisions.aborted) throw new CancelledFailure('The deployment was aborted.');
    return resultOf(progress, nodes, steps);
  } catch (error) {
    if (!isCancellation(error)) throw error;
    await CancellationScope.nonCancellable(() => takeBack(spec, progress, facts));
    if (!decisions.aborted) throw error;
    return { stage: 'aborted', view: progress.view, unchanged: false };
  } finally {
    progress.flush();
    await CancellationScope.nonCancellable(() => condition(allHandlersFinished));
  }
}

async function bringUp(spec: DeploymentSpec, steps: StepRunner, nodes: Nodes): Promise<void> {
  await steps.run('preflight');
  await together(
    () => steps.run('address'),
    () => securityGroups(spec, steps),
    () => publish(steps),
  );

  // If the address has a name that is known in advance, DNS need not wait for the instance.
  const dnsEarly = spec.cloud.addressName !== undefined;
  await together(() => steps.run('launch'), ...(dnsEarly ? [() => steps.run('dns')] : []));
  await steps.run('associate');
  await together(() => steps.run('connect'), ...(dnsEarly ? [] : [() => steps.run('dns')]));

  await setUpMachine(steps);
  await steps.run('setup-core');
  await steps.run('enable-roles');
  await steps.run('resolver');
  await steps.run('claim-admin');

  await nodes.removeLost();
  await nodes.deployAll();
  await nodes.removeUnwanted();

  await steps.run('open-console');
  await steps.run('verify');
}

/** That of the nodes has rules about that of the core. */
async function securityGroups({ cluster }: DeploymentSpec, steps: StepRunner): Promise<void> {
  await steps.run('security-group');
  if (cluster !== undefined) await steps.run('nodes-group');
}

/** Kernel and ramdisk in parallel, then the machine image that is bound to both. The image has a workflow of its own, which all deployments share. */
async function publish(steps: StepRunner): Promise<void> {
  await together(
    () => steps.run('publish-kernel'),
    () => steps.run('publish-ramdisk'),
  );
  await steps.runBody('publish-image', async ({ call, known, forget }) => {
    if (known().publishing === undefined) await call('startPublishing');
    try {
      return await call('awaitImage');
    } finally {
      // Another try starts or joins another run.
      forget('publishing');
    }
  });
}

function resultOf(progress: Progress, nodes: Nodes, steps: StepRunner): DeployResult {
  const { view } = progress;
  const { missing } = nodes;
  progress.stage(missing === undefined ? 'ready' : 'failed');
  if (missing !== undefined) return { stage: 'failed', view, message: missing, unchanged: false };
  return { stage: 'ready', view, unchanged: steps.changed.size === 0 && !nodes.changed };
}

/** @param before what was known at the start of this run */
async function takeBack(spec: DeploymentSpec, progress: Progress, before: Facts): Promise<void> {
  progress.stopRunning();
  const clean = await undoEverything(spec, progress, (node) => ({
    volumes: hasNewVolume(before.nodes[node], progress.known(node)),
  }));
  progress.stage(clean ? 'aborted' : 'failed');
  if (!clean)
    throw ApplicationFailure.nonRetryable('Not everything could be taken back; `down` tries again.', 'UNDO_INCOMPLETE');
}
