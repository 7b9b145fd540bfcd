/** The instance: launched once, found again by its marker, given the address, terminated. */

import { createHash } from 'node:crypto';
import { DeployError } from '../spec/errors';
import { groupNameOf, ownerOf } from '../spec/names';
import type { Attempt } from './attempt';
import type { Dependencies } from './dependencies';
import type { Cloud, CloudAddress, CloudInstance, LaunchRequest } from './ports';
import type { StepInput, StepOutcome } from './types';

const GONE: ReadonlySet<string> = new Set(['shutting-down', 'terminated']);

export async function launchInstance(deps: Dependencies, input: StepInput, attempt: Attempt): Promise<StepOutcome> {
  const { spec } = input;
  const cloud = await deps.clouds.open(spec.cloud);
  const owner = ownerOf(deps.namespace, spec.name);
  const there = await findOurs(cloud, input, owner);
  if (there !== undefined) return outcome(there, input.known.instance?.id !== there.id);
  // A request whose answer was lost may not be listed at once: only what two looks, one poll apart, do not see is launched again.
  if (attempt.number > 1 && !(await stillAbsent(cloud, input, owner))) throw new DeployError('NOT_YET', 'The instance has just appeared.');
  const request = await launchRequest(deps, input, owner);
  attempt.assertTimely();
  return outcome(await cloud.launch(request), true);
}

export async function awaitRunning(deps: Dependencies, input: StepInput): Promise<StepOutcome> {
  const cloud = await deps.clouds.open(input.spec.cloud);
  const id = input.known.instance?.id;
  const all = await cloud.findInstances(ownerOf(deps.namespace, input.spec.name), groupNameOf(input.spec.name));
  const instance = all.find((each) => each.id === id);
  if (instance === undefined) throw new DeployError('NOT_YET', `The cloud does not list the instance ${id ?? ''} yet.`);
  if (GONE.has(instance.state) || instance.state === 'stopping' || instance.state === 'stopped') {
    throw new DeployError('INSTANCE_FAILED', `The instance ${instance.id} is ${instance.state}${instance.reason ? `: ${instance.reason}` : ''}.`);
  }
  if (instance.state !== 'running') throw new DeployError('NOT_YET', `The instance ${instance.id} is ${instance.state}.`);
  return outcome(instance, false);
}

export async function associateAddress(deps: Dependencies, { spec, known }: StepInput): Promise<StepOutcome> {
  const cloud = await deps.clouds.open(spec.cloud);
  const instanceId = required(known.instance?.id, 'instance');
  const address = await listed(cloud, required(known.address?.publicIp, 'address'));
  if (address.instanceId === instanceId) return { changed: false, note: `${address.publicIp} → ${instanceId}`, known: {} };
  if (address.instanceId !== undefined) {
    throw new DeployError('ADDRESS_IN_USE', `The address ${address.publicIp} is associated with the instance ${address.instanceId}.`);
  }
  await cloud.associateAddress(address, instanceId);
  const after = await listed(cloud, address.publicIp);
  if (after.instanceId !== instanceId) throw new DeployError('NOT_YET', `The address ${address.publicIp} is not associated yet.`);
  return { changed: true, note: `${address.publicIp} → ${instanceId}`, known: {} };
}

export async function disassociateAddress(deps: Dependencies, { spec, known }: StepInput): Promise<StepOutcome> {
  const nothing = { changed: false, note: '', known: {} };
  if (known.address === undefined) return nothing;
  const { publicIp } = known.address;
  const cloud = await deps.clouds.open(spec.cloud);
  const address = (await cloud.listAddresses()).find((each) => each.publicIp === publicIp);
  const ours = await cloud.findInstances(ownerOf(deps.namespace, spec.name), groupNameOf(spec.name));
  // Somebody may have given it to another machine since: that one keeps it.
  if (address?.instanceId === undefined || !ours.some(({ id }) => id === address.instanceId)) return nothing;
  await cloud.disassociateAddress(address);
  return { changed: true, note: `association of ${publicIp}`, known: {} };
}

export async function terminateInstance(deps: Dependencies, { spec, known }: StepInput, attempt: Attempt): Promise<StepOutcome> {
  const cloud = await deps.clouds.open(spec.cloud);
  const ours = await cloud.findInstances(ownerOf(deps.namespace, spec.name), groupNameOf(spec.name));
  const alive = ours.filter(({ state }) => state !== 'terminated');
  for (const { id, state } of alive) {
    if (state !== 'shutting-down') await cloud.terminate(id);
  }
  if (alive.length > 0) throw new DeployError('NOT_YET', `Terminating ${alive.map(({ id }) => id).join(', ')}.`);
  // A cloud lists terminated instances for a while: one of an earlier `down` is no news.
  const news = known.instance !== undefined || attempt.number > 1;
  const named = ours.filter(({ id }) => known.instance === undefined || id === known.instance.id);
  return { changed: news && ours.length > 0, note: `instance ${named.map(({ id }) => id).join(', ')}`, known: {} };
}

async function findOurs(cloud: Cloud, { spec }: StepInput, owner: string): Promise<CloudInstance | undefined> {
  const alive = (await cloud.findInstances(owner, groupNameOf(spec.name))).filter(({ state }) => !GONE.has(state));
  if (alive.length > 1) {
    throw new DeployError('INSTANCE_DUPLICATE', `These instances all bear the marker of ${spec.name}: ${alive.map(({ id }) => id).join(', ')}.`);
  }
  return alive[0];
}

async function stillAbsent(cloud: Cloud, input: StepInput, owner: string): Promise<boolean> {
  await new Promise((resolve) => setTimeout(resolve, input.spec.timing.poll));
  return (await findOurs(cloud, input, owner)) === undefined;
}

async function launchRequest(deps: Dependencies, { spec, known, need }: StepInput, owner: string): Promise<LaunchRequest> {
  const { type, zone, keyName, userData } = spec.instance;
  return {
    imageId: 'id' in spec.image ? spec.image.id : required(known.image?.id, 'image'),
    type,
    ...(zone === undefined ? {} : { zone }),
    ...(keyName === undefined ? {} : { keyName }),
    ...(userData === undefined ? {} : { userData: await deps.secrets.resolve(userData) }),
    group: required(known.group, 'security group'),
    // Of the need, not of the deployment: after a machine that died, the same token would give the dead one back.
    clientToken: createHash('sha256').update(`${owner}/${need}`).digest('hex').slice(0, 40),
    owner,
  };
}

function outcome({ id, privateIp }: CloudInstance, changed: boolean): StepOutcome {
  return { changed, note: id, known: { instance: { id, ...(privateIp === undefined ? {} : { privateIp }) } } };
}

async function listed(cloud: Cloud, publicIp: string): Promise<CloudAddress> {
  const address = (await cloud.listAddresses()).find((each) => each.publicIp === publicIp);
  if (address === undefined) throw new DeployError('ADDRESS_NOT_OURS', `The account has no address ${publicIp} any more.`);
  return address;
}

/** What an earlier step learnt. Its absence is a bug of the workflow. */
export function required<T>(fact: T | undefined, what: string): T {
  if (fact === undefined) throw new DeployError('INTERNAL', `The ${what} is not known at this step.`);
  return fact;
}
