/** What `plan` prints. */

import type { DeploymentSpec } from '../../deployment/spec';
import type { PlannedStep } from '../../steps/plan';
import type { PlannedAction } from '../../steps/planning';
import type { Paint } from './text';

export function planText(spec: DeploymentSpec, steps: readonly PlannedStep[], paint: Paint): string {
  const { name, release, cloud, dns } = spec;
  const head = [
    `${paint.bold(name)}  Stackato ${release} on ${cloud.kind} at ${cloud.endpoint ?? cloud.region}, as ${dns.name}`,
    'Each step looks first, and does only what is not there yet. Nothing was touched to say this.',
  ];
  return [...head, ...steps.flatMap((step, i) => stepText(step, i + 1, paint))].join('\n');
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
