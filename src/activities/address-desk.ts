/**
 * The activities of the address desk (workflows/address-desk.ts). Most releases of Eucalyptus have no tags for addresses. There, the only
 * trace of an allocation whose answer was lost is a new address, and that proves something only while nobody else allocates. The desk
 * serializes the allocations of its own deployments. Desks of other Temporal namespaces are kept out by a security group, because group
 * names are the only unique names of an account.
 */

import { DeployError } from '../deployment/errors';
import { ADDRESSES_GROUP } from '../deployment/names';
import type { Released } from '../deployment/messages';
import type { AddressFact } from '../deployment/facts';
import { waitOut } from '../steps/attempt';
import type { Attempt } from '../steps/attempt';
import type { Dependencies } from '../steps/dependencies';
import type { Cloud, CloudAddress } from '../steps/ports';
import type {
  AllocationInput,
  DeskInput,
  ListedAddress,
  ReleaseInput,
  Reservation,
  ReservationInput,
} from '../deployment/activities';

/** After this time, ms, a new address may be anybody's. */
const STALE = 15 * 60_000;

export async function listAddresses(
  { clouds }: Dependencies,
  { cloud, owner }: DeskInput,
): Promise<readonly ListedAddress[]> {
  return listed(await clouds.open(cloud), owner);
}

export async function reserveAddresses(
  { clouds }: Dependencies,
  input: ReservationInput,
  attempt: Attempt,
): Promise<Reservation> {
  const cloud = await clouds.open(input.cloud);
  const reserved = cloud.addressTags !== 'at once';
  if (reserved) await keepOthersOut(cloud, input, attempt);
  return { listed: await listed(cloud, input.owner), reserved };
}

export async function letGoAddresses(
  { clouds }: Dependencies,
  { cloud: spec, desk }: ReservationInput,
  attempt: Attempt,
): Promise<void> {
  const cloud = await clouds.open(spec);
  const group = await cloud.findGroup(ADDRESSES_GROUP);
  const creating = attempt.unsettled?.earlier === true;
  if (group === undefined || !isHeldBy(group.description, desk)) return creating ? waitOut(attempt, cloud) : undefined;
  // A second deletion could hit the group of the next desk.
  if (creating) attempt.settle();
  else waitOut(attempt, cloud);
  await attempt.request('DeleteSecurityGroup', () => cloud.deleteGroup(group));
}

export async function allocateAddress(
  { clouds }: Dependencies,
  input: AllocationInput,
  attempt: Attempt,
): Promise<AddressFact> {
  const cloud = await clouds.open(input.cloud);
  const there = await resultOfEarlier(cloud, input, attempt);
  return factOf(there ?? (await attempt.request('AllocateAddress', () => cloud.allocateAddress(input.owner))));
}

export async function settleAllocation(
  { clouds }: Dependencies,
  input: AllocationInput,
  attempt: Attempt,
): Promise<AddressFact | null> {
  const there = await resultOfEarlier(await clouds.open(input.cloud), input, attempt);
  return there === undefined ? null : factOf(there);
}

export async function releaseAddress(
  { clouds }: Dependencies,
  input: ReleaseInput,
  attempt: Attempt,
): Promise<Released> {
  const cloud = await clouds.open(input.cloud);
  const { publicIp } = input.address;
  const there = (await cloud.listAddresses()).find((address) => address.publicIp === publicIp);
  if (there === undefined) return { released: [publicIp] };
  const left = whyNotOurs(cloud, there, input);
  if (left !== undefined) return { released: [], left };
  if (there.instanceId !== undefined) {
    throw new DeployError(
      'ADDRESS_IN_USE',
      `The address ${publicIp} is associated with the instance ${there.instanceId}, so it is not released.`,
    );
  }
  // A classic address may belong to somebody else by the time a late release takes effect. Allocation ids are never reused.
  if (there.allocationId === undefined) waitOut(attempt, cloud);
  await attempt.request('ReleaseAddress', () => cloud.releaseAddress(there));
  return { released: [publicIp] };
}

async function keepOthersOut(cloud: Cloud, { owner, desk }: ReservationInput, attempt: Attempt): Promise<void> {
  let group = await cloud.findGroup(ADDRESSES_GROUP);
  if (group === undefined) {
    // Never two requests at once: the later one could create the group after everybody has stopped looking for it.
    waitOut(attempt, cloud);
    await attempt.request('CreateSecurityGroup', () => cloud.createGroup(ADDRESSES_GROUP, `${owner} ${desk}`));
    group = await cloud.findGroup(ADDRESSES_GROUP);
  }
  if (group === undefined)
    throw new DeployError('NOT_YET', `The security group ${ADDRESSES_GROUP} was created and is not listed yet.`);
  if (isHeldBy(group.description, desk)) return;
  throw new DeployError(
    'ADDRESS_BUSY',
    `Another address desk is allocating in this account: the security group ${ADDRESSES_GROUP} has the description "${group.description}".`,
  );
}

/** The description consists of the owner mark of the allocating deployment and the id of the desk. */
function isHeldBy(description: string, desk: string): boolean {
  return description.endsWith(` ${desk}`);
}

/**
 * The address that an unsettled allocation created; undefined if there is none and none can appear any more. If no allocation is
 * unsettled, a new address is somebody else's, unless its tag is ours.
 */
async function resultOfEarlier(
  cloud: Cloud,
  { before, owner }: AllocationInput,
  attempt: Attempt,
): Promise<CloudAddress | undefined> {
  const fresh = (await cloud.listAddresses()).filter(({ publicIp }) => !before.includes(publicIp));
  const tagged = fresh.find((address) => address.owner === owner);
  if (tagged !== undefined) return tagged;
  const { unsettled } = attempt;
  if (unsettled === undefined) return undefined;
  // On clouds that tag afterwards, the tag may be missing.
  const free =
    cloud.addressTags === 'at once'
      ? []
      : fresh.filter((address) => address.instanceId === undefined && address.owner === undefined);
  const stale = (unsettled.since ?? Date.now()) + STALE < Date.now();
  if (free.length > 1 || (stale && free.length > 0)) throw ambiguous(free, stale);
  if (free.length === 0) waitOut(attempt, cloud);
  return free[0];
}

function ambiguous(free: readonly CloudAddress[], stale: boolean): DeployError {
  const list = free.map(({ publicIp }) => publicIp).join(', ');
  const why = stale ? 'it was sent too long ago' : 'there is more than one';
  return new DeployError(
    'ADDRESS_AMBIGUOUS',
    `An allocation was not answered. It may have created one of these new and free addresses: ${list}; ${why}.`,
  );
}

/** Why the address is not ours any more, if so; throws if nothing shows whose it is. */
function whyNotOurs(cloud: Cloud, there: CloudAddress, { address, memory, owner }: ReleaseInput): string | undefined {
  const { publicIp, allocationId } = there;
  const leftTo = (whom: string): string => `elastic IP ${publicIp} is left alone: ${whom}`;
  if (there.owner !== undefined) return there.owner === owner ? undefined : leftTo(`its tag says ${there.owner}`);
  if (allocationId !== undefined && address.allocationId !== undefined) {
    return allocationId === address.allocationId ? undefined : leftTo(`it was allocated anew, as ${allocationId}`);
  }
  if (memory === 'held') return undefined;
  if (memory === 'gone') return leftTo('it was released by hand and belongs to somebody else now');
  if (cloud.addressTags === 'at once') return leftTo('it has no tag of ours');
  throw new DeployError(
    'ADDRESS_AMBIGUOUS',
    `The address desk does not remember the address ${publicIp}, and this cloud has no tags for addresses: it may belong to somebody else by now.`,
  );
}

async function listed(cloud: Cloud, owner: string): Promise<readonly ListedAddress[]> {
  return (await cloud.listAddresses()).map((address) => ({
    publicIp: address.publicIp,
    ...(address.allocationId === undefined ? {} : { allocationId: address.allocationId }),
    associated: address.instanceId !== undefined,
    ours: address.owner === owner,
  }));
}

function factOf({ publicIp, allocationId }: CloudAddress): AddressFact {
  return { publicIp, ...(allocationId === undefined ? {} : { allocationId }), allocated: true };
}
