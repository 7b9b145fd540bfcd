import type { StepInput } from '../deployment/activities';
import type { AddressRequest } from '../deployment/messages';
import { ADDRESSES_GROUP, ownerOf } from '../deployment/names';
import { createTags, ec2Call, tagSpecification } from './planning';
import type { PlannedAction, Planning } from './planning';
import { step } from './step';

/** Gets the deployment's elastic IP from the account's address desk (workflows/address-desk.ts), which remembers what a cloud without tags cannot. */
export const address = step({
  id: 'address',
  plan: (planning) => {
    const { spec } = planning;
    if (!('ip' in spec.address)) return allocation(planning);
    return [ec2Call('DescribeAddresses', {}, `${spec.address.ip} must be among them, and is used`)];
  },
  activities: {
    ensureAddress: async ({ clouds, desk, namespace }, input) => {
      const { account } = await clouds.open(input.spec.cloud);
      const fact = await desk.allocate(account, updateId(input), requestOf(namespace, input));
      const changed = input.known.address?.publicIp !== fact.publicIp;
      return { changed, note: fact.publicIp, known: { account, address: fact } };
    },
  },
  undo: async ({ clouds, desk, namespace }, input) => {
    const { account } = await clouds.open(input.spec.cloud);
    const { released, left } = await desk.release(account, updateId(input), requestOf(namespace, input));
    const said = [
      ...(released.length === 0 ? [] : [`elastic IP ${released.join(', ')}`]),
      ...(left === undefined ? [] : [left]),
    ];
    return { changed: said.length > 0, note: said.join('; '), known: {} };
  },
  findLost: async ({ clouds }, { spec, known }) => {
    const ip = known.address?.publicIp;
    const listed = await (await clouds.open(spec.cloud)).listAddresses();
    if (ip === undefined || listed.some(({ publicIp }) => publicIp === ip)) return undefined;
    return `The account no longer has the address ${ip}.`;
  },
});

function allocation({ kind, owner }: Planning): readonly PlannedAction[] {
  const tagged = kind.addressTags === 'at once';
  // On clouds where no tag shows whose an address is.
  const reserve = ec2Call(
    'CreateSecurityGroup',
    { GroupName: ADDRESSES_GROUP, GroupDescription: `${owner} <desk>` },
    'keeps other namespaces from allocating meanwhile; deleted again',
  );
  return [
    ...(tagged ? [] : [reserve]),
    ec2Call(
      'AllocateAddress',
      {
        ...(kind.addressDomain === undefined ? {} : { Domain: kind.addressDomain }),
        ...(tagged ? tagSpecification('elastic-ip', owner) : {}),
      },
      'unless this deployment has one',
    ),
    ...(kind.addressTags === 'afterwards'
      ? [createTags('<allocation id>', owner, 'where it has an allocation id')]
      : []),
  ];
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

/** The same for every attempt of one need, so that a retry joins the update that is running. */
function updateId({ spec, need }: StepInput): string {
  return `${spec.name}/${need}`;
}
