/** The nodes of a deployment: a line each, or one line for those of which there is the same to say. */

import type { NodeStatus, NodeStatusStage } from '../../client/nodes';
import type { PageItem } from './fit-rows';
import { attemptText, line, newsOf } from './lines';
import type { LineOptions } from './lines';
import { duration, failureText, namesText, NODE_STYLE, oneLine } from './text';

/** More than these are always told together where there is nothing to watch. */
const FEW = 8;
const LEAST_WIDTH = 15;
const MOST_WIDTH = 24;

/** What needs a person comes first. */
const ORDER = Object.keys(NODE_STYLE) as readonly NodeStatusStage[];
const QUIET: readonly NodeStatusStage[] = ['ready', 'held', 'waiting'];

/** From the longest to the shortest way to tell it. */
export function nodeItems(nodes: readonly NodeStatus[], options: LineOptions): readonly (readonly PageItem[])[] {
  const sorted = [...nodes].sort((a, b) => ORDER.indexOf(a.stage) - ORDER.indexOf(b.stage));
  const labelWidth = Math.min(MOST_WIDTH, Math.max(LEAST_WIDTH, ...nodes.map(({ name }) => name.length)));
  const single = (node: NodeStatus): PageItem => nodeItem(node, { ...options, labelWidth });
  const together = (alike: readonly NodeStatus[]): PageItem => togetherItem(alike, { ...options, labelWidth });
  const told = (keyOf: (node: NodeStatus) => string): readonly PageItem[] =>
    grouped(sorted, keyOf).map(([first, ...rest]) => (rest.length === 0 ? single(first) : together([first, ...rest])));
  return [
    ...(nodes.length > FEW ? [] : [sorted.map(single)]),
    told((node) => (QUIET.includes(node.stage) ? `${node.stage} ${node.group}` : node.name)),
    told((node) => (node.stage === 'needs-attention' ? node.name : `${node.stage} ${node.group} ${currentStep(node)}`)),
    told((node) => `${node.stage} ${currentStep(node)} ${node.error?.code ?? ''}`),
    told((node) => node.stage),
  ];
}

/** `17/20 nodes`: those that are ready, and all. */
export function nodeCount(nodes: readonly Pick<NodeStatus, 'stage'>[]): string {
  return countText(nodes.filter(({ stage }) => stage === 'ready').length, nodes.length);
}

export function countText(ready: number, all: number): string {
  return `${ready}/${all} ${all === 1 ? 'node' : 'nodes'}`;
}

type Group = readonly [NodeStatus, ...NodeStatus[]];

function grouped(nodes: readonly NodeStatus[], keyOf: (node: NodeStatus) => string): readonly Group[] {
  const groups = new Map<string, [NodeStatus, ...NodeStatus[]]>();
  for (const node of nodes) {
    const group = groups.get(keyOf(node));
    if (group === undefined) groups.set(keyOf(node), [node]);
    else group.push(node);
  }
  return [...groups.values()];
}

type NodeLineOptions = LineOptions & { readonly labelWidth: number };

function nodeItem(node: NodeStatus, options: NodeLineOptions): PageItem {
  const { now, labelWidth } = options;
  const { mark, state, colour } = NODE_STYLE[node.stage];
  const cells = { mark, colour, label: node.name, labelWidth, state, time: timeOf(node, now), text: textOf(node, now) };
  return { fold: undefined, label: node.name, line: line(cells, options) };
}

/** Nodes in the same stage. */
function togetherItem(nodes: readonly NodeStatus[], options: NodeLineOptions): PageItem {
  const [first] = nodes;
  if (first === undefined) return { fold: undefined, label: '', line: '' };
  const { labelWidth } = options;
  const names = namesText(nodes.map(({ name }) => name));
  const fits = names.length <= labelWidth;
  const alike = (of: (node: NodeStatus) => string): string =>
    nodes.every((node) => of(node) === of(first)) ? of(first) : '';
  const text = [
    fits ? `${nodes.length} nodes` : names,
    alike(currentStep),
    alike(({ error }) => error?.code ?? ''),
    fits ? alike(({ roles }) => roles.join(', ')) : '',
  ];
  const { mark, state, colour } = NODE_STYLE[first.stage];
  const label = fits ? names : `${nodes.length} nodes`;
  const cells = {
    mark,
    colour,
    label,
    labelWidth,
    state,
    time: '',
    text: text.filter((part) => part !== '').join(' · '),
  };
  return { fold: undefined, label, line: line(cells, options) };
}

function timeOf({ stage, run }: NodeStatus, now: number): string {
  if (run === undefined || stage === 'waiting' || stage === 'held') return '';
  return duration((run.closedAt ?? now) - run.startedAt);
}

function textOf(node: NodeStatus, now: number): string {
  const { stage, roles, instance, error, undone } = node;
  const place = [instance?.privateIp, instance?.id].filter((each) => each !== undefined).join(' ');
  const parts: Readonly<Record<NodeStatusStage, readonly string[]>> = {
    'needs-attention': [error === undefined ? '' : `${error.step}: ${failureText({ ...error, notYet: false })}`, place],
    lost: ['its workflow was ended from outside', place],
    aborted: undone.every(({ ok }) => ok) ? ['taken back'] : ['not everything could be taken back', place],
    paused: [progressText(node), place],
    undoing: [undoText(node, now)],
    removing: [undoText(node, now), place],
    deploying: [atWork(node, now), place],
    ready: [place, roles.join(', ')],
    held: ['the first of its group did not become ready'],
    waiting: [node.wanted ? roles.join(', ') : 'to be removed', ...(node.wanted ? [] : [place])],
  };
  return parts[stage].filter((part) => part !== '').join(' · ');
}

function currentStep({ steps, undoing, error }: NodeStatus): string {
  return error?.step ?? undoing[0]?.step ?? steps.find(({ state }) => state === 'running')?.id ?? '';
}

/** How many of its steps are over. */
function progressText({ steps }: NodeStatus): string {
  const all = steps.filter(({ state }) => state !== 'not-needed');
  const over = all.filter(({ state }) => state === 'done' || state === 'unchanged' || state === 'skipped');
  return all.length === 0 ? '' : `${over.length}/${all.length}`;
}

function atWork(node: NodeStatus, now: number): string {
  const running = node.steps.find(({ state }) => state === 'running');
  if (running === undefined) return progressText(node);
  return `${progressText(node)} ${running.id}: ${newsOf(running, now)}`;
}

function undoText({ undoing: [undo] }: NodeStatus, now: number): string {
  if (undo === undefined) return '';
  const attempt = attemptText(undo.pending, now);
  return `undo ${undo.step}${attempt === '' ? '' : `: ${oneLine(attempt)}`}`;
}
