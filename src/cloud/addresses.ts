/** Elastic IPs. Classic ones are named by the address itself, those of a VPC by their allocation and association ids. */

import {
  AllocateAddressCommand,
  AssociateAddressCommand,
  DescribeAddressesCommand,
  DescribeSecurityGroupsCommand,
  DisassociateAddressCommand,
  ReleaseAddressCommand,
} from '@aws-sdk/client-ec2';
import type { Address } from '@aws-sdk/client-ec2';
import type { Cloud, CloudAddress } from '../steps/ports';
import type { Ec2 } from './ec2';
import { tolerate, unclear } from './failures';
import { ownerIn, taggedWith, tagOwner } from './owner-tag';

type Addresses = Pick<
  Cloud,
  'addressTags' | 'listAddresses' | 'allocateAddress' | 'releaseAddress' | 'associateAddress' | 'disassociateAddress'
>;

export function addresses(ec2: Ec2): Addresses {
  const { addressTags, refusesStealing } = ec2.capabilities;
  return {
    addressTags,
    listAddresses: async () => (await describeOwn(ec2)).flatMap(addressOf),
    allocateAddress: (owner) => allocate(ec2, owner),
    releaseAddress: async (address) => {
      await tolerate('missing', ec2.send(new ReleaseAddressCommand(idOf(address))), {});
    },
    associateAddress: async (address, instanceId) => {
      const neverSteal = refusesStealing ? { AllowReassociation: false } : {};
      await ec2.send(new AssociateAddressCommand({ ...idOf(address), InstanceId: instanceId, ...neverSteal }));
    },
    disassociateAddress: async ({ publicIp, associationId }) => {
      const id = associationId === undefined ? { PublicIp: publicIp } : { AssociationId: associationId };
      await tolerate('missing', ec2.send(new DisassociateAddressCommand(id)), {});
    },
  };
}

async function allocate(ec2: Ec2, owner: string): Promise<CloudAddress> {
  const { addressTags, addressDomain } = ec2.capabilities;
  const answer = await ec2.send(
    new AllocateAddressCommand({
      ...(addressDomain === undefined ? {} : { Domain: addressDomain }),
      ...(addressTags === 'at once' ? taggedWith(owner, 'elastic-ip') : {}),
    }),
  );
  const [address] = addressOf(answer);
  if (address === undefined) throw unclear('The cloud allocated an address but did not say which.');
  const tagged =
    addressTags === 'at once' || (addressTags === 'afterwards' && (await tagOwner(ec2, address.allocationId, owner)));
  return tagged ? { ...address, owner } : address;
}

function idOf({ publicIp, allocationId }: CloudAddress): { PublicIp: string } | { AllocationId: string } {
  return allocationId === undefined ? { PublicIp: publicIp } : { AllocationId: allocationId };
}

async function describeOwn(ec2: Ec2): Promise<readonly Address[]> {
  const { Addresses = [] } = await ec2.send(new DescribeAddressesCommand({}));
  if (!ec2.capabilities.listsForeignAddresses || !Addresses.some(isAdministratorView)) return Addresses;
  // Even an administrator sees only the security groups of their own account, and every account has one: `default`.
  const { SecurityGroups = [] } = await ec2.send(new DescribeSecurityGroupsCommand({}));
  const account = SecurityGroups[0]?.OwnerId ?? '';
  return Addresses.filter((address) => accountIn(address) === account && account !== '');
}

/** `i-12345678 (arn:aws:euare::123456789012:user/admin)`, `available (arn…)`, or `nobody` for an address that nobody has. */
function isAdministratorView({ InstanceId = '' }: Address): boolean {
  return InstanceId === 'nobody' || InstanceId.includes(' (');
}

function accountIn({ InstanceId = '' }: Address): string | undefined {
  return / \(\S*?:(\d+):\S*\)$/.exec(InstanceId)?.[1];
}

export function addressOf({
  PublicIp,
  AllocationId,
  AssociationId,
  InstanceId,
  NetworkInterfaceId,
  Tags,
}: Address): readonly CloudAddress[] {
  if (PublicIp === undefined || PublicIp === '') return [];
  const instance = /^i-\S+/.exec(InstanceId ?? '')?.[0];
  // In a VPC an address may serve something else than an instance, such as a NAT gateway: it is not free.
  const holder = instance ?? (AssociationId ? NetworkInterfaceId : undefined);
  const owner = ownerIn(Tags);
  return [
    {
      publicIp: PublicIp,
      ...(AllocationId ? { allocationId: AllocationId } : {}),
      ...(AssociationId ? { associationId: AssociationId } : {}),
      ...(holder === undefined ? {} : { instanceId: holder }),
      ...(owner === undefined ? {} : { owner }),
    },
  ];
}
