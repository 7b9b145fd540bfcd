/** How it ended, or what a person can do now, with the exact commands. */

import { remedyOf } from '../../deployment/errors';
import type { Stage, StepFailure, UndoNote } from '../../deployment/messages';
import { stepById } from '../../deployment/steps';
import type { StepId } from '../../deployment/steps';
import type { NodeRun, NodeStatus, NodeStatusStage } from '../../client/nodes';
import type { DeploymentStatus, NodeDetails, Trouble } from '../../client/status';
import type { StepStatus } from '../../client/step-status';
import { namesText, NODE_STYLE, oneLine } from './text';

const TROUBLE: Readonly<Record<Trouble, string>> = {
  'no-worker': 'No worker is running. Start one: stackato-deploy worker',
  'workflow-code':
    'The worker fails in the workflow code. Look at its log and at the workflow in the Web UI; a worker of the right version will go on.',
  'temporal-silent': 'Temporal does not answer at the moment. Trying again.',
};

const STAGE: Readonly<Record<Stage, (status: DeploymentStatus) => readonly string[]>> = {
  deploying: () => [],
  undoing: () => [],
  'needs-attention': (status) => [
    ...status.steps.filter(({ state }) => state === 'attention').flatMap((step) => attention(step, status)),
    ...nodesAttention(status),
  ],
  paused: ({ name }) => ['Paused. Go on with:', `  stackato-deploy resume ${name}`],
  ready: ({ consoleUrl, unchanged, removedNodes }) => [
    `Ready: ${consoleUrl}`,
    ...(removedNodes.length === 0 ? [] : [`Removed: ${namesText(removedNodes)}`]),
    ...(unchanged ? ["unchanged: every step's effect was already there"] : []),
  ],
  aborted: (status) => ['Aborted. What it made has been taken back.', ...keptVolumes(status)],
  removed: (status) => ['Removed. What it made has been taken back.', ...keptVolumes(status)],
  failed: (status) => failed(status),
};

export function nextSteps(status: DeploymentStatus): readonly string[] {
  const { trouble } = status;
  return [...STAGE[status.stage](status), ...(trouble === undefined ? [] : [TROUBLE[trouble]])];
}

/** One of its nodes. */
export function nodeNextSteps(node: NodeDetails): readonly string[] {
  const { deployment, stage, trouble } = node;
  const steps: Readonly<Record<NodeStatusStage, () => readonly string[]>> = {
    waiting: () => ['It has not begun.'],
    held: () => [
      'It has not begun, because the first of its group did not become ready.',
      'Once the deployment has ended, make it with: stackato-deploy up, with the spec',
    ],
    'needs-attention': () => nodeAttention([node], deployment),
    paused: () => ['Paused. Go on with:', `  stackato-deploy resume ${deployment} --node ${node.name}`],
    deploying: () => [],
    removing: () => [],
    undoing: () => [],
    ready: () => [],
    aborted: () => [...abortedText(node.undone), 'Make it again with: stackato-deploy up, with the spec'],
    lost: () => [
      'Its workflow was ended from outside. Once the deployment has ended, go on with: stackato-deploy up, with the spec',
    ],
  };
  return [...steps[stage](), ...(trouble === undefined ? [] : [TROUBLE[trouble]])];
}

function attention({ id, error, skippable }: StepStatus, { name, steps, nodes }: DeploymentStatus): string[] {
  const several = steps.filter(({ state }) => state === 'attention').length > 1;
  // Without it, resume concerns the nodes, too.
  const alone = nodes.some(({ stage }) => stage === 'needs-attention') ? ' --node core' : '';
  const which = several ? ` --step ${id}` : alone;
  const what =
    error === undefined ? [] : [`${id}: ${error.code}: ${oneLine(error.message)}`, `  ${remedyOf(error.code)}`];
  return [
    ...what,
    ...resumeFrom(`${name}${alone}`, error),
    `  stackato-deploy resume ${name}${which}`,
    ...(skippable ? [`  stackato-deploy skip ${name}${several ? which : ''}`] : []),
    `  stackato-deploy abort ${name}`,
  ];
}

/** The nodes that need attention: those with the same error together. */
function nodesAttention({ name, nodes }: DeploymentStatus): string[] {
  const parked = nodes.filter(({ stage }) => stage === 'needs-attention');
  const alike = new Map<string, NodeStatus[]>();
  for (const node of parked) {
    const key = `${node.error?.step ?? ''} ${node.error?.code ?? ''}`;
    alike.set(key, [...(alike.get(key) ?? []), node]);
  }
  return [
    ...[...alike.values()].flatMap((group) => nodeAttention(group, name)),
    ...(parked.length < 2 ? [] : ['All of them:', `  stackato-deploy resume ${name}`]),
  ];
}

/** @param nodes with the same error */
function nodeAttention(nodes: readonly NodeStatus[], deployment: string): string[] {
  const [first] = nodes;
  if (first === undefined) return [];
  const { name, error, run } = first;
  const which = `${deployment} --node ${name}`;
  return [
    ...(error === undefined
      ? []
      : [
          `${namesText(nodes.map((node) => node.name))}: ${error.step}: ${error.code}: ${oneLine(error.message)}`,
          `  ${remedyOf(error.code)}`,
        ]),
    ...resumeFrom(which, error),
    `  stackato-deploy resume ${which}`,
    ...(error !== undefined && isSkippable(error.step, run?.action) ? [`  stackato-deploy skip ${which}`] : []),
    ...(run?.action === 'remove' ? [] : [`  stackato-deploy abort ${which}`]),
  ];
}

/** Where the effect of an earlier step is gone, that comes first. */
function resumeFrom(which: string, error: StepFailure | undefined): string[] {
  return error?.from === undefined ? [] : [`  stackato-deploy resume ${which} --from ${error.from}`];
}

/** A node that is removed can be terminated without having been detached. */
function isSkippable(step: StepId, action: NodeRun['action'] = 'deploy'): boolean {
  return action === 'remove' ? step === 'attach' : stepById(step).skippable === true;
}

function abortedText(undone: readonly UndoNote[]): string[] {
  const left = leftText(undone);
  return left.length > 0
    ? ['Aborted. Not everything could be taken back.', ...left]
    : ['Aborted. What was made for it has been taken back.'];
}

function leftText(undone: readonly UndoNote[]): string[] {
  return undone
    .filter(({ ok }) => !ok)
    .map(({ what, message }) => `  still there: ${what} (${oneLine(message ?? 'unknown reason')})`);
}

function keptVolumes({ name, volumes }: DeploymentStatus): string[] {
  if (volumes.length === 0) return [];
  const [which, kept, them] =
    volumes.length === 1
      ? [`The volume ${volumes.join('')} was`, 'with its data', 'it']
      : [`The volumes ${volumes.join(', ')} were`, 'with their data', 'them'];
  return [`${which} kept, ${kept}. Delete ${them} with: stackato-deploy down ${name} --volumes`];
}

function failed({ name, undone, action, nodes, cutShort }: DeploymentStatus): string[] {
  const left = leftText(undone);
  if (left.length > 0)
    return ['Not everything could be taken back.', ...left, `Try again with: stackato-deploy down ${name}`];
  const missing = nodes.filter(({ wanted, stage }) => wanted && stage !== 'ready');
  const surplus = nodes.filter(({ wanted }) => !wanted);
  if (cutShort !== true && missing.length + surplus.length > 0)
    return [
      ...(missing.length === 0 ? [] : [`The cluster is not whole. Missing: ${stagesText(missing)}.`]),
      ...(surplus.length === 0 ? [] : [`Not removed yet: ${namesText(surplus.map((node) => node.name))}.`]),
      'Go on with: stackato-deploy up, with its spec',
      `Or take all of it back with: stackato-deploy down ${name}`,
    ];
  const goOn = action === 'deploy' ? ['Go on with: stackato-deploy up, with its spec'] : [];
  return [
    'The run was ended from outside; what it made is still there.',
    ...goOn,
    `Take it back with: stackato-deploy down ${name}`,
  ];
}

/** By stage: `dea-1 (aborted), dea-2 … dea-5 (held)`. */
function stagesText(nodes: readonly NodeStatus[]): string {
  const stages = [...new Set(nodes.map(({ stage }) => stage))];
  return stages
    .map((stage) => {
      const names = nodes.filter((node) => node.stage === stage).map(({ name }) => name);
      return `${namesText(names)} (${NODE_STYLE[stage].state})`;
    })
    .join(', ');
}
