/** What others have in the account, the buckets and the zone; and what is there, as the cloud, its S3 and BIND have it themselves. */

import { createHash } from 'node:crypto';
import type { Kind, Lab } from '../../lab/types';
import { publish } from '../../src/client/publish';
import type { Temporal } from '../../src/client/temporal';
import type { DeploymentSpec } from '../../src/deployment/types';
import { openCloud, openStore, secretOf } from '../cloud/support';
import { eventually } from '../support/wait';

export interface Holdings {
  readonly instances: readonly string[];
  readonly addresses: readonly string[];
  readonly groups: readonly string[];
  readonly images: readonly string[];
  readonly objects: readonly string[];
}

/** What is there now, a line each. Terminated instances and deregistered images are listed for a while, and are nobody's. */
export async function holdings(lab: Lab, kind: Kind): Promise<Holdings> {
  const { instances, addresses, groups } = await lab.inventory(kind);
  return {
    instances: instances
      .filter(({ state }) => state !== 'terminated')
      .map(({ id, state, groups: its, publicIp }) => `${id} ${state} in ${its.join(' ')} at ${publicIp ?? 'none'}`)
      .sort(),
    addresses: addresses.map(({ publicIp, instanceId }) => `${publicIp} of ${instanceId ?? 'none'}`).sort(),
    groups: groups.map(({ name, description, rules }) => `${name} (${description}) ${JSON.stringify(rules)}`).sort(),
    images: lab
      .images(kind)
      .filter(({ state }) => state !== 'deregistered')
      .map(({ id, name, location, state }) => `${id} ${name} at ${location} ${state}`)
      .sort(),
    objects: lab.objects(kind).map(({ bucket, key, size, md5, acl }) => `${bucket}/${key} ${size} ${md5} ${acl}`),
  };
}

/** Beside the bundle of that name, and alike: none of it can be a part of one. */
export function objectsLike(image: string): readonly string[] {
  const prefixes = [image, `${image}-kernel`, `${image}-ramdisk`];
  return [
    ...prefixes.flatMap((prefix) => [`${prefix}.part.notes.txt`, `${prefix}.manifest.xml.old`]),
    `${image}2.part.00`,
    'README',
  ];
}

/** A stranger who uses the same account. */
export class Stranger {
  /** Addresses that came later than the rest. */
  readonly more: string[] = [];
  private readonly access;

  constructor(
    lab: Lab,
    readonly kind: Kind,
  ) {
    this.access = { ...lab.cloud(kind), ...lab.user(kind, 'stranger') };
  }

  /** Groups and instances, an address that is used and one that is free. */
  async settle(): Promise<void> {
    const cloud = await openCloud(this.access);
    const owner = 'stackato-deploy/elsewhere/somebody';
    for (const name of ['stackato', 'stackato-somebody']) {
      await cloud.createGroup(name, name === 'stackato' ? 'web servers' : owner);
      const group = await cloud.findGroup(name);
      if (group !== undefined) await cloud.authorize(group, { port: 443, cidr: '192.0.2.0/24' });
    }
    const group = await cloud.findGroup('stackato-somebody');
    const { id } = await cloud.launch({
      imageId: this.access.imageId,
      type: 'm1.large',
      group: group ?? { name: 'stackato-somebody' },
      clientToken: 'somebody',
      owner,
      userData: secretOf('none'),
    });
    await eventually(`${id} runs`, async () =>
      (await cloud.findInstances(owner, 'stackato-somebody')).some(
        (each) => each.id === id && each.state === 'running',
      ),
    );
    await cloud.associateAddress(await cloud.allocateAddress(owner), id);
    await cloud.allocateAddress(owner);
  }

  async allocate(): Promise<void> {
    const { publicIp } = await (await openCloud(this.access)).allocateAddress('stackato-deploy/elsewhere/another');
    this.more.push(`${publicIp} of none`);
  }

  async store(bucket: string, keys: readonly string[]): Promise<void> {
    const store = await openStore(this.access);
    await store.ensureBucket(bucket);
    for (const key of keys) {
      const body = Buffer.from(`${key} is somebody's`);
      await store.put(bucket, key, body, createHash('md5').update(body).digest('hex'));
    }
  }

  /** By the product, and before all others: it is theirs. */
  async publish(temporal: Temporal, spec: DeploymentSpec): Promise<void> {
    let stage = '';
    for await (const { view } of publish(temporal, spec)) stage = view.stage;
    if (stage !== 'published') throw new Error(`${this.kind}: the stranger's image is ${stage}`);
  }
}
