/** The answers of a person to an open deployment or its nodes, sent as Temporal updates (workflows/decisions.ts); a refusal comes with its reason. */

import {
  WorkflowNotFoundError,
  WorkflowUpdateFailedError,
  WorkflowUpdateRPCTimeoutOrCancelledError,
} from '@temporalio/client';
import { CORE } from '../deployment/facts';
import type { NodeName } from '../deployment/facts';
import { UPDATE } from '../deployment/messages';
import type { Decision, Stage } from '../deployment/messages';
import { ClientError, messageOf } from './errors';
import { unknownNode } from './nodes';
import type { NodeStatus } from './nodes';
import { statusOf } from './status';
import type { DeploymentStatus } from './status';
import type { Temporal } from './temporal';

export type UpdateName = (typeof UPDATE)[keyof typeof UPDATE];

export interface Answer extends Decision {
  /** One node; `core`: the deployment's own steps. Default: the deployment, and for `resume` and `pause` its nodes, too. */
  readonly node?: NodeName;
}

/** A worker that has just died counts as polling for a minute: without a limit the update would wait that long. */
const UPDATE_LIMIT = 15_000;

/** @returns the reply; of several, one on a line */
export async function sendUpdate(
  temporal: Temporal,
  name: string,
  update: UpdateName,
  { node, ...decision }: Answer = {},
): Promise<string> {
  const status = await statusOf(temporal, name);
  refuseUnlessAnswering(status, update);
  if (node === CORE && update === UPDATE.abort)
    throw new ClientError('REFUSED', `The core of ${name} cannot be aborted alone. The nodes need it.`, {
      remedy: `Abort all of it: \`stackato-deploy abort ${name}\`.`,
    });
  if (node !== undefined && node !== CORE) return send(temporal, nodeTarget(status, node, update), update, decision);
  const own: Target = { title: `The deployment ${name}`, workflowId: status.workflowId, name };
  const alone = node === CORE || isAboutSteps(decision) || status.nodes.length === 0;
  if (alone || (update !== UPDATE.resume && update !== UPDATE.pause)) return send(temporal, own, update, decision);
  const first = send(temporal, own, update, decision);
  await Promise.allSettled([first]);
  // Only now: until it was told to pause, it may have begun another node.
  const nodes = nodesToTell(await statusOf(temporal, name), update);
  const others = nodes.map((each) => send(temporal, targetOf(name, each), update, decision));
  return replyOf([first, ...others], [name, ...nodes.map((each) => each.name)]);
}

/** A workflow that takes updates. */
interface Target {
  readonly title: string;
  readonly workflowId: string;
  /** Of the deployment. */
  readonly name: string;
  /** Absent: it is the deployment. */
  readonly node?: NodeName;
}

function refuseUnlessAnswering({ name, open, action, stage, trouble }: DeploymentStatus, update: UpdateName): void {
  if (!open)
    throw new ClientError(
      'NOT_OPEN',
      `The deployment ${name} is not running. It is ${stage}.`,
      remedyOfClosed(name, update, stage),
    );
  if (action === 'teardown')
    throw new ClientError('BEING_REMOVED', `The deployment ${name} cannot be told to ${update}. It is being removed.`);
  if (trouble === 'no-worker')
    throw new ClientError(
      'NO_WORKER',
      `The deployment ${name} cannot be told to ${update}. No worker is running on its task queue.`,
    );
}

function isAboutSteps({ step, from }: Decision): boolean {
  return step !== undefined || from !== undefined;
}

/** Those that an answer to the deployment concerns, too. */
function nodesToTell({ nodes }: DeploymentStatus, update: UpdateName): readonly NodeStatus[] {
  const open = nodes.filter(({ run }) => run?.open === true);
  if (update === UPDATE.resume) return open.filter(({ stage }) => stage === 'needs-attention' || stage === 'paused');
  return open.filter(({ stage }) => stage === 'deploying' || stage === 'needs-attention');
}

function nodeTarget(status: DeploymentStatus, name: NodeName, update: UpdateName): Target {
  const { nodes } = status;
  const node = nodes.find((each) => each.name === name);
  if (node === undefined)
    throw unknownNode(
      status.name,
      name,
      nodes.map((each) => each.name),
    );
  if (node.run?.open === true) return targetOf(status.name, node);
  throw new ClientError(
    'NOT_OPEN',
    `The node ${name} of ${status.name} cannot be told to ${update}. Nothing is under way on it: it is ${node.stage}.`,
    { remedy: `See \`stackato-deploy status ${status.name}\` for what its nodes wait for.` },
  );
}

function targetOf(name: string, node: NodeStatus): Target {
  return { title: `The node ${node.name} of ${name}`, workflowId: node.workflowId, name, node: node.name };
}

/** @returns what those that agreed have said; rejects with the refusal of the first if none did */
async function replyOf(
  replies: readonly [Promise<string>, ...Promise<string>[]],
  names: readonly string[],
): Promise<string> {
  const ends = await Promise.allSettled(replies);
  // Somebody may have been faster, or there was nothing to say to one of them.
  const serious = ends.findIndex((end) => end.status === 'rejected' && !isRefusal(end.reason));
  const lines = ends.flatMap((end, i) => (end.status === 'fulfilled' ? [`${names[i] ?? ''}: ${end.value}`] : []));
  return replies[serious] ?? (lines.length === 0 ? replies[0] : lines.join('\n'));
}

function isRefusal(error: unknown): boolean {
  return error instanceof ClientError && (error.code === 'REFUSED' || error.code === 'NOT_OPEN');
}

function send(temporal: Temporal, target: Target, update: UpdateName, decision: Decision): Promise<string> {
  const handle = temporal.client.workflow.getHandle(target.workflowId);
  return temporal.call(async () => {
    try {
      return await handle.executeUpdate<string, [Decision]>(update, { args: [decision] });
    } catch (error) {
      throw refusalOf(error, target, update);
    }
  }, UPDATE_LIMIT);
}

/** `abort` means that what it made is to be taken back. */
function remedyOfClosed(name: string, update: UpdateName, stage: Stage): { readonly remedy?: string } {
  if (update !== UPDATE.abort) return {};
  if (stage === 'aborted' || stage === 'removed')
    return { remedy: 'There is nothing to abort: what it made has been taken back already.' };
  return { remedy: `Take back what it made with \`stackato-deploy down ${name}\`.` };
}

function refusalOf(error: unknown, { title, name, node }: Target, update: UpdateName): unknown {
  if (error instanceof WorkflowUpdateFailedError)
    return new ClientError('REFUSED', `${title} refuses to ${update}. ${messageOf(error.cause)}`, { cause: error });
  if (error instanceof WorkflowUpdateRPCTimeoutOrCancelledError) {
    const why = `No worker answered within ${UPDATE_LIMIT / 1000} s; one that starts soon may still do it.`;
    return new ClientError('NO_WORKER', `${title} has not answered to ${update}. ${why}`, { cause: error });
  }
  if (error instanceof WorkflowNotFoundError)
    return new ClientError('NOT_OPEN', `${title} is not running. It has just ended.`, {
      ...(node === undefined ? remedyOfClosed(name, update, 'ready') : {}),
      cause: error,
    });
  return error;
}
