/** The deployment's elastic IP: through the account's desk; and the desk's own three calls. */

import { DeployError } from '../spec/errors';
import { ownerOf } from '../spec/names';
import type { AddressRequest } from '../spec/messages';
import type { AddressFact } from '../spec/types';
import type { Attempt } from './attempt';
import type { Dependencies } from './dependencies';
import type { CloudAddress } from './ports';
import type { DeskInput, ListedAddress, StepInput, StepOutcome } from './types';

export async function ensureAddress({ clouds, desk, namespace }: Dependencies, input: StepInput): Promise<StepOutcome> {
  const { account } = await clouds.open(input.spec.cloud);
  const address = await desk.allocate(account, updateId(input), requestOf(namespace, input));
  const changed = input.known.address?.publicIp !== address.publicIp;
  return { changed, note: address.publicIp, known: { account, address } };
}

export async function giveBackAddress({ clouds, desk, namespace }: Dependencies, input: StepInput): Promise<StepOutcome> {
  const { account } = await clouds.open(input.spec.cloud);
  await desk.release(account, updateId(input), requestOf(namespace, input));
  const { address } = input.known;
  return { changed: address?.allocated === true, note: `elastic IP ${address?.publicIp ?? ''}`.trim(), known: {} };
}

export async function listAddresses({ clouds }: Dependencies, { cloud, owner }: DeskInput): Promise<readonly ListedAddress[]> {
  const addresses = await (await clouds.open(cloud)).listAddresses();
  return addresses.map((address) => ({
    publicIp: address.publicIp,
    ...(address.allocationId === undefined ? {} : { allocationId: address.allocationId }),
    associated: address.instanceId !== undefined,
    ours: address.owner === owner,
  }));
}

/**
 * Allocates one, or adopts the one whose allocation was never answered: the only free address that was not there before.
 * On a first attempt with nothing pending, a new address is somebody else's.
 */
export async function allocateAddress(
  { clouds }: Dependencies,
  input: DeskInput & { readonly before: readonly string[]; readonly mayBeThere: boolean },
  attempt: Attempt,
): Promise<AddressFact> {
  const cloud = await clouds.open(input.cloud);
  const unknown = (await cloud.listAddresses()).filter(({ publicIp }) => !input.before.includes(publicIp));
  const tagged = unknown.find(({ owner }) => owner === input.owner);
  if (tagged !== undefined) return factOf(tagged);
  const free = unknown.filter(({ instanceId, owner }) => instanceId === undefined && owner === undefined);
  if (attempt.number > 1 || input.mayBeThere) {
    if (free.length > 1) {
      const list = free.map(({ publicIp }) => publicIp).join(', ');
      throw new DeployError('ADDRESS_AMBIGUOUS', `An allocation was not answered, and there is more than one new address: ${list}.`);
    }
    if (free[0] !== undefined) return factOf(free[0]);
  }
  attempt.assertTimely();
  return factOf(await cloud.allocateAddress(input.owner));
}

export async function releaseAddress({ clouds }: Dependencies, input: DeskInput & { readonly address: AddressFact }): Promise<void> {
  const cloud = await clouds.open(input.cloud);
  const { publicIp } = input.address;
  const there = (await cloud.listAddresses()).find((address) => address.publicIp === publicIp);
  if (there === undefined) return;
  if (there.instanceId !== undefined) {
    throw new DeployError('ADDRESS_IN_USE', `The address ${publicIp} is associated with the instance ${there.instanceId}, so it is not released.`);
  }
  await cloud.releaseAddress(there);
}

function requestOf(namespace: string, { spec, known, deadline }: StepInput): AddressRequest {
  return {
    deployment: spec.name,
    cloud: spec.cloud,
    owner: ownerOf(namespace, spec.name),
    deadline,
    ...('ip' in spec.address ? { ip: spec.address.ip } : {}),
    ...(known.address === undefined ? {} : { known: known.address }),
  };
}

function updateId({ spec, need }: StepInput): string {
  return `${spec.name}/${need}`;
}

function factOf({ publicIp, allocationId }: CloudAddress): AddressFact {
  return { publicIp, ...(allocationId === undefined ? {} : { allocationId }), allocated: true };
}
