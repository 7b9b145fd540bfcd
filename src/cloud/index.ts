/** Clouds behind the activities' interface: an account is opened with the credentials of the moment, its clients are kept. */

import { readFile } from 'node:fs/promises';
import { isDeepStrictEqual } from 'node:util';
import type { Cloud, Clouds, ObjectStore, Secrets } from '../steps/ports';
import type { CloudSpec } from '../deployment/types';
import { accountOf } from './account';
import { addresses } from './addresses';
import { CLOUD_KINDS } from '../deployment/cloud-kinds';
import type { CloudKind } from '../deployment/cloud-kinds';
import { catalogue } from './catalogue';
import { Ec2 } from './ec2';
import { CloudFailure } from './failures';
import { groups } from './groups';
import { images } from './images';
import { instances } from './instances';
import { objects } from './objects';
import { S3 } from './s3';
import type { Keys } from './signature-v2';

interface Credentials {
  readonly keys: Keys;
  readonly ca: string | undefined;
}

interface Settings {
  readonly spec: CloudSpec;
  readonly keys: Keys;
  readonly can: CloudKind;
  readonly ca?: string;
}

interface Opened<T> extends Credentials {
  readonly client: T;
}

export function createClouds(secrets: Secrets): Clouds {
  const open = keeping(secrets, (settings): Cloud =>
    createCloud(new Ec2(settings), accountOf(settings.spec, settings.keys.accessKey)),
  );
  const store = keeping(secrets, (settings): ObjectStore => objects(new S3(settings)));
  return { open, store };
}

export function createCloud(ec2: Ec2, account: string): Cloud {
  return { account, ...catalogue(ec2), ...images(ec2), ...addresses(ec2), ...groups(ec2), ...instances(ec2) };
}

/** Opens what `create` makes, once for every account and setting. */
function keeping<T>(secrets: Secrets, create: (settings: Settings) => T): (spec: CloudSpec) => Promise<T> {
  const opened = new Map<string, Opened<T>>();
  return async (spec) => {
    const { keys, ca } = await credentialsOf(secrets, spec);
    const settings = JSON.stringify([accountOf(spec, keys.accessKey), spec.kind, spec.region, spec.storage, spec.ca]);
    const kept = opened.get(settings);
    // A key or certificate that was changed is taken up at once, and the old one forgotten.
    if (kept !== undefined && isDeepStrictEqual(kept.keys, keys) && kept.ca === ca) return kept.client;
    const client = create({ spec, keys, can: CLOUD_KINDS[spec.kind], ...(ca === undefined ? {} : { ca }) });
    opened.set(settings, { keys, ca, client });
    return client;
  };
}

async function credentialsOf(secrets: Secrets, { credentials, ca }: CloudSpec): Promise<Credentials> {
  const { accessKey, secretKey, sessionToken } = credentials;
  const [access, secret, token, authority] = await Promise.all([
    secrets.resolve(accessKey),
    secrets.resolve(secretKey),
    sessionToken === undefined ? undefined : secrets.resolve(sessionToken),
    ca === undefined ? undefined : readAuthority(ca),
  ]);
  return {
    keys: {
      accessKey: access.reveal(),
      secretKey: secret.reveal(),
      ...(token === undefined ? {} : { sessionToken: token.reveal() }),
    },
    ca: authority,
  };
}

async function readAuthority(path: NonNullable<CloudSpec['ca']>): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    throw new CloudFailure(
      'CLOUD_UNREACHABLE',
      `cloud.ca cannot be read: ${error instanceof Error ? error.message : String(error)}.`,
    );
  }
}
