/** Instances with our owner mark. */

import { createHash } from 'node:crypto';
import type { StepInput } from '../../deployment/activities';
import { DeployError } from '../../deployment/errors';
import { CORE } from '../../deployment/facts';
import type { InstanceSpec } from '../../deployment/spec';
import type { Cloud, CloudInstance } from '../ports';
import type { Context } from '../step';

export type Seeker = Pick<Context, 'cloud' | 'spec' | 'node' | 'mark' | 'groupName' | 'nodesGroupName' | 'known'>;

const GONE: ReadonlySet<string> = new Set(['shutting-down', 'terminated']);

/** All of them, including terminated ones. Throws INSTANCE_DUPLICATE if more than one is alive. */
export async function findOurs(seeker: Seeker): Promise<readonly CloudInstance[]> {
  const all = await allOurs(seeker);
  const alive = all.filter((each) => !isGone(each));
  const { spec, node } = seeker;
  if (alive.length > 1)
    throw new DeployError(
      'INSTANCE_DUPLICATE',
      `These instances all have the mark of ${node === CORE ? spec.name : `${node} of ${spec.name}`}: ${alive.map(({ id }) => id).join(', ')}.`,
    );
  return all;
}

/** Like `findOurs`, however many there are. */
export async function allOurs(seeker: Seeker): Promise<readonly CloudInstance[]> {
  const { cloud, node, mark, groupName, nodesGroupName } = seeker;
  if (node === CORE) return cloud.findInstances(mark, groupName);
  return (await cloud.instancesIn(nodesGroupName, mark)).filter((instance) => isOfNode(instance, seeker));
}

/**
 * All nodes but the core share a group, so only the instance itself tells which node it is: by its tag; where the tag never came, by the
 * token of its launch; and where there are neither, by its id, once that is known.
 */
function isOfNode({ id, owner, clientToken }: CloudInstance, { mark, known }: Seeker): boolean {
  if (owner !== undefined) return owner === mark;
  return id === known.instance?.id || clientToken?.startsWith(tokenHead(mark)) === true;
}

/** On clouds where nothing tells nodes apart before their ids are known: an instance that was launched for a node and belongs to none. */
export async function findUnassigned(
  { cloud, spec, nodesGroupName, mark }: Seeker,
  assigned: readonly string[],
): Promise<CloudInstance | undefined> {
  return (await cloud.instancesIn(nodesGroupName, mark)).find(
    (instance) =>
      (instance.state === 'running' || instance.state === 'pending') &&
      !assigned.includes(instance.id) &&
      fits(instance, spec.instance),
  );
}

/** Whether it has the wanted type, and is in the wanted zone, if one is wanted. */
export function fits(instance: CloudInstance, { type, zone }: Pick<InstanceSpec, 'type' | 'zone'>): boolean {
  return instance.type === type && (zone === undefined || instance.zone === zone);
}

/** Throws NOT_YET until nothing of them is left. */
export async function terminateAll(
  cloud: Pick<Cloud, 'terminate'>,
  instances: readonly CloudInstance[],
): Promise<void> {
  const alive = instances.filter(({ state }) => state !== 'terminated');
  for (const { id, state } of alive) {
    if (state !== 'shutting-down') await cloud.terminate(id);
  }
  if (alive.length > 0) throw new DeployError('NOT_YET', `Terminating ${alive.map(({ id }) => id).join(', ')}.`);
}

/**
 * From the need, not from the deployment: after an instance died, the same token would return the dead one. That of a node also tells
 * whose it is, until the instance has its tag.
 */
export function clientTokenOf(mark: string, { node, need }: Pick<StepInput, 'node' | 'need'>): string {
  const ofNeed = digest(`${mark}/${need}`);
  return node === CORE ? ofNeed.slice(0, 40) : `${tokenHead(mark)}${ofNeed.slice(0, 24)}`;
}

function tokenHead(mark: string): string {
  return `${digest(mark).slice(0, 24)}-`;
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

export function isGone({ state }: CloudInstance): boolean {
  return GONE.has(state);
}

/** Throws INSTANCE_STOPPED: whoever stopped it may have had a reason, so it is neither started nor replaced. */
export function refuseStopped(instance: CloudInstance): void {
  if (instance.state === 'stopping' || instance.state === 'stopped')
    throw new DeployError('INSTANCE_STOPPED', `${stateText(instance)}. It still belongs to this deployment.`);
}

export function stateText({ id, state, reason }: CloudInstance): string {
  return `The instance ${id} is ${state}${reason ? `: ${reason.replace(/\.$/, '')}` : ''}`;
}
