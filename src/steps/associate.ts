import { DeployError } from '../deployment/errors';
import { addressOf } from './cloud/addresses';
import { required } from './known';
import { addressHandle, ec2Call } from './planning';
import type { CloudAddress } from './ports';
import { contextOf, ensure, NOTHING, step } from './step';

/** Associates the address with the instance; never takes it from another one. */
export const associate = step({
  id: 'associate',
  plan: (planning) => [
    ec2Call(
      'AssociateAddress',
      {
        ...addressHandle(planning),
        InstanceId: '<instance>',
        ...(planning.kind.refusesStealing ? { AllowReassociation: 'false' } : {}),
      },
      'unless another instance has it: it is never taken away',
    ),
  ],
  activities: {
    associateAddress: ensure<CloudAddress>({
      observe: ({ cloud, known }) => addressOf(cloud, required(known.address?.publicIp, 'address')),
      done: ({ publicIp, instanceId }, { known }) =>
        instanceId === required(known.instance?.id, 'instance')
          ? { note: `${publicIp} → ${instanceId}`, known: {} }
          : undefined,
      act: ({ cloud, known }, address) => {
        if (address.instanceId === undefined)
          return cloud.associateAddress(address, required(known.instance?.id, 'instance'));
        throw new DeployError(
          'ADDRESS_IN_USE',
          `The address ${address.publicIp} is associated with the instance ${address.instanceId}.`,
        );
      },
      notYet: ({ publicIp }) => new DeployError('NOT_YET', `The address ${publicIp} is not associated yet.`),
    }),
  },
  undo: async (deps, input, attempt) => {
    if (input.known.address === undefined) return NOTHING;
    const { publicIp } = input.known.address;
    const { cloud, mark, groupName } = await contextOf(deps, input, attempt);
    const address = (await cloud.listAddresses()).find((each) => each.publicIp === publicIp);
    const ours = await cloud.findInstances(mark, groupName);
    // If somebody has associated it with another instance since, that one keeps it.
    if (address?.instanceId === undefined || !ours.some(({ id }) => id === address.instanceId)) return NOTHING;
    await cloud.disassociateAddress(address);
    return { changed: true, note: `association of ${publicIp}`, known: {} };
  },
  findLost: async ({ clouds }, { spec, known: { address, instance } }) => {
    const listed = await (await clouds.open(spec.cloud)).listAddresses();
    const there = listed.find(({ publicIp }) => publicIp === address?.publicIp);
    if (there === undefined || there.instanceId === instance?.id) return undefined;
    return `The address ${there.publicIp} is associated with ${there.instanceId ?? 'no instance'}, not with ${instance?.id ?? 'ours'}.`;
  },
});
