/** For the tests of src/cloud: specs of the lab's clouds, and secrets whose value is their name. */

import type { Cloud, Clouds, ObjectStore, Secret, Secrets } from '../../src/steps/ports';
import { createClouds } from '../../src/cloud';
import { DeployError } from '../../src/deployment/errors';
import type { ErrorCode } from '../../src/deployment/errors';
import type { CloudSpec } from '../../src/deployment/spec';
import type { CloudAccess } from '../../lab/types';

export function secretOf(value: string): Secret {
  return { reveal: () => value };
}

/** Resolves `{ env: NAME }` to what `values` holds at that moment, or to the name itself. */
export function secretsOf(values: Readonly<Record<string, string>> = {}): Secrets {
  return {
    resolve: (ref) => {
      const name = 'env' in ref ? ref.env : ref.file;
      return Promise.resolve(secretOf(values[name] ?? name));
    },
  };
}

export function specOf(
  { kind, endpoint, region, storage, accessKey, secretKey }: CloudAccess,
  changes: Partial<CloudSpec> = {},
): CloudSpec {
  return {
    kind,
    endpoint,
    region,
    storage,
    credentials: { accessKey: { env: accessKey }, secretKey: { env: secretKey } },
    ...changes,
  };
}

export function openCloud(access: CloudAccess, changes: Partial<CloudSpec> = {}): Promise<Cloud> {
  const clouds: Clouds = createClouds(secretsOf());
  return clouds.open(specOf(access, changes));
}

export function openStore(access: CloudAccess, changes: Partial<CloudSpec> = {}): Promise<ObjectStore> {
  return createClouds(secretsOf()).store(specOf(access, changes));
}

/** The error that the call rejects with. */
export async function failureOf(call: Promise<unknown>): Promise<DeployError> {
  try {
    await call;
  } catch (error) {
    if (error instanceof DeployError) return error;
    throw error;
  }
  throw new Error('nothing was refused');
}

export async function codeOf(call: Promise<unknown>): Promise<ErrorCode> {
  return (await failureOf(call)).code;
}
