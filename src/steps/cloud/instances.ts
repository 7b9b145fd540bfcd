/** Instances that bear our marker. */

import { DeployError } from '../../deployment/errors';
import type { CloudInstance } from '../ports';
import type { Context } from '../step';

const GONE: ReadonlySet<string> = new Set(['shutting-down', 'terminated']);

/** All of them, gone ones included; more than one that is not gone is refused. */
export async function findOurs({
  cloud,
  owner,
  groupName,
  spec: { name },
}: Pick<Context, 'cloud' | 'owner' | 'groupName' | 'spec'>): Promise<readonly CloudInstance[]> {
  const all = await cloud.findInstances(owner, groupName);
  const alive = all.filter((each) => !isGone(each));
  if (alive.length > 1)
    throw new DeployError(
      'INSTANCE_DUPLICATE',
      `These instances all bear the marker of ${name}: ${alive.map(({ id }) => id).join(', ')}.`,
    );
  return all;
}

export function isGone({ state }: CloudInstance): boolean {
  return GONE.has(state);
}

/** Throws INSTANCE_STOPPED. Who stopped it may have a reason: it is neither started nor replaced. */
export function refuseStopped(instance: CloudInstance): void {
  if (instance.state === 'stopping' || instance.state === 'stopped')
    throw new DeployError('INSTANCE_STOPPED', `${stateText(instance)}. It is still ours.`);
}

export function stateText({ id, state, reason }: CloudInstance): string {
  return `The instance ${id} is ${state}${reason ? `: ${reason.replace(/\.$/, '')}` : ''}`;
}
