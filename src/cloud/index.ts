/** Clouds behind the activities' interface: an account is opened with the credentials of the moment, its client is kept. */

import { readFile } from 'node:fs/promises';
import type { Cloud, Clouds, Secrets } from '../activities/ports';
import type { CloudSpec } from '../spec/types';
import { accountOf } from './account';
import { addresses } from './addresses';
import { CAPABILITIES } from './capabilities';
import { catalogue } from './catalogue';
import { Ec2 } from './ec2';
import { CloudFailure } from './failures';
import { groups } from './groups';
import { instances } from './instances';

interface Opened {
  readonly secretKey: string;
  readonly ca: string | undefined;
  readonly cloud: Cloud;
}

export function createClouds(secrets: Secrets): Clouds {
  const opened = new Map<string, Opened>();
  return {
    async open(spec) {
      const [access, secret, ca] = await Promise.all([
        secrets.resolve(spec.credentials.accessKey), secrets.resolve(spec.credentials.secretKey), spec.ca === undefined ? undefined : readAuthority(spec.ca),
      ]);
      const keys = { accessKey: access.reveal(), secretKey: secret.reveal() };
      const account = accountOf(spec, keys.accessKey);
      const settings = JSON.stringify([account, spec.kind, spec.region, spec.ca]);
      const kept = opened.get(settings);
      // A key or certificate that was changed is taken up at once, and the old one forgotten.
      if (kept !== undefined && kept.secretKey === keys.secretKey && kept.ca === ca) return kept.cloud;
      const ec2 = new Ec2({ spec, keys, can: CAPABILITIES[spec.kind], ...(ca === undefined ? {} : { ca }) });
      const cloud = createCloud(ec2, account);
      opened.set(settings, { secretKey: keys.secretKey, ca, cloud });
      return cloud;
    },
  };
}

export function createCloud(ec2: Ec2, account: string): Cloud {
  return { account, ...catalogue(ec2), ...addresses(ec2), ...groups(ec2), ...instances(ec2) };
}

async function readAuthority(path: NonNullable<CloudSpec['ca']>): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    throw new CloudFailure('CLOUD_UNREACHABLE', `cloud.ca cannot be read: ${error instanceof Error ? error.message : String(error)}.`);
  }
}
