/** What the clients of EC2 and S3 have in common: how they connect, how long they wait, and what of an error may be told. */

import type { EC2ClientConfig } from '@aws-sdk/client-ec2';
import type { Answer } from './failures';
import { maskSecrets } from '../deployment/mask';
import { agentsOf } from './proxy';
import type { Proxy } from './proxy';
import type { Keys } from './signature-v2';

/** Milliseconds. */
export interface Patience {
  readonly connect: number;
  readonly answer: number;
}

export interface Transport {
  readonly keys: Keys;
  /** PEM. */
  readonly ca?: string;
  readonly proxy?: Proxy;
  readonly patience: Patience;
  /** How long nothing at all may come; absent: as long as the answer may take. */
  readonly silence?: number;
}

type Common = Pick<
  EC2ClientConfig,
  'credentials' | 'maxAttempts' | 'disableClockSkewCorrection' | 'ignoreConfiguredEndpointUrls' | 'requestHandler'
>;

export function commonConfig({ keys, ca, proxy, patience, silence = patience.answer }: Transport): Common {
  return {
    credentials: {
      accessKeyId: keys.accessKey,
      secretAccessKey: keys.secretKey,
      ...(keys.sessionToken === undefined ? {} : { sessionToken: keys.sessionToken }),
    },
    // Temporal retries.
    maxAttempts: 1,
    // A correction is kept, and would make a clock wrong that was mended meanwhile. The clock here is the user's to set.
    disableClockSkewCorrection: true,
    // The account is named after the endpoint of the spec.
    ignoreConfiguredEndpointUrls: true,
    requestHandler: {
      connectionTimeout: patience.connect,
      requestTimeout: patience.answer,
      throwOnRequestTimeout: true,
      socketTimeout: silence,
      // A connection kept may be closed by the cloud while a launch goes into it, and then nobody knows what became of it.
      ...(proxy === undefined
        ? { httpAgent: { keepAlive: false }, httpsAgent: { keepAlive: false, ...(ca === undefined ? {} : { ca }) } }
        : agentsOf(proxy, ca)),
    },
  };
}

/** Some answers repeat the request. */
export function masked(words: string, { accessKey, secretKey, sessionToken }: Keys): string {
  return maskSecrets(words, [accessKey, secretKey, ...(sessionToken === undefined ? [] : [sessionToken])]);
}

/** AWS' temporary keys, and those of Eucalyptus' from 4 on, begin so. */
export function signedBy({ accessKey, sessionToken }: Keys): Pick<Answer, 'signedBy'> {
  if (sessionToken !== undefined) return { signedBy: 'temporary keys' };
  return accessKey.startsWith('ASIA') ? { signedBy: 'temporary keys without their token' } : {};
}

/** Milliseconds the cloud asked us to wait. */
export function askedWait({
  $response,
}: {
  readonly $response?: { readonly headers: Readonly<Record<string, string>> };
}): number | undefined {
  const seconds = Number($response?.headers['retry-after']);
  return seconds > 0 ? seconds * 1000 : undefined;
}
