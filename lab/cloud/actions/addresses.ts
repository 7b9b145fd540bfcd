/** Elastic IPs: classic ones on Eucalyptus (the address is the handle), VPC ones on AWS (allocation and association ids). */

import type { Account } from '../signatures';
import { ADDRESS_FILTERS, filtered } from '../filters';
import { beginning, listed } from '../parameters';
import type { Params } from '../parameters';
import type { AddressRecord } from '../records';
import { Refusal } from '../refusals';
import type { World } from '../world';
import { list, text } from '../xml';
import type { Branch } from '../xml';
import { needed, tagSet } from './common';

export async function allocateAddress(world: World, params: Params): Promise<Branch> {
  const ip = await world.freeAddress();
  if (ip === undefined) throw new Refusal('addressesSpent');
  const { vpc, tellsDomain } = world.dialect;
  const tags = beginning(params, 'TagSpecification.');
  const made = await world.moto.call('AllocateAddress', { Address: ip, Domain: vpc ? 'vpc' : 'standard', ...tags });
  await world.kept.addresses.reread(ip);
  if (!tellsDomain) return { publicIp: ip };
  return { publicIp: ip, domain: vpc ? 'vpc' : 'standard', allocationId: vpc ? text(made, 'allocationId') : undefined };
}

export async function describeAddresses(world: World, params: Params, caller: Account): Promise<Branch> {
  const all = await world.addresses();
  const ips = listed(params, 'PublicIp');
  const ids = listed(params, 'AllocationId');
  if (world.dialect.missingIsError) {
    for (const ip of ips) if (!all.some(({ publicIp }) => publicIp === ip)) throw new Refusal('addressMissing', ip);
    for (const id of ids)
      if (!all.some(({ allocationId }) => allocationId === id)) throw new Refusal('allocationMissing', id);
  }
  const asked = all.filter(
    ({ publicIp, allocationId }) =>
      (ips.length === 0 || ips.includes(publicIp)) && (ids.length === 0 || ids.includes(allocationId)),
  );
  if (caller.admin && world.dialect.kind === 'eucalyptus-3.2')
    return { addressesSet: list(asAdministrator(world, all, ips)) };
  return { addressesSet: list(filtered(asked, params, ADDRESS_FILTERS).map((address) => item(world, address))) };
}

export async function associateAddress(world: World, params: Params): Promise<Branch> {
  const address = await find(world, params);
  const id = needed(params, 'InstanceId');
  const instance = (await world.instances()).find((each) => each.id === id);
  if (instance === undefined) throw new Refusal('instanceMissing', id);
  if (instance.state !== 'running' && !(instance.state === 'pending' && world.dialect.associatesPending))
    throw new Refusal('instanceState', id);
  if (address.instanceId !== '' && address.instanceId !== id) {
    if (params['AllowReassociation'] === 'false') throw new Refusal('addressAssociated', address.publicIp);
    await detach(world, address);
  }
  // An instance has one elastic IP: the one it had becomes free.
  for (const other of await world.addresses()) {
    if (other.instanceId === id && other.publicIp !== address.publicIp) await detach(world, other);
  }
  const made = await world.moto.call('AssociateAddress', {
    PublicIp: address.publicIp,
    InstanceId: id,
    AllowReassociation: 'true',
  });
  await world.kept.addresses.reread(address.publicIp);
  await world.machines.get(id)?.setPublicIp(address.publicIp);
  return { return: true, associationId: world.dialect.vpc ? text(made, 'associationId') : undefined };
}

export async function disassociateAddress(world: World, params: Params): Promise<Branch> {
  const address = await find(world, params);
  if (address.instanceId !== '') await detach(world, address);
  return { return: true };
}

export async function releaseAddress(world: World, params: Params): Promise<Branch> {
  const address = await find(world, params);
  if (address.instanceId !== '') {
    if (world.dialect.vpc) throw new Refusal('addressInUse', address.publicIp);
    await detach(world, address);
  }
  await world.moto.call(
    'ReleaseAddress',
    world.dialect.vpc ? { AllocationId: address.allocationId } : { PublicIp: address.publicIp },
  );
  await world.kept.addresses.reread(address.publicIp);
  return { return: true };
}

/** Takes the address from its instance. The machine lets go of it before anybody else can have it. */
export async function detach(world: World, address: AddressRecord): Promise<void> {
  await world.machines.get(address.instanceId)?.setPublicIp(undefined);
  await world.moto.call('DisassociateAddress', { PublicIp: address.publicIp });
  await world.kept.addresses.reread(address.publicIp);
}

async function find(world: World, params: Params): Promise<AddressRecord> {
  const all = await world.addresses();
  const { AllocationId: allocation, AssociationId: association, PublicIp: ip } = params;
  if (allocation !== undefined)
    return all.find(({ allocationId }) => allocationId === allocation) ?? refuse('allocationMissing', allocation);
  if (association !== undefined)
    return all.find(({ associationId }) => associationId === association) ?? refuse('associationMissing', association);
  if (ip === undefined) throw new Refusal('parameterMissing', 'PublicIp');
  return all.find(({ publicIp }) => publicIp === ip) ?? refuse('addressMissing', ip);
}

function refuse(why: 'allocationMissing' | 'associationMissing' | 'addressMissing', subject: string): never {
  throw new Refusal(why, subject);
}

function item({ dialect }: World, address: AddressRecord): Branch {
  const { publicIp, instanceId, allocationId, associationId, privateIp } = address;
  if (!dialect.tellsDomain) return { publicIp, instanceId };
  if (!dialect.vpc) return { publicIp, domain: 'standard', instanceId };
  const used = instanceId === '' ? {} : { instanceId, associationId, privateIpAddress: privateIp };
  return { publicIp, domain: 'vpc', allocationId, ...used, tagSet: tagSet(address) };
}

/** The administrator of Eucalyptus 3.2 sees every address of the cloud, those of nobody too, and reads the owner behind the instance. */
function asAdministrator(world: World, all: readonly AddressRecord[], ips: readonly string[]): Branch[] {
  const byIp = new Map(all.map((address) => [address.publicIp, address]));
  return world
    .pool()
    .filter((ip) => ips.length === 0 || ips.includes(ip))
    .map((publicIp) => {
      const address = byIp.get(publicIp);
      if (address === undefined) return { publicIp, instanceId: 'nobody' };
      return { publicIp, instanceId: `${address.instanceId || 'available'} (arn:aws:euare::000123456789:user/lab)` };
    });
}
