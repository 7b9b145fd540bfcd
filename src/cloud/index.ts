/** Clouds behind the interface of the activities: credentials are resolved for each use, clients are kept. */

import { isDeepStrictEqual } from 'node:util';
import type { Cloud, Clouds, ObjectStore, Secrets } from '../steps/ports';
import { CLOUD_KINDS } from '../deployment/cloud-kinds';
import type { CloudKind } from '../deployment/cloud-kinds';
import type { CloudSpec } from '../deployment/spec';
import { account, accountOf } from './account';
import { addresses } from './addresses';
import { readCa, resolveCredentials } from './credentials';
import type { Credentials } from './credentials';
import { Ec2 } from './ec2';
import { images } from './images';
import { instanceTypes } from './instance-types';
import { instances } from './instances';
import { objects } from './objects';
import { room } from './room';
import { S3 } from './s3';
import { securityGroups } from './security-groups';
import { volumes } from './volumes';

interface Settings {
  readonly spec: CloudSpec;
  readonly credentials: Credentials;
  readonly capabilities: CloudKind;
  /** PEM. */
  readonly ca?: string;
}

export function createClouds(secrets: Secrets): Clouds {
  const open = cached(secrets, (settings): Cloud =>
    createCloud(new Ec2(settings), accountOf(settings.spec, settings.credentials.accessKey)),
  );
  const store = cached(secrets, (settings): ObjectStore => objects(new S3(settings)));
  return { open, store };
}

export function createCloud(ec2: Ec2, accountName: string): Cloud {
  return {
    account: accountName,
    ...account(ec2),
    ...images(ec2),
    ...instanceTypes(ec2),
    ...room(ec2),
    ...addresses(ec2),
    ...securityGroups(ec2),
    ...instances(ec2),
    ...volumes(ec2),
  };
}

/** One client for each account and its settings, replaced when its credentials or its CA certificate change. */
function cached<T>(secrets: Secrets, create: (settings: Settings) => T): (spec: CloudSpec) => Promise<T> {
  const clients = new Map<string, { readonly credentials: Credentials; readonly ca?: string; readonly client: T }>();
  return async (spec) => {
    const [credentials, ca] = await Promise.all([
      resolveCredentials(secrets, spec.credentials),
      spec.ca === undefined ? undefined : readCa(spec.ca),
    ]);
    const key = JSON.stringify([accountOf(spec, credentials.accessKey), spec.kind, spec.region, spec.storage, spec.ca]);
    const known = clients.get(key);
    if (known !== undefined && isDeepStrictEqual(known.credentials, credentials) && known.ca === ca)
      return known.client;
    const resolved = { credentials, ...(ca === undefined ? {} : { ca }) };
    const client = create({ spec, capabilities: CLOUD_KINDS[spec.kind], ...resolved });
    clients.set(key, { ...resolved, client });
    return client;
  };
}
