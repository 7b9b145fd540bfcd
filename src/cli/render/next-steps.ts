/** How it ended, or what a person can do now, with the exact commands. */

import { remedyOf } from '../../deployment/errors';
import type { Stage } from '../../deployment/messages';
import type { DeploymentStatus, StepStatus, Trouble } from '../../client/status';
import { oneLine } from './text';

const TROUBLE: Readonly<Record<Trouble, string>> = {
  'no-worker': 'No worker is running. Start one: stackato-deploy worker',
  'workflow-code':
    'The worker fails in the workflow code. Look at its log and at the workflow in the Web UI; a worker of the right version will go on.',
  'temporal-silent': 'Temporal does not answer at the moment. Trying again.',
};

const STAGE: Readonly<Record<Stage, (status: DeploymentStatus) => readonly string[]>> = {
  deploying: () => [],
  undoing: () => [],
  'needs-attention': (status) =>
    status.steps.filter(({ state }) => state === 'attention').flatMap((step) => attention(step, status)),
  paused: ({ name }) => ['Paused. Go on with:', `  stackato-deploy resume ${name}`],
  ready: ({ consoleUrl, unchanged }) => [
    `Ready: ${consoleUrl}`,
    ...(unchanged ? ["unchanged: every step's effect was already there"] : []),
  ],
  aborted: (status) => ['Aborted. What it made has been taken back.', ...keptVolume(status)],
  removed: (status) => ['Removed. What it made has been taken back.', ...keptVolume(status)],
  failed: (status) => failed(status),
};

export function nextSteps(status: DeploymentStatus): readonly string[] {
  const { trouble } = status;
  return [...STAGE[status.stage](status), ...(trouble === undefined ? [] : [TROUBLE[trouble]])];
}

function attention({ id, error, skippable }: StepStatus, { name, steps }: DeploymentStatus): string[] {
  const several = steps.filter(({ state }) => state === 'attention').length > 1;
  const which = several ? ` --step ${id}` : '';
  const what =
    error === undefined ? [] : [`${id}: ${error.code}: ${oneLine(error.message)}`, `  ${remedyOf(error.code)}`];
  return [
    ...what,
    `  stackato-deploy resume ${name}${which}`,
    ...(skippable ? [`  stackato-deploy skip ${name}${which}`] : []),
    `  stackato-deploy abort ${name}`,
  ];
}

function keptVolume({ name, resources: { volume } }: DeploymentStatus): string[] {
  return volume?.made === true && volume.unproved !== true
    ? [`The volume ${volume.id} was kept, with its data. Delete it with: stackato-deploy down ${name} --volumes`]
    : [];
}

function failed({ name, undone, action }: DeploymentStatus): string[] {
  const left = undone
    .filter(({ ok }) => !ok)
    .map(({ what, message }) => `  still there: ${what} (${oneLine(message ?? 'unknown reason')})`);
  if (left.length > 0)
    return ['Not everything could be taken back.', ...left, `Try again with: stackato-deploy down ${name}`];
  const goOn = action === 'deploy' ? ['Go on with: stackato-deploy up, with its spec'] : [];
  return [
    'The run was ended from outside; what it made is still there.',
    ...goOn,
    `Take it back with: stackato-deploy down ${name}`,
  ];
}
