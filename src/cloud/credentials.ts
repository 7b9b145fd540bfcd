/** The credentials of an account and the authority of its certificates, as the spec refers to them; and what must not be repeated of them. */

import { readFile } from 'node:fs/promises';
import type { Secrets } from '../steps/ports';
import { maskSecrets } from '../deployment/mask';
import type { CloudSpec } from '../deployment/spec';
import { CloudFailure } from './failures';
import type { ErrorAnswer } from './failures';

export interface Credentials {
  readonly accessKey: string;
  readonly secretKey: string;
  /** Only with temporary credentials. */
  readonly sessionToken?: string;
}

/** PEM, of `cloud.ca`. */
export async function readCa(path: NonNullable<CloudSpec['ca']>): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    throw new CloudFailure(
      'CLOUD_UNREACHABLE',
      `cloud.ca cannot be read: ${error instanceof Error ? error.message : String(error)}.`,
    );
  }
}

export async function resolveCredentials(
  secrets: Secrets,
  { accessKey, secretKey, sessionToken }: CloudSpec['credentials'],
): Promise<Credentials> {
  const [access, secret, token] = await Promise.all([
    secrets.resolve(accessKey),
    secrets.resolve(secretKey),
    sessionToken === undefined ? undefined : secrets.resolve(sessionToken),
  ]);
  return {
    accessKey: access.reveal(),
    secretKey: secret.reveal(),
    ...(token === undefined ? {} : { sessionToken: token.reveal() }),
  };
}

/** Some error messages repeat the request. */
export function maskCredentials(message: string, { accessKey, secretKey, sessionToken }: Credentials): string {
  return maskSecrets(message, [accessKey, secretKey, ...(sessionToken === undefined ? [] : [sessionToken])]);
}

/** Temporary access keys of AWS, and of Eucalyptus from 4.0 on, begin with ASIA. */
export function signedBy({ accessKey, sessionToken }: Credentials): Pick<ErrorAnswer, 'signedBy'> {
  if (sessionToken !== undefined) return { signedBy: 'temporary keys' };
  return accessKey.startsWith('ASIA') ? { signedBy: 'temporary keys without their token' } : {};
}
