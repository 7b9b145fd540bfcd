/** The status of a deployment, read from Temporal alone, so it is right when no worker is running. */

import type { WorkflowExecutionDescription, WorkflowExecutionInfo } from '@temporalio/client';
import { hostOf } from '../deployment/cluster';
import { deploymentOf, WORKFLOW, workflowIdOf } from '../deployment/names';
import { stepById } from '../deployment/steps';
import type { DeploymentView, Stage, UndoNote } from '../deployment/messages';
import { CORE, knownOf } from '../deployment/facts';
import type { Known, NodeName } from '../deployment/facts';
import { deploymentViewIn } from '../temporal/memo';
import { pendingByLabel } from '../temporal/pending';
import { failsInCode, isOpen } from '../temporal/workflows';
import { ClientError } from './errors';
import { nodeOf, nodesOf } from './nodes';
import type { Nodes, NodeStatus } from './nodes';
import { webUrlOf } from './settings';
import { stepsOf, undoingOf } from './step-status';
import type { StepStatus, UndoStatus } from './step-status';
import type { Temporal } from './temporal';

/** `nodes`: without the core. */
export interface DeploymentStatus extends Nodes {
  readonly name: string;
  readonly workflowId: string;
  readonly runId: string;
  readonly action: 'deploy' | 'teardown';
  readonly open: boolean;
  readonly stage: Stage;
  readonly release: string;
  readonly cloud: string;
  readonly host: string;
  readonly consoleUrl: string;
  /** This run in Temporal's Web UI. */
  readonly workflowUrl: string;
  /** Epoch milliseconds. */
  readonly startedAt: number;
  readonly closedAt?: number;
  /** Empty while `down` takes things back. */
  readonly steps: readonly StepStatus[];
  /** Facts of the site and of the core. */
  readonly resources: Known;
  /** Those that were made for its machines, the nodes' too. `down` keeps them, unless told otherwise. */
  readonly volumes: readonly string[];
  readonly undone: readonly UndoNote[];
  /** What is being taken back now. */
  readonly undoing: readonly UndoStatus[];
  /** Ready, and every step found its effect already there. */
  readonly unchanged: boolean;
  /** It was ended from outside, before it came to an end of its own. */
  readonly cutShort?: true;
  /** What keeps an open one from making progress, other than a failed step. */
  readonly trouble?: Trouble;
}

export interface NodeDetails extends NodeStatus {
  readonly deployment: string;
  readonly release: string;
  readonly cloud: string;
  readonly host: string;
  readonly trouble?: Trouble;
}

export type Trouble = 'no-worker' | 'workflow-code' | 'temporal-silent';

const CLOSED_STAGES: readonly Stage[] = ['ready', 'aborted', 'removed', 'failed'];

/** The newest run of that name; undefined where Temporal knows none. */
export function describeDeployment(
  temporal: Temporal,
  name: string,
): Promise<WorkflowExecutionDescription | undefined> {
  return temporal.describe(workflowIdOf(name));
}

export async function statusOf(temporal: Temporal, name: string): Promise<DeploymentStatus> {
  const description = await describeDeployment(temporal, name);
  if (description === undefined) throw unknownDeployment(name);
  return statusIn(temporal, description);
}

export function unknownDeployment(name: string, remedy?: string): ClientError {
  return new ClientError(
    'NOT_FOUND',
    `Temporal knows no deployment ${name}. It never existed, or ended so long ago that Temporal has deleted it.`,
    remedy === undefined ? {} : { remedy },
  );
}

export async function statusIn(
  temporal: Temporal,
  description: WorkflowExecutionDescription,
): Promise<DeploymentStatus> {
  const { workflowId, runId, taskQueue } = description;
  const view = viewIn(description);
  const nodes = await nodesOf(temporal, description, view);
  const status = statusFrom(description, view, {
    ...nodes,
    workflowUrl: webUrlOf(temporal.settings, workflowId, runId),
  });
  if (!status.open || (await temporal.hasWorker(taskQueue))) return status;
  return { ...status, trouble: 'no-worker' };
}

/** One of its nodes but the core. */
export async function nodeStatusOf(temporal: Temporal, name: string, node: NodeName): Promise<NodeDetails> {
  const description = await describeDeployment(temporal, name);
  if (description === undefined) throw unknownDeployment(name);
  const view = viewIn(description);
  const { release, cloud } = view;
  const status = await nodeOf(temporal, description, view, node);
  const details = { ...status, deployment: name, release, cloud, host: hostOf({ dns: { name: view.host } }, node) };
  if (status.run?.failsInCode === true) return { ...details, trouble: 'workflow-code' };
  if (status.run?.open !== true || (await temporal.hasWorker(description.taskQueue))) return details;
  return { ...details, trouble: 'no-worker' };
}

export function viewIn({ workflowId, memo }: WorkflowExecutionDescription): DeploymentView {
  const view = deploymentViewIn(memo);
  if (view !== undefined) return view;
  throw new ClientError(
    'NOT_READABLE',
    `The workflow ${workflowId} is not a deployment of this tool. Its memo holds no deployment.`,
  );
}

function statusFrom(
  description: WorkflowExecutionDescription,
  view: DeploymentView,
  { nodes, removedNodes, workflowUrl }: Nodes & Pick<DeploymentStatus, 'workflowUrl'>,
): DeploymentStatus {
  const { raw, workflowId, runId, type, startTime, closeTime } = description;
  const pending = pendingByLabel(raw.pendingActivities);
  const told = stageOf(description, view);
  const steps = stepsOf(view, pending);
  const stage = withNodes(told, steps, nodes);
  return {
    name: deploymentOf(workflowId),
    workflowId,
    runId,
    action: type === WORKFLOW.teardown ? 'teardown' : 'deploy',
    open: isOpen(description),
    stage,
    release: view.release,
    cloud: view.cloud,
    host: view.host,
    consoleUrl: view.consoleUrl,
    workflowUrl,
    startedAt: startTime.getTime(),
    ...(closeTime === undefined ? {} : { closedAt: closeTime.getTime() }),
    steps,
    resources: knownOf(view.facts, CORE),
    volumes: Object.values(view.facts.nodes).flatMap(({ volume }) =>
      volume?.made === true && volume.unproved !== true ? [volume.id] : [],
    ),
    undone: view.undone,
    undoing: undoingOf(pending),
    nodes,
    removedNodes,
    unchanged:
      stage === 'ready' && removedNodes.length === 0 && [steps, ...nodes.map((node) => node.steps)].every(allThere),
    ...(told === view.stage ? {} : { cutShort: true }),
    ...(failsInCode(description) || nodes.some(({ run }) => run?.failsInCode === true)
      ? { trouble: 'workflow-code' }
      : {}),
  };
}

/** A node that needs attention, or no longer does, tells its deployment only then. */
function withNodes(told: Stage, steps: readonly StepStatus[], nodes: readonly NodeStatus[]): Stage {
  if (told !== 'deploying' && told !== 'needs-attention') return told;
  const parked =
    steps.some(({ state }) => state === 'attention') || nodes.some(({ stage }) => stage === 'needs-attention');
  return parked ? 'needs-attention' : 'deploying';
}

function allThere(steps: readonly StepStatus[]): boolean {
  return !steps.some(({ id, state }) => state === 'done' && stepById(id).looksOnly !== true);
}

/** A run that was terminated from outside had no chance to record its last stage. */
export function stageOf(info: Pick<WorkflowExecutionInfo, 'status'>, view: DeploymentView): Stage {
  return isOpen(info) || CLOSED_STAGES.includes(view.stage) ? view.stage : 'failed';
}
