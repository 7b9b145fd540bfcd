/** What the SDK's clients of EC2 and S3 have in common: how they connect, how long they wait, and how their errors are read. */

import type { EC2ClientConfig, EC2ServiceException } from '@aws-sdk/client-ec2';
import type { S3ServiceException } from '@aws-sdk/client-s3';
import { maskCredentials, signedBy } from './credentials';
import type { Credentials } from './credentials';
import type { ErrorAnswer } from './failures';
import { agentsOf } from './proxy';
import type { Proxy } from './proxy';

/** Milliseconds. */
export interface Timeouts {
  readonly connect: number;
  readonly answer: number;
}

export interface Transport {
  readonly credentials: Credentials;
  /** PEM. */
  readonly ca?: string;
  readonly proxy?: Proxy;
  readonly timeouts: Timeouts;
  /** How long the connection may be silent; default: as long as the answer may take. */
  readonly silence?: number;
}

type Common = Pick<
  EC2ClientConfig,
  'credentials' | 'maxAttempts' | 'disableClockSkewCorrection' | 'ignoreConfiguredEndpointUrls' | 'requestHandler'
>;

export function commonConfig({ credentials, ca, proxy, timeouts, silence = timeouts.answer }: Transport): Common {
  const { accessKey, secretKey, sessionToken } = credentials;
  return {
    credentials: {
      accessKeyId: accessKey,
      secretAccessKey: secretKey,
      ...(sessionToken === undefined ? {} : { sessionToken }),
    },
    // Temporal retries.
    maxAttempts: 1,
    // The SDK would keep its correction after the clock was set right. The clock of this machine is the user's to set.
    disableClockSkewCorrection: true,
    // Otherwise the environment could lead to another endpoint than the one the account is named after.
    ignoreConfiguredEndpointUrls: true,
    requestHandler: {
      connectionTimeout: timeouts.connect,
      requestTimeout: timeouts.answer,
      throwOnRequestTimeout: true,
      socketTimeout: silence,
      // The cloud may close a kept connection just as a launch is sent, and then nobody knows whether it took effect.
      ...(proxy === undefined
        ? { httpAgent: { keepAlive: false }, httpsAgent: { keepAlive: false, ...(ca === undefined ? {} : { ca }) } }
        : agentsOf(proxy, ca)),
    },
  };
}

export function errorAnswerOf(
  { $metadata, name, message }: EC2ServiceException | S3ServiceException,
  credentials: Credentials,
): ErrorAnswer {
  return {
    status: $metadata.httpStatusCode ?? 0,
    code: name,
    message: maskCredentials(message, credentials),
    ...signedBy(credentials),
  };
}

/** Milliseconds, from the Retry-After header. */
export function retryAfterOf({ $response }: EC2ServiceException | S3ServiceException): number | undefined {
  const seconds = Number($response?.headers['retry-after']);
  return seconds > 0 ? seconds * 1000 : undefined;
}
