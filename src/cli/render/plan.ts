/** What `plan` prints. */

import type { DeploymentSpec } from '../../deployment/spec';
import type { PlannedGroup, PlannedStep } from '../../steps/plan';
import type { PlannedAction } from '../../steps/planning';
import type { WantedChanges } from '../../client/changes';
import { namesText } from './text';
import type { Colour, Paint } from './text';

/** @param changes of the nodes, for a deployment that exists */
export function planText(
  spec: DeploymentSpec,
  steps: readonly PlannedStep[],
  groups: readonly PlannedGroup[],
  paint: Paint,
  changes?: WantedChanges,
): string {
  const { name, release, cloud, dns } = spec;
  const head = [
    `${paint.bold(name)}  Stackato ${release} on ${cloud.kind} at ${cloud.endpoint ?? cloud.region}, as ${dns.name}`,
    'Each step looks first, and does only what is not there yet. Nothing was touched to say this.',
  ];
  return [
    ...head,
    ...changesText(changes, paint),
    ...(groups.length === 0 ? [] : ['', `${paint.bold('core')}  ${paint.dim(OF_THE_CORE)}`]),
    ...stepsText(steps, paint),
    ...groups.flatMap((group) => groupText(group, paint)),
  ].join('\n');
}

const OF_THE_CORE = '(and what the deployment has once; the last two steps come after the nodes)';

const CHANGE_COLOUR: Readonly<Record<string, Colour>> = { '+': 'green', '-': 'red', '~': 'yellow' };

function changesText(changes: WantedChanges | undefined, paint: Paint): string[] {
  if (changes === undefined) return [];
  const { lines, refused } = changes;
  if (lines.length === 0 && refused === undefined)
    return ['', 'No node of the deployment is added, removed or replaced.'];
  return [
    '',
    'Nodes of the deployment:',
    ...lines.map((line) => paint[CHANGE_COLOUR[line.charAt(0)] ?? 'reset'](`  ${line}`)),
    ...(refused === undefined ? [] : ['', paint.red('up would refuse this.'), refused.message, refused.remedy]),
  ];
}

function groupText({ nodes, steps }: PlannedGroup, paint: Paint): string[] {
  const [first = '', ...others] = nodes;
  const same =
    others.length === 0 ? '' : `  ${paint.dim(`(as ${first}: each of the others has its own name in its place)`)}`;
  return ['', `${paint.bold(namesText(nodes))}${same}`, ...stepsText(steps, paint)];
}

function stepsText(steps: readonly PlannedStep[], paint: Paint): string[] {
  return steps.flatMap((step, i) => stepText(step, i + 1, paint));
}

function stepText({ id, title, notNeeded, actions }: PlannedStep, number: number, paint: Paint): string[] {
  const head = `${String(number).padStart(2)}. ${paint.bold(id)}  ${title}`;
  if (notNeeded !== undefined) return ['', `${head}  ${paint.dim(`(not needed: ${notNeeded})`)}`];
  return ['', head, ...actions.flatMap((action) => actionText(action, paint))];
}

function actionText({ where, what, note }: PlannedAction, paint: Paint): string[] {
  const [first = '', ...rest] = what.split('\n');
  const lines = [`    ${paint.cyan(where.padEnd(8))} ${first}`, ...rest.map((line) => `             ${line}`)];
  return note === undefined ? lines : [...lines, `             ${paint.dim(`(${note})`)}`];
}
