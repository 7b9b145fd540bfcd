/** Instances with our owner mark. */

import { DeployError } from '../../deployment/errors';
import type { CloudInstance } from '../ports';
import type { Context } from '../step';

const GONE: ReadonlySet<string> = new Set(['shutting-down', 'terminated']);

/** All of them, including terminated ones. Throws INSTANCE_DUPLICATE if more than one is alive. */
export async function findOurs({
  cloud,
  mark,
  groupName,
  spec: { name },
}: Pick<Context, 'cloud' | 'mark' | 'groupName' | 'spec'>): Promise<readonly CloudInstance[]> {
  const all = await cloud.findInstances(mark, groupName);
  const alive = all.filter((each) => !isGone(each));
  if (alive.length > 1)
    throw new DeployError(
      'INSTANCE_DUPLICATE',
      `These instances all have the mark of ${name}: ${alive.map(({ id }) => id).join(', ')}.`,
    );
  return all;
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
