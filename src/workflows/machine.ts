/** What is done on every machine of a deployment, the core and the others. */

import { sleep } from '@temporalio/workflow';
import { RepeatFrom } from './runner';
import type { StepBody, StepRunner } from './runner';
import type { StepId } from '../deployment/steps';

/** From the first boot to the reboot that makes all of it effective. */
export async function setUpMachine(steps: StepRunner): Promise<void> {
  await steps.runIfNeeded('cloud-init');
  await steps.runIfNeeded('container-store');
  await steps.run('static-ip');
  await steps.run('rename');
  await steps.run('disable-mdns');
  await steps.runBody('reboot', reboot);
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

/** `resume --from` unwinds to here and starts again: steps that have ended and are not to be repeated return at once. */
export async function untilDone(
  steps: StepRunner,
  work: () => Promise<void>,
  onRepeat: (from: StepId) => void = () => undefined,
): Promise<void> {
  for (;;) {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof RepeatFrom)) throw error;
      steps.repeatFrom(error.from);
      onRepeat(error.from);
    }
  }
}
