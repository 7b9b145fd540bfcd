/** Elastic IPs. Classic ones go by the address, those of a VPC by their allocation and association ids. */

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
import { OWNER_TAG } from '../deployment/names';
import type { Ec2 } from './ec2';
import { unclear, unless } from './failures';
import { tag } from './tags';

type Addresses = Pick<
  Cloud,
  'addressTags' | 'listAddresses' | 'allocateAddress' | 'releaseAddress' | 'associateAddress' | 'disassociateAddress'
>;

export function addresses(ec2: Ec2): Addresses {
  const { addressTags, addressDomain, refusesStealing } = ec2.can;
  return {
    addressTags,
    listAddresses: async () => (await ownAddresses(ec2)).flatMap(addressOf),
    allocateAddress: async (owner) => {
      const made = await ec2.send(
        new AllocateAddressCommand({
          ...(addressDomain === undefined ? {} : { Domain: addressDomain }),
          ...(addressTags === 'at once'
            ? { TagSpecifications: [{ ResourceType: 'elastic-ip', Tags: [{ Key: OWNER_TAG, Value: owner }] }] }
            : {}),
        }),
      );
      const [address] = addressOf(made);
      if (address === undefined) throw unclear('The cloud allocated an address and does not say which.');
      const marked =
        addressTags === 'at once' || (addressTags === 'afterwards' && (await tag(ec2, address.allocationId, owner)));
      return marked ? { ...address, owner } : address;
    },
    releaseAddress: async (address) => {
      await unless('missing', ec2.send(new ReleaseAddressCommand(handleOf(address))), {});
    },
    associateAddress: async (address, instanceId) => {
      const gently = refusesStealing ? { AllowReassociation: false } : {};
      await ec2.send(new AssociateAddressCommand({ ...handleOf(address), InstanceId: instanceId, ...gently }));
    },
    disassociateAddress: async ({ publicIp, associationId }) => {
      const handle = associationId === undefined ? { PublicIp: publicIp } : { AssociationId: associationId };
      await unless('missing', ec2.send(new DisassociateAddressCommand(handle)), {});
    },
  };
}

function handleOf({ publicIp, allocationId }: CloudAddress): { PublicIp: string } | { AllocationId: string } {
  return allocationId === undefined ? { PublicIp: publicIp } : { AllocationId: allocationId };
}

async function ownAddresses(ec2: Ec2): Promise<readonly Address[]> {
  const { Addresses = [] } = await ec2.send(new DescribeAddressesCommand({}));
  if (!ec2.can.listsForeignAddresses || !Addresses.some(shownToAdministrator)) return Addresses;
  // Even an administrator is shown the groups of the own account only, and each account has one: `default`.
  const { SecurityGroups = [] } = await ec2.send(new DescribeSecurityGroupsCommand({}));
  const account = SecurityGroups[0]?.OwnerId ?? '';
  return Addresses.filter((address) => accountIn(address) === account && account !== '');
}

/** `i-12345678 (arn:aws:euare::123456789012:user/admin)`, `available (arn…)`, or `nobody` for one that nobody has. */
function shownToAdministrator({ InstanceId = '' }: Address): boolean {
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
  // In a VPC an address may serve what is no instance, such as a gateway: it is not free.
  const holder = instance ?? (AssociationId ? NetworkInterfaceId : undefined);
  const owner = Tags?.find(({ Key }) => Key === OWNER_TAG)?.Value;
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
