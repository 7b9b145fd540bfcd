import {
  allHandlersFinished,
  ApplicationFailure,
  CancellationScope,
  CancelledFailure,
  condition,
  isCancellation,
  sleep,
} from '@temporalio/workflow';
import { CORE } from '../deployment/facts';
import type { DeployInput, DeployResult } from '../deployment/messages';
import type { DeploymentSpec } from '../deployment/spec';
import { freshView } from '../deployment/view';
import { Decisions } from './decisions';
import { Progress } from './progress';
import { RepeatFrom, StepRunner } from './runner';
import type { StepBody } from './runner';
import { undoEverything } from './undo';

/** Brings one Stackato up, from nothing to a reachable console. A failed step is parked; only `abort` undoes what was made. */
export async function deployStackato({ spec, facts }: DeployInput): Promise<DeployResult> {
  const forward = new CancellationScope({ cancellable: true });
  const progress = new Progress(freshView(spec, facts));
  const decisions = new Decisions(progress.view, () => forward.cancel());
  const steps = new StepRunner(spec, progress, decisions);

  try {
    await forward.run(() => untilDone(steps, () => bringUp(spec, steps)));
    // The abort may have arrived just as the last step ended.
    if (decisions.aborted) throw new CancelledFailure('The deployment was aborted.');
    progress.stage('ready');
    return { stage: 'ready', view: progress.view, unchanged: steps.changed.size === 0 };
  } catch (error) {
    if (!isCancellation(error)) throw error;
    await CancellationScope.nonCancellable(() => takeBack(spec, progress, facts.nodes.core.volume === undefined));
    if (!decisions.aborted) throw error;
    return { stage: 'aborted', view: progress.view, unchanged: false };
  } finally {
    await CancellationScope.nonCancellable(() => condition(allHandlersFinished));
  }
}

async function bringUp(spec: DeploymentSpec, steps: StepRunner): Promise<void> {
  await steps.run('preflight');
  await together(
    () => steps.run('address'),
    () => steps.run('security-group'),
    () => publish(steps),
  );

  // If the address has a name that is known in advance, DNS need not wait for the instance.
  const dnsEarly = spec.cloud.addressName !== undefined;
  await together(() => steps.run('launch'), ...(dnsEarly ? [() => steps.run('dns')] : []));
  await steps.run('associate');
  await together(() => steps.run('connect'), ...(dnsEarly ? [] : [() => steps.run('dns')]));

  await steps.runIfNeeded('cloud-init');
  await steps.runIfNeeded('container-store');
  await steps.run('static-ip');
  await steps.run('rename');
  await steps.run('disable-mdns');
  await steps.runBody('reboot', reboot);

  await steps.run('setup-core');
  await steps.run('enable-roles');
  await steps.run('resolver');
  await steps.run('claim-admin');
  await steps.run('open-console');
  await steps.run('verify');
}

/** `resume --from` unwinds to here and starts again: steps that have ended and are not to be repeated return at once. */
async function untilDone(steps: StepRunner, work: () => Promise<void>): Promise<void> {
  for (;;) {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof RepeatFrom)) throw error;
      steps.repeatFrom(error.from);
    }
  }
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

/** Stores the boot id, requests at most one reboot for it, sleeps, and then polls until the boot id has changed. */
const reboot: StepBody = async ({ spec, call, known, forget }) => {
  const read = await call('readBootId');
  if (known().reboot?.after !== undefined) return read;
  await call('requestReboot');
  await sleep(spec.timing.rebootWait, { summary: 'The machine reboots' });
  const after = await call('awaitReboot');
  forget('rebootOwed');
  return after;
};

/** @param newVolume a volume was made by this run, if at all: it holds nothing but copies of what the instance had */
async function takeBack(spec: DeploymentSpec, progress: Progress, newVolume: boolean): Promise<void> {
  progress.stopRunning();
  const { volume, volumeRequest } = progress.known(CORE);
  const volumes = newVolume && (volume === undefined ? volumeRequest !== undefined : volume.found !== true);
  const clean = await undoEverything(spec, progress, { volumes });
  progress.stage(clean ? 'aborted' : 'failed');
  if (!clean)
    throw ApplicationFailure.nonRetryable('Not everything could be taken back; `down` tries again.', 'UNDO_INCOMPLETE');
}

/** Runs branches in parallel and waits for all of them before a failure counts, so that nothing is undone or repeated while another branch is still running. */
async function together(...branches: readonly (() => Promise<void>)[]): Promise<void> {
  const ends = branches.map((branch) => branch());
  const failures = (await Promise.allSettled(ends)).flatMap((each) =>
    each.status === 'rejected' ? [each.reason as unknown] : [],
  );
  // An abort takes precedence over `resume --from`.
  if (failures.some(isCancellation)) throw new CancelledFailure('The deployment was cancelled.');
  await Promise.all(ends);
}
