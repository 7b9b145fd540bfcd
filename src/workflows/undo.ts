/** Takes back what a deployment made, in reverse order. Each activity looks for what is ours itself, so nothing need be remembered. */

import type { StepId } from '../deployment/steps';
import type { DeploymentSpec, Resources } from '../deployment/types';
import type { StepActivityName } from '../activities/types';
import { callStepActivity } from './calls';
import { stepFailureOf } from './failures';
import { OF_THE_MACHINE, runKey } from './progress';
import type { Progress, UnsettledStep } from './progress';

interface UndoRow {
  readonly step: StepId;
  readonly activity: StepActivityName;
  readonly what: string;
  /** No longer true once it is undone. */
  readonly forget: readonly (keyof Resources)[];
  /** What may come late, and has to be waited for. */
  readonly unsettled?: UnsettledStep;
  /** Others may use it: only where that is asked for. */
  readonly shared?: true;
}

export const UNDO: readonly UndoRow[] = [
  { step: 'associate', activity: 'disassociateAddress', what: 'association of the address', forget: [] },
  {
    step: 'launch',
    activity: 'terminateInstance',
    what: 'instance',
    forget: ['instance', ...OF_THE_MACHINE],
    unsettled: 'launch',
  },
  { step: 'dns', activity: 'takeBackDns', what: 'DNS records', forget: ['dns'] },
  {
    step: 'security-group',
    activity: 'deleteSecurityGroup',
    what: 'security group',
    forget: ['group'],
    unsettled: 'security-group',
  },
  { step: 'address', activity: 'giveBackAddress', what: 'elastic IP', forget: ['address'] },
  { step: 'publish-image', activity: 'withdrawImage', what: 'image', forget: ['image'], shared: true },
];

/** What may come late is waited for, whatever the deadline of the spec. Milliseconds. */
const LATE = 180_000;

/**
 * Call it inside `CancellationScope.nonCancellable`: in a cancelled scope no activity would run.
 * One that fails is noted and the rest goes on: better one thing left than five. Returns whether everything is gone.
 */
export async function undoEverything(spec: DeploymentSpec, progress: Progress, images = false): Promise<boolean> {
  progress.stage('undoing');
  let clean = true;
  for (const row of UNDO.filter(({ shared }) => shared !== true || images)) {
    try {
      const late = row.unsettled !== undefined && progress.known.unsettled?.[row.unsettled] !== undefined;
      const deadline = Math.max(spec.timing.deadline.cloud, late ? LATE : 0);
      const input = { spec, known: progress.known, need: `${runKey()}-undo`, deadline };
      const outcome = await callStepActivity(row.activity, `undo-${row.step}`, `Undo: ${row.what}`, input);
      if (row.unsettled !== undefined) progress.unsettled(row.unsettled, undefined);
      if (outcome.changed) progress.undone({ what: outcome.note, ok: true });
      if (outcome.left === undefined) for (const fact of row.forget) progress.forget(fact);
      else progress.undone({ what: row.what, ok: false, message: outcome.left });
    } catch (error) {
      clean = false;
      const { code, message } = stepFailureOf(error);
      progress.undone({ what: row.what, ok: false, message: `${code}: ${message}` });
    }
  }
  return clean;
}
