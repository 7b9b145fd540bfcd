/** The account behind the credentials: its name, whether it is let in, its key pairs. */

import { createHash } from 'node:crypto';
import { DescribeAvailabilityZonesCommand, DescribeKeyPairsCommand } from '@aws-sdk/client-ec2';
import type { Cloud } from '../steps/ports';
import type { CloudSpec } from '../deployment/spec';
import type { Ec2 } from './ec2';
import { ec2EndpointOf } from './endpoints';
import { CloudFailure, tolerate } from './failures';

/**
 * Names the account without revealing its access key. A region and its endpoint spelled out are the same account, because both must
 * lead to the same address desk.
 */
export function accountOf(spec: Pick<CloudSpec, 'endpoint' | 'region'>, accessKey: string): string {
  const { protocol, host, pathname } = new URL(ec2EndpointOf(spec));
  const endpoint = `${protocol}//${host}${pathname.replace(/\/+$/, '')}`;
  return createHash('sha256').update(`${endpoint}\n${accessKey}`).digest('hex').slice(0, 16);
}

export function account(ec2: Ec2): Pick<Cloud, 'checkAccess' | 'keyPairExists'> {
  return {
    checkAccess: async () => {
      const { AvailabilityZones = [] } = await ec2.send(new DescribeAvailabilityZonesCommand({}));
      // Otherwise any web page that happens to be XML would pass.
      if (AvailabilityZones.length === 0)
        throw new CloudFailure('CLOUD_UNREACHABLE', 'What answers at cloud.endpoint names no availability zone.');
    },
    keyPairExists: async (name) => {
      const request = ec2.send(new DescribeKeyPairsCommand({ KeyNames: [name] }));
      const { KeyPairs = [] } = await tolerate('missing', request, {});
      return KeyPairs.some(({ KeyName }) => KeyName === name);
    },
  };
}
