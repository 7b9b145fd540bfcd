/** The nodes of a deployment: what it says of them, and what their own workflows say, which is newer. Right when no worker is running. */

import type { WorkflowExecutionDescription, WorkflowExecutionInfo } from '@temporalio/client';
import { groupNameIn, groupOf, wantedNodes } from '../deployment/cluster';
import { CORE } from '../deployment/facts';
import type { NodeFacts, NodeName } from '../deployment/facts';
import type { DeploymentView, NodeRow, NodeStage, Stage, UndoNote } from '../deployment/messages';
import { nodeWorkflowIdOf, WORKFLOW } from '../deployment/names';
import type { DeploymentSpec } from '../deployment/spec';
import { deploymentViewIn, specMemoIn } from '../temporal/memo';
import { pendingByLabel } from '../temporal/pending';
import { failsInCode, isOpen } from '../temporal/workflows';
import { nearest } from '../specfile/nearest';
import { ClientError } from './errors';
import { webUrlOf } from './settings';
import { stepsOf, undoingOf } from './step-status';
import type { PendingByLabel, StepStatus, UndoStatus } from './step-status';
import type { Temporal } from './temporal';

export interface NodeStatus {
  readonly name: NodeName;
  readonly group: string;
  /** Empty for a node of a group that the spec no longer has. */
  readonly roles: readonly string[];
  /** Whether the spec has it; otherwise it is to be removed. */
  readonly wanted: boolean;
  readonly stage: NodeStatusStage;
  readonly instance?: NodeFacts['instance'];
  /** The step that needs attention, and why. */
  readonly error?: NodeRow['error'];
  readonly workflowId: string;
  /** Absent, like what follows, before its workflow has begun. */
  readonly run?: NodeRun;
  /** Empty before it has begun. */
  readonly steps: readonly StepStatus[];
  readonly undone: readonly UndoNote[];
  readonly undoing: readonly UndoStatus[];
}

/** `undoing`: aborted, and being taken back. */
export type NodeStatusStage = NodeStage | 'paused' | 'undoing';

/** The newest run of a node's workflow that its deployment has started. */
export interface NodeRun {
  readonly runId: string;
  readonly action: 'deploy' | 'remove';
  readonly open: boolean;
  /** In Temporal's Web UI. */
  readonly workflowUrl: string;
  /** Epoch milliseconds. */
  readonly startedAt: number;
  readonly closedAt?: number;
  /** The worker fails in the workflow code. */
  readonly failsInCode?: true;
}

/** Attempts under way are not in a list, but in descriptions, which are asked for one by one. */
const MOST_DESCRIBED = 20;
/** A memo has some 10 KiB, and an answer of Temporal at most 4 MiB. */
const PAGE_SIZE = 100;

interface Run {
  readonly info: Omit<WorkflowExecutionInfo, 'raw'>;
  readonly pending: PendingByLabel;
  readonly inCode: boolean;
}

export interface Nodes {
  /** In the order of the spec; then those that it no longer has. */
  readonly nodes: readonly NodeStatus[];
  /** Those that this run of the deployment has removed. */
  readonly removedNodes: readonly NodeName[];
}

export async function nodesOf(
  temporal: Temporal,
  deployment: WorkflowExecutionDescription,
  view: DeploymentView,
): Promise<Nodes> {
  const spec = specMemoIn(deployment.memo)?.spec;
  const names = nodeNames(spec, view);
  const never = spec?.cluster === undefined && view.facts.site.nodesGroup === undefined;
  if (names.length === 0 && never) return { nodes: [], removedNodes: [] };
  const runs = await listRuns(temporal, deployment);
  const open = names.filter((name) => isOpenRun(runs.get(name))).slice(0, MOST_DESCRIBED);
  const described = await Promise.all(
    open.map(async (name) => [name, await describeRun(temporal, deployment, view.name, name)] as const),
  );
  for (const [name, run] of described) if (run !== undefined) runs.set(name, run);
  return {
    nodes: names.map((name) => nodeStatus(temporal, { deployment, view, spec, name, run: runs.get(name) })),
    removedNodes: [...runs.keys()].filter((name) => !names.includes(name)).sort(),
  };
}

export async function nodeOf(
  temporal: Temporal,
  deployment: WorkflowExecutionDescription,
  view: DeploymentView,
  name: NodeName,
): Promise<NodeStatus> {
  const spec = specMemoIn(deployment.memo)?.spec;
  const names = nodeNames(spec, view);
  if (!names.includes(name)) throw unknownNode(view.name, name, names);
  const run = await describeRun(temporal, deployment, view.name, name);
  return nodeStatus(temporal, { deployment, view, spec, name, run });
}

/**
 * With the facts that a run left. A deployment hears what a node has made when that needs attention or has ended. If the deployment was
 * ended from outside before that, the node's own workflow knows more.
 */
export async function viewLeft(
  temporal: Temporal,
  deployment: WorkflowExecutionDescription,
  view: DeploymentView,
): Promise<DeploymentView> {
  const rows = await Promise.all(
    Object.entries(view.nodes).map(async ([name, row]) => {
      const run = await describeEnded(temporal, deployment, view.name, name);
      const facts = deploymentViewIn(run?.info.memo)?.facts.nodes[name] ?? row.facts;
      return [name, { ...row, facts }] as const;
    }),
  );
  const nodes = Object.fromEntries(rows);
  const facts = Object.fromEntries(rows.map(([name, row]) => [name, row.facts]));
  return { ...view, facts: { ...view.facts, nodes: { ...view.facts.nodes, ...facts } }, nodes };
}

export function unknownNode(deployment: string, node: NodeName, known: readonly NodeName[]): ClientError {
  const meant = nearest(node, known);
  return new ClientError('NOT_FOUND', `The deployment ${deployment} has no node ${node}.`, {
    remedy:
      known.length === 0
        ? 'It has no nodes but its core: leave out --node.'
        : `${meant === undefined ? '' : `Did you mean ${meant}? `}Its nodes are ${[CORE, ...known].join(', ')}.`,
  });
}

export function nodeNames(
  spec: DeploymentSpec | undefined,
  { nodes }: Pick<DeploymentView, 'nodes'>,
): readonly NodeName[] {
  const known = Object.keys(nodes);
  const wanted = spec === undefined ? [] : wantedNodes(spec);
  return [...wanted.filter((name) => known.includes(name)), ...known.filter((name) => !wanted.includes(name)).sort()];
}

async function listRuns(
  temporal: Temporal,
  { workflowId, startTime }: WorkflowExecutionDescription,
): Promise<Map<NodeName, Run>> {
  const query =
    `WorkflowType IN ('${WORKFLOW.node}', '${WORKFLOW.removeNode}') AND WorkflowId STARTS_WITH '${workflowId}/' ` +
    `AND StartTime >= '${startTime.toISOString()}'`;
  const newest = new Map<NodeName, Run>();
  await temporal.call(async () => {
    for await (const info of temporal.client.workflow.list({ query, pageSize: PAGE_SIZE })) {
      const name = info.workflowId.slice(workflowId.length + 1);
      const other = newest.get(name)?.info;
      if (other === undefined || other.startTime < info.startTime)
        newest.set(name, { info, pending: new Map(), inCode: false });
    }
  });
  return newest;
}

/** @returns undefined if that run of the deployment has not begun it */
async function describeRun(
  temporal: Temporal,
  deployment: WorkflowExecutionDescription,
  deploymentName: string,
  node: NodeName,
): Promise<Run | undefined> {
  const info = await temporal.describe(nodeWorkflowIdOf(deploymentName, node));
  if (info === undefined || info.startTime < deployment.startTime) return undefined;
  return { info, pending: pendingByLabel(info.raw.pendingActivities), inCode: failsInCode(info) };
}

/** When a deployment is ended from outside, Temporal ends its nodes a moment later: until then one may still begin a launch. */
async function describeEnded(
  temporal: Temporal,
  deployment: WorkflowExecutionDescription,
  deploymentName: string,
  node: NodeName,
): Promise<Run | undefined> {
  for (let looks = 1; ; looks++) {
    const run = await describeRun(temporal, deployment, deploymentName, node);
    if (isOpen(deployment) || !isOpenRun(run) || looks === MOST_LOOKS) return run;
    await new Promise((resolve) => setTimeout(resolve, BETWEEN_LOOKS));
  }
}

const MOST_LOOKS = 40;
const BETWEEN_LOOKS = 250;

interface NodeSources {
  readonly deployment: WorkflowExecutionDescription;
  readonly view: DeploymentView;
  readonly spec: DeploymentSpec | undefined;
  readonly name: NodeName;
  readonly run: Run | undefined;
}

function nodeStatus(temporal: Temporal, { deployment, view, spec, name, run }: NodeSources): NodeStatus {
  const row = view.nodes[name];
  const own = deploymentViewIn(run?.info.memo);
  const steps = run === undefined || own === undefined ? [] : stepsOf(own, run.pending);
  const stage = stageOfNode(row?.stage ?? 'waiting', isOpen(deployment), run, own);
  const instance = own?.facts.nodes[name]?.instance ?? row?.facts.instance;
  const error = stage === 'needs-attention' ? (errorIn(steps) ?? row?.error) : undefined;
  return {
    name,
    group: row?.group ?? groupNameIn(name),
    roles: spec === undefined ? [] : (groupOf(spec, name)?.roles ?? []),
    wanted: spec !== undefined && wantedNodes(spec).includes(name),
    stage,
    ...(instance === undefined ? {} : { instance }),
    ...(error === undefined ? {} : { error }),
    workflowId: nodeWorkflowIdOf(view.name, name),
    ...(run === undefined ? {} : { run: nodeRun(temporal, run) }),
    steps,
    undone: own?.undone ?? [],
    undoing: run === undefined ? [] : undoingOf(run.pending),
  };
}

function nodeRun({ settings }: Temporal, { info, inCode }: Run): NodeRun {
  const { workflowId, runId, type, startTime, closeTime } = info;
  return {
    runId,
    action: type === WORKFLOW.removeNode ? 'remove' : 'deploy',
    open: isOpen(info),
    workflowUrl: webUrlOf(settings, workflowId, runId),
    startedAt: startTime.getTime(),
    ...(closeTime === undefined ? {} : { closedAt: closeTime.getTime() }),
    ...(inCode ? { failsInCode: true } : {}),
  };
}

function isOpenRun(run: Run | undefined): boolean {
  return run !== undefined && isOpen(run.info);
}

/** @param told what the deployment says */
function stageOfNode(
  told: NodeStage,
  deploymentIsOpen: boolean,
  run: Run | undefined,
  own: DeploymentView | undefined,
): NodeStatusStage {
  if (run !== undefined && own !== undefined && isOpen(run.info)) return openStage(run.info.type, own.stage);
  if (own?.stage === 'ready' || own?.stage === 'aborted') return own.stage;
  // Nobody was left to say how it ended.
  const unfinished = told === 'deploying' || told === 'needs-attention' || told === 'removing';
  return unfinished && !deploymentIsOpen ? 'lost' : told;
}

function openStage(type: string, stage: Stage): NodeStatusStage {
  if (stage === 'needs-attention' || stage === 'paused') return stage;
  if (type === WORKFLOW.removeNode) return 'removing';
  return stage === 'undoing' ? 'undoing' : 'deploying';
}

function errorIn(steps: readonly StepStatus[]): NodeStatus['error'] {
  const parked = steps.find(({ state }) => state === 'attention');
  return parked?.error === undefined ? undefined : { ...parked.error, step: parked.id };
}
