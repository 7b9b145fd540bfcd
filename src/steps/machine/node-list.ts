/** The core's list of its nodes: whether one is in it, and how its entry is removed. */

import type { StepInput, StepOutcome } from '../../deployment/activities';
import { DeployError } from '../../deployment/errors';
import { katoOf } from '../../machine/kato';
import { nodeEntry } from '../../machine/kato-output';
import { reachOf, tryPorts } from '../../machine/reach';
import { withPath } from '../../machine/shell';
import type { Attempt } from '../attempt';
import { isGone } from '../cloud/instances';
import type { Dependencies } from '../dependencies';
import { required } from '../known';
import type { RemoteSession } from '../ports';
import { contextOf, NOTHING } from '../step';
import { ensureByCommand } from './command';
import { readSections, saidBy, withCoreSession } from './session';

/** The core's private address: all that nodes ask of it goes there. */
export function coreIpOf({ core }: Pick<StepInput, 'core'>): string {
  return required(required(core, 'core').instance?.privateIp, 'private address of the core');
}

interface Listed {
  /** What the list says of the node. */
  readonly entry?: string;
  /** Whether it is the whole list: of some releases, it hangs or crashes while a node is down (bugs 102226, 103788). */
  readonly whole: boolean;
  readonly said: string;
}

export async function findInList(session: RemoteSession, input: StepInput, ip: string): Promise<Listed> {
  const result = await session.exec(withPath(katoOf(input.spec.release).nodeList));
  const entry = nodeEntry(result.stdout, ip);
  // The core itself is in every list, and `timeout` ends with 124 or 137.
  const ended = result.code !== 124 && result.code !== 137;
  const whole = ended && nodeEntry(result.stdout, coreIpOf(input)) !== undefined;
  return { ...(entry === undefined ? {} : { entry }), whole, said: saidBy(result) };
}

/**
 * Removes the entry of that address from the core's list, if there is one.
 * @param dead its machine is gone. Then another one may have got its address: if something answers there, the entry is left alone
 */
export async function removeEntry(
  deps: Dependencies,
  input: StepInput,
  attempt: Attempt,
  { ip, dead }: { readonly ip: string; readonly dead: boolean },
): Promise<StepOutcome> {
  const taken =
    dead &&
    ((await isOfOtherNode(deps, input, attempt, ip)) ||
      (await withCoreSession(deps, input, (session) => answers(session, input, ip))));
  if (taken) return { ...NOTHING, note: `${ip} is another machine now` };
  return ensureByCommand<Listed>(deps, input, attempt, {
    // Nodes may be removed side by side, even for the same need; an address may come back as another node's.
    step: `attach-remove-${input.node}-${ip}`,
    on: 'core',
    observe: (session) => findInList(session, input, ip),
    done: ({ entry, whole }) => (whole && entry === undefined ? { note: ip, known: {} } : undefined),
    command: ({ spec }) => katoOf(spec.release)[dead ? 'removeDeadNode' : 'removeNode'](ip),
  });
}

/** The cloud knows it even while that node reboots. */
async function isOfOtherNode(deps: Dependencies, input: StepInput, attempt: Attempt, ip: string): Promise<boolean> {
  const { cloud, owner, nodesGroupName } = await contextOf(deps, input, attempt);
  const nodes = await cloud.instancesIn(nodesGroupName, `${owner}/`);
  return nodes.some((instance) => instance.privateIp === ip && !isGone(instance));
}

async function answers(session: RemoteSession, { spec }: StepInput, ip: string): Promise<boolean> {
  return reachOf(await readSections(session, tryPorts(ip, { ssh: spec.ssh.port })), 'ssh') === 'open';
}

/** Throws NODE_NOT_LISTED. */
export function notListed(message: string, { said }: Listed): DeployError {
  return new DeployError('NODE_NOT_LISTED', `${message}: ${said}.`);
}
