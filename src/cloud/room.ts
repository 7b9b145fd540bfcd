/** How much more an account may make, where the cloud tells. */

import {
  DescribeAccountAttributesCommand,
  DescribeAddressesCommand,
  DescribeAvailabilityZonesCommand,
} from '@aws-sdk/client-ec2';
import type { Cloud, Room } from '../steps/ports';
import type { CloudKind } from '../deployment/cloud-kinds';
import type { Ec2 } from './ec2';
import { CloudFailure } from './failures';

const READERS: Readonly<Record<CloudKind['room'], (ec2: Ec2) => Promise<Room>>> = {
  'account attributes': readAttributes,
  'verbose zones': readVerboseZones,
};

export function room(ec2: Ec2): Pick<Cloud, 'room'> {
  return {
    room: async () => {
      try {
        return await READERS[ec2.capabilities.room](ec2);
      } catch (error) {
        // No reason to stop: the launch itself is refused where there is no room.
        if (error instanceof CloudFailure && (error.code === 'CLOUD_PERMISSION' || error.code === 'CLOUD_REFUSED'))
          return {};
        throw error;
      }
    },
  };
}

/** `max-instances` is no quota any more: "The returned value does not reflect your actual vCPU limit" (EC2 API Reference). */
async function readAttributes(ec2: Ec2): Promise<Room> {
  const { AccountAttributes = [] } = await ec2.send(
    // All of them: by name, only two others may be asked for.
    new DescribeAccountAttributesCommand({}),
  );
  const limit = AccountAttributes.find(({ AttributeName }) => AttributeName === 'vpc-max-elastic-ips');
  const most = Number(limit?.AttributeValues?.[0]?.AttributeValue);
  if (!Number.isInteger(most)) return {};
  const { Addresses = [] } = await ec2.send(new DescribeAddressesCommand({}));
  return { addresses: Math.max(0, most - Addresses.length) };
}

/** Eucalyptus shows them to its administrator; everybody else gets the plain list (ClusterEndpoint.java of 3.2.0 and 4.4.6). */
async function readVerboseZones(ec2: Ec2): Promise<Room> {
  const { AvailabilityZones = [] } = await ec2.send(new DescribeAvailabilityZonesCommand({ ZoneNames: ['verbose'] }));
  const capacity = capacityInZones(
    AvailabilityZones.map(({ ZoneName = '', State = '' }) => ({ name: ZoneName, state: State })),
  );
  return capacity.length === 0 ? {} : { capacity };
}

/** Below each zone, a line for each type: `|- m1.small` and `0007 / 0008   1    256     5` (free, most, CPU, RAM, disk). */
export function capacityInZones(
  lines: readonly { readonly name: string; readonly state: string }[],
): NonNullable<Room['capacity']> {
  let zone = '';
  return lines.flatMap(({ name, state }) => {
    const type = /^\|- (\S+)$/.exec(name)?.[1];
    const free = /^(\d+) \/ \d+\s+\d+\s+\d+\s+\d+$/.exec(state)?.[1];
    if (!name.startsWith('|')) zone = name;
    return type === undefined || free === undefined ? [] : [{ zone, type, free: Number(free) }];
  });
}
