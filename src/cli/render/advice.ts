/** What it has come to, and what a person can do now, with the exact commands. */

import { errorRow } from '../../deployment/errors';
import type { Stage } from '../../deployment/messages';
import type { Snapshot, StepSnapshot, Trouble } from '../../client/snapshot';
import { oneLine } from './text';

const TROUBLE: Readonly<Record<Trouble, string>> = {
  'no-worker': 'No worker is there to go on with it. Start one: stackato-deploy worker',
  'workflow-code':
    'The worker fails at the workflow itself. Look at its log, and at the workflow in the Web UI; a worker of the right version goes on.',
  'temporal-silent': 'Temporal does not answer at the moment. Asking again.',
};

const STAGE: Readonly<Record<Stage, (snapshot: Snapshot) => readonly string[]>> = {
  deploying: () => [],
  undoing: () => [],
  'needs-attention': (snapshot) =>
    snapshot.steps.filter(({ state }) => state === 'attention').flatMap((step) => attention(step, snapshot)),
  paused: ({ name }) => ['It is paused. Go on with:', `  stackato-deploy resume ${name}`],
  ready: ({ consoleUrl, unchanged }) => [
    `Ready: ${consoleUrl}`,
    ...(unchanged ? ["unchanged: every step's effect was already there"] : []),
  ],
  aborted: () => ['Aborted. What it had made is taken back.'],
  removed: () => ['Removed. What it had made is taken back.'],
  failed: (snapshot) => failed(snapshot),
};

export function advice(snapshot: Snapshot): readonly string[] {
  const { trouble } = snapshot;
  return [...STAGE[snapshot.stage](snapshot), ...(trouble === undefined ? [] : [TROUBLE[trouble]])];
}

function attention({ id, error, skippable }: StepSnapshot, { name, steps }: Snapshot): string[] {
  const several = steps.filter(({ state }) => state === 'attention').length > 1;
  const which = several ? ` --step ${id}` : '';
  const what =
    error === undefined ? [] : [`${id}: ${error.code}: ${oneLine(error.message)}`, `  ${errorRow(error.code).remedy}`];
  return [
    ...what,
    `  stackato-deploy resume ${name}${which}`,
    ...(skippable ? [`  stackato-deploy skip ${name}${which}`] : []),
    `  stackato-deploy abort ${name}`,
  ];
}

function failed({ name, undone, action }: Snapshot): string[] {
  const left = undone
    .filter(({ ok }) => !ok)
    .map(({ what, message }) => `  still there: ${what} (${oneLine(message ?? 'unknown reason')})`);
  if (left.length > 0)
    return ['Not everything could be taken back.', ...left, `Try again with: stackato-deploy down ${name}`];
  const goOn = action === 'deploy' ? ['Go on with: stackato-deploy up, with its spec'] : [];
  return [
    'Its run was ended from outside; what it had made is still there.',
    ...goOn,
    `Take it back with: stackato-deploy down ${name}`,
  ];
}
