/** What a deployment refers to and does not make: access, images, key pairs. Clouds say of what is missing that it is missing, or say nothing. */

import { DescribeAvailabilityZonesCommand, DescribeImagesCommand, DescribeKeyPairsCommand } from '@aws-sdk/client-ec2';
import type { Cloud } from '../steps/ports';
import type { Ec2 } from './ec2';
import { CloudFailure, unless } from './failures';
import { typeMemory } from './type-memory';

/** 3.2 lists those that were deregistered or failed as well. */
const USABLE: ReadonlySet<string | undefined> = new Set(['available', 'pending']);

export function catalogue(ec2: Ec2): Pick<Cloud, 'checkAccess' | 'imageExists' | 'keyPairExists' | 'typeMemory'> {
  return {
    checkAccess: async () => {
      const { AvailabilityZones = [] } = await ec2.send(new DescribeAvailabilityZonesCommand({}));
      // Any page of the web that happens to be XML would pass otherwise.
      if (AvailabilityZones.length === 0)
        throw new CloudFailure('CLOUD_UNREACHABLE', 'What answers at cloud.endpoint names no availability zone.');
    },
    imageExists: async (id) => {
      const { Images = [] } = await unless('missing', ec2.send(new DescribeImagesCommand({ ImageIds: [id] })), {});
      return Images.some(({ ImageId, State }) => ImageId === id && USABLE.has(State));
    },
    keyPairExists: async (name) => {
      const { KeyPairs = [] } = await unless(
        'missing',
        ec2.send(new DescribeKeyPairsCommand({ KeyNames: [name] })),
        {},
      );
      return KeyPairs.some(({ KeyName }) => KeyName === name);
    },
    typeMemory: (type) => typeMemory(ec2, type),
  };
}
