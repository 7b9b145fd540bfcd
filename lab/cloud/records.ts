/** Instances, addresses and groups, read from moto's responses. */

import { items, text } from './xml';
import type { Branch, Tree } from './xml';

export interface Tag {
  readonly key: string;
  readonly value: string;
}

export interface InstanceRecord {
  readonly id: string;
  readonly reservationId: string;
  readonly imageId: string;
  readonly type: string;
  readonly keyName: string;
  readonly state: string;
  readonly privateIp: string;
  readonly launchTime: string;
  readonly groups: readonly { readonly id: string; readonly name: string }[];
  readonly tags: readonly Tag[];
}

export interface AddressRecord {
  readonly publicIp: string;
  readonly allocationId: string;
  readonly associationId: string;
  readonly instanceId: string;
  readonly privateIp: string;
  readonly tags: readonly Tag[];
}

/** A group as the source of a rule. On 3.2 groups have no ids, and the rule holds for whatever group has that name. */
export interface Peer {
  /** Account number. */
  readonly owner: string;
  readonly name: string;
  /** Empty on 3.2. */
  readonly id: string;
}

export interface RuleRecord {
  readonly protocol: string;
  readonly from: number;
  readonly to: number;
  readonly source: { readonly cidr: string } | Peer;
}

export interface GroupRecord {
  readonly id: string;
  readonly name: string;
  readonly description: string;
  readonly vpcId: string;
  readonly rules: readonly RuleRecord[];
  readonly tags: readonly Tag[];
}

export function instancesIn(answer: Branch): InstanceRecord[] {
  return items(answer, 'reservationSet').flatMap((reservation) => reservationInstances(reservation));
}

/** @param reservation an item of a reservation set, or the response of RunInstances */
export function reservationInstances(reservation: Tree): InstanceRecord[] {
  return items(reservation, 'instancesSet').map((instance) => ({
    id: text(instance, 'instanceId'),
    reservationId: text(reservation, 'reservationId'),
    imageId: text(instance, 'imageId'),
    type: text(instance, 'instanceType'),
    keyName: text(instance, 'keyName'),
    state: text(instance, 'instanceState.name'),
    privateIp: text(instance, 'privateIpAddress'),
    launchTime: text(instance, 'launchTime'),
    groups: items(instance, 'groupSet').map((group) => ({
      id: text(group, 'groupId'),
      name: text(group, 'groupName'),
    })),
    tags: tagsOf(instance),
  }));
}

export function addressesIn(answer: Branch): AddressRecord[] {
  return items(answer, 'addressesSet').map((address) => ({
    publicIp: text(address, 'publicIp'),
    allocationId: text(address, 'allocationId'),
    associationId: text(address, 'associationId'),
    instanceId: text(address, 'instanceId'),
    privateIp: text(address, 'privateIpAddress'),
    tags: tagsOf(address),
  }));
}

export function groupsIn(answer: Branch): GroupRecord[] {
  return items(answer, 'securityGroupInfo').map((group) => ({
    id: text(group, 'groupId'),
    name: text(group, 'groupName'),
    description: text(group, 'groupDescription'),
    vpcId: text(group, 'vpcId'),
    rules: items(group, 'ipPermissions').flatMap((permission) =>
      items(permission, 'ipRanges').map((range) => ({
        protocol: text(permission, 'ipProtocol'),
        from: Number(text(permission, 'fromPort') || -1),
        to: Number(text(permission, 'toPort') || -1),
        source: { cidr: text(range, 'cidrIp') },
      })),
    ),
    tags: tagsOf(group),
  }));
}

function tagsOf(thing: Tree): Tag[] {
  return items(thing, 'tagSet').map((tag) => ({ key: text(tag, 'key'), value: text(tag, 'value') }));
}
