/** The instance: launched once, found again by its marker, given the address, terminated. */

import { createHash } from 'node:crypto';
import { DeployError } from '../deployment/errors';
import { groupNameOf, ownerOf } from '../deployment/names';
import { waitOut } from './attempt';
import type { Attempt } from './attempt';
import type { Dependencies } from './dependencies';
import type { Cloud, CloudAddress, CloudInstance, LaunchRequest } from './ports';
import type { StepInput, StepOutcome } from '../deployment/activities';

const GONE: ReadonlySet<string> = new Set(['shutting-down', 'terminated']);

export async function launchInstance(deps: Dependencies, input: StepInput, attempt: Attempt): Promise<StepOutcome> {
  const { spec } = input;
  const cloud = await deps.clouds.open(spec.cloud);
  const owner = ownerOf(deps.namespace, spec.name);
  const there = await findOne(cloud, input.spec, owner);
  if (there !== undefined) {
    insistOnGoing(there);
    return outcome(there, input.known.instance?.id !== there.id);
  }
  // Another need has another token, and some clouds know none.
  if (!cloud.launchesOnce || attempt.unsettled?.earlier === true) waitOut(attempt, cloud);
  const request = await launchRequest(deps, input, owner);
  return outcome(await attempt.request('RunInstances', () => cloud.launch(request)), true);
}

export async function awaitRunning(deps: Dependencies, input: StepInput): Promise<StepOutcome> {
  const cloud = await deps.clouds.open(input.spec.cloud);
  const id = input.known.instance?.id;
  const all = await findOurs(cloud, input.spec, ownerOf(deps.namespace, input.spec.name));
  const instance = all.find((each) => each.id === id);
  if (instance === undefined) throw new DeployError('NOT_YET', `The cloud does not list the instance ${id ?? ''} yet.`);
  if (GONE.has(instance.state)) throw new DeployError('INSTANCE_FAILED', `${inWords(instance)}.`);
  insistOnGoing(instance);
  if (instance.state !== 'running')
    throw new DeployError('NOT_YET', `The instance ${instance.id} is ${instance.state}.`);
  return outcome(instance, false);
}

/** At the end of a deployment: a launch without an answer may have made another one late. */
export async function insistOnOneInstance(deps: Dependencies, { spec }: StepInput): Promise<void> {
  await findOurs(await deps.clouds.open(spec.cloud), spec, ownerOf(deps.namespace, spec.name));
}

export async function associateAddress(deps: Dependencies, { spec, known }: StepInput): Promise<StepOutcome> {
  const cloud = await deps.clouds.open(spec.cloud);
  const instanceId = required(known.instance?.id, 'instance');
  const address = await listed(cloud, required(known.address?.publicIp, 'address'));
  if (address.instanceId === instanceId)
    return { changed: false, note: `${address.publicIp} → ${instanceId}`, known: {} };
  if (address.instanceId !== undefined) {
    throw new DeployError(
      'ADDRESS_IN_USE',
      `The address ${address.publicIp} is associated with the instance ${address.instanceId}.`,
    );
  }
  await cloud.associateAddress(address, instanceId);
  const after = await listed(cloud, address.publicIp);
  if (after.instanceId !== instanceId)
    throw new DeployError('NOT_YET', `The address ${address.publicIp} is not associated yet.`);
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

export async function terminateInstance(
  deps: Dependencies,
  { spec, known }: StepInput,
  attempt: Attempt,
): Promise<StepOutcome> {
  const cloud = await deps.clouds.open(spec.cloud);
  const ours = await cloud.findInstances(ownerOf(deps.namespace, spec.name), groupNameOf(spec.name));
  const alive = ours.filter(({ state }) => state !== 'terminated');
  for (const { id, state } of alive) {
    if (state !== 'shutting-down') await cloud.terminate(id);
  }
  if (alive.length > 0) throw new DeployError('NOT_YET', `Terminating ${alive.map(({ id }) => id).join(', ')}.`);
  waitOut(attempt, cloud);
  // A cloud lists terminated instances for a while: one of an earlier `down` is no news.
  const news = known.instance !== undefined || attempt.number > 1;
  const named = ours.filter(({ id }) => known.instance === undefined || id === known.instance.id);
  return { changed: news && ours.length > 0, note: `instance ${named.map(({ id }) => id).join(', ')}`, known: {} };
}

/** All that bear our marker, gone ones included; more than one that is not gone is refused. */
async function findOurs(cloud: Cloud, { name }: StepInput['spec'], owner: string): Promise<readonly CloudInstance[]> {
  const all = await cloud.findInstances(owner, groupNameOf(name));
  const alive = all.filter(({ state }) => !GONE.has(state));
  if (alive.length > 1)
    throw new DeployError(
      'INSTANCE_DUPLICATE',
      `These instances all bear the marker of ${name}: ${alive.map(({ id }) => id).join(', ')}.`,
    );
  return all;
}

async function findOne(cloud: Cloud, spec: StepInput['spec'], owner: string): Promise<CloudInstance | undefined> {
  return (await findOurs(cloud, spec, owner)).find(({ state }) => !GONE.has(state));
}

/** Who stopped it may have a reason: it is neither started nor replaced. */
function insistOnGoing(instance: CloudInstance): void {
  if (instance.state === 'stopping' || instance.state === 'stopped')
    throw new DeployError('INSTANCE_STOPPED', `${inWords(instance)}. It is still ours.`);
}

function inWords({ id, state, reason }: CloudInstance): string {
  return `The instance ${id} is ${state}${reason ? `: ${reason.replace(/\.$/, '')}` : ''}`;
}

async function launchRequest(
  deps: Dependencies,
  { spec, known, need }: StepInput,
  owner: string,
): Promise<LaunchRequest> {
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
  if (address === undefined)
    throw new DeployError('ADDRESS_NOT_OURS', `The account has no address ${publicIp} any more.`);
  return address;
}

/** What an earlier step learnt. Its absence is a bug of the workflow. */
export function required<T>(fact: T | undefined, what: string): T {
  if (fact === undefined) throw new DeployError('INTERNAL', `The ${what} is not known at this step.`);
  return fact;
}
