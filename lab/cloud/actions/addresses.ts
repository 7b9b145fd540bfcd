/** Elastic IPs: classic ones, identified by the address, and VPC ones, with allocation and association ids. */

import type { Cloud } from '../cloud';
import { Ec2Error } from '../ec2-errors';
import { ADDRESS_FILTERS, filtered } from '../filters';
import { withPrefix, listed } from '../parameters';
import type { Params } from '../parameters';
import type { AddressRecord } from '../records';
import type { Account } from '../signatures';
import { list, text } from '../xml';
import type { Branch } from '../xml';
import { required, tagSet } from './common';

export async function allocateAddress(cloud: Cloud, params: Params): Promise<Branch> {
  const used = (await cloud.addresses()).length;
  const ip = used < cloud.settings.addresses ? await cloud.freeAddress() : undefined;
  if (ip === undefined) throw new Ec2Error('addressLimit');
  const { vpc, showsDomain } = cloud.dialect;
  const tags = withPrefix(params, 'TagSpecification.');
  const made = await cloud.moto.call('AllocateAddress', { Address: ip, Domain: vpc ? 'vpc' : 'standard', ...tags });
  await cloud.cache.addresses.refresh(ip);
  if (!showsDomain) return { publicIp: ip };
  return { publicIp: ip, domain: vpc ? 'vpc' : 'standard', allocationId: vpc ? text(made, 'allocationId') : undefined };
}

export async function describeAddresses(cloud: Cloud, params: Params, caller: Account): Promise<Branch> {
  const all = await cloud.addresses();
  const ips = listed(params, 'PublicIp');
  const ids = listed(params, 'AllocationId');
  if (cloud.dialect.missingIsError) {
    for (const ip of ips) if (!all.some(({ publicIp }) => publicIp === ip)) throw new Ec2Error('addressMissing', ip);
    for (const id of ids)
      if (!all.some(({ allocationId }) => allocationId === id)) throw new Ec2Error('allocationMissing', id);
  }
  const asked = all.filter(
    ({ publicIp, allocationId }) =>
      (ips.length === 0 || ips.includes(publicIp)) && (ids.length === 0 || ids.includes(allocationId)),
  );
  if (caller.admin && cloud.dialect.kind === 'eucalyptus-3.2')
    return { addressesSet: list(asAdministrator(cloud, all, ips)) };
  return { addressesSet: list(filtered(asked, params, ADDRESS_FILTERS).map((address) => item(cloud, address))) };
}

export async function associateAddress(cloud: Cloud, params: Params): Promise<Branch> {
  const address = await find(cloud, params);
  const id = required(params, 'InstanceId');
  const instance = (await cloud.instances()).find((each) => each.id === id);
  if (instance === undefined) throw new Ec2Error('instanceMissing', id);
  if (instance.state !== 'running' && !(instance.state === 'pending' && cloud.dialect.associatesPending))
    throw new Ec2Error('instanceState', id);
  if (address.instanceId !== '' && address.instanceId !== id) {
    if (params['AllowReassociation'] === 'false') throw new Ec2Error('addressAssociated', address.publicIp);
    await detach(cloud, address);
  }
  // An instance has one elastic IP. The previous one is disassociated.
  for (const other of await cloud.addresses()) {
    if (other.instanceId === id && other.publicIp !== address.publicIp) await detach(cloud, other);
  }
  const made = await cloud.moto.call('AssociateAddress', {
    PublicIp: address.publicIp,
    InstanceId: id,
    AllowReassociation: 'true',
  });
  await cloud.cache.addresses.refresh(address.publicIp);
  cloud.takeOwnAddress(id);
  await cloud.machines.get(id)?.setPublicIp(address.publicIp);
  return { return: true, associationId: cloud.dialect.vpc ? text(made, 'associationId') : undefined };
}

export async function disassociateAddress(cloud: Cloud, params: Params): Promise<Branch> {
  const address = await find(cloud, params);
  if (address.instanceId !== '') await detach(cloud, address);
  return { return: true };
}

export async function releaseAddress(cloud: Cloud, params: Params): Promise<Branch> {
  const address = await find(cloud, params);
  if (address.instanceId !== '') {
    if (cloud.dialect.vpc) throw new Ec2Error('addressInUse', address.publicIp);
    await detach(cloud, address);
  }
  await cloud.moto.call(
    'ReleaseAddress',
    cloud.dialect.vpc ? { AllocationId: address.allocationId } : { PublicIp: address.publicIp },
  );
  await cloud.cache.addresses.refresh(address.publicIp);
  return { return: true };
}

/** Takes the address from its instance. The machine stops listening on it before it can be given to another. */
export async function detach(cloud: Cloud, address: AddressRecord): Promise<void> {
  await cloud.machines.get(address.instanceId)?.setPublicIp(undefined);
  await cloud.moto.call('DisassociateAddress', { PublicIp: address.publicIp });
  await cloud.cache.addresses.refresh(address.publicIp);
}

async function find(cloud: Cloud, params: Params): Promise<AddressRecord> {
  const all = await cloud.addresses();
  const { AllocationId: allocation, AssociationId: association, PublicIp: ip } = params;
  if (allocation !== undefined)
    return all.find(({ allocationId }) => allocationId === allocation) ?? refuse('allocationMissing', allocation);
  if (association !== undefined)
    return all.find(({ associationId }) => associationId === association) ?? refuse('associationMissing', association);
  if (ip === undefined) throw new Ec2Error('parameterMissing', 'PublicIp');
  return all.find(({ publicIp }) => publicIp === ip) ?? refuse('addressMissing', ip);
}

function refuse(why: 'allocationMissing' | 'associationMissing' | 'addressMissing', subject: string): never {
  throw new Ec2Error(why, subject);
}

function item({ dialect }: Cloud, address: AddressRecord): Branch {
  const { publicIp, instanceId, allocationId, associationId, privateIp } = address;
  if (!dialect.showsDomain) return { publicIp, instanceId };
  if (!dialect.vpc) return { publicIp, domain: 'standard', instanceId };
  const used = instanceId === '' ? {} : { instanceId, associationId, privateIpAddress: privateIp };
  return { publicIp, domain: 'vpc', allocationId, ...used, tagSet: tagSet(address) };
}

/**
 * The administrator of Eucalyptus 3.2 sees every address of the cloud, also free ones, with the owner behind the
 * instance id.
 */
function asAdministrator(cloud: Cloud, all: readonly AddressRecord[], ips: readonly string[]): Branch[] {
  const byIp = new Map(all.map((address) => [address.publicIp, address]));
  return cloud
    .pool()
    .filter((ip) => ips.length === 0 || ips.includes(ip))
    .map((publicIp) => {
      const address = byIp.get(publicIp);
      if (address === undefined) return { publicIp, instanceId: 'nobody' };
      return { publicIp, instanceId: `${address.instanceId || 'available'} (arn:aws:euare::000123456789:user/lab)` };
    });
}
