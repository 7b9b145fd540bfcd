/** Another user of the same account, and what the account and its buckets hold according to the cloud itself. */

import { createHash } from 'node:crypto';
import type { Kind, Lab } from '../../lab/types';
import { publish } from '../../src/client/publish';
import type { Temporal } from '../../src/client/temporal';
import type { DeploymentSpec } from '../../src/deployment/spec';
import { openCloud, openStore } from '../cloud/support';
import { bytesOf } from '../support/secrets';
import { eventually } from '../support/wait';

export interface AccountState {
  readonly instances: readonly string[];
  readonly addresses: readonly string[];
  readonly groups: readonly string[];
  readonly images: readonly string[];
  readonly objects: readonly string[];
}

/** One line per resource. Terminated instances and deregistered images are left out: a cloud lists them for a while. */
export async function accountState(lab: Lab, kind: Kind): Promise<AccountState> {
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

/** Keys of objects beside the bundle of that name, named alike, that cannot be part of a bundle. */
export function similarObjects(image: string): readonly string[] {
  const prefixes = [image, `${image}-kernel`, `${image}-ramdisk`];
  return [
    ...prefixes.flatMap((prefix) => [`${prefix}.part.notes.txt`, `${prefix}.manifest.xml.old`]),
    `${image}2.part.00`,
    'README',
  ];
}

export class OtherUser {
  /** Addresses allocated after the state was taken. */
  readonly laterAddresses: string[] = [];
  private readonly access;

  constructor(
    lab: Lab,
    readonly kind: Kind,
  ) {
    this.access = { ...lab.cloud(kind), ...lab.user(kind, 'other-user') };
  }

  /** Creates groups, an instance, and two addresses: one associated, one free. */
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
      userData: bytesOf('none'),
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
    this.laterAddresses.push(`${publicIp} of none`);
  }

  async store(bucket: string, keys: readonly string[]): Promise<void> {
    const store = await openStore(this.access);
    await store.ensureBucket(bucket);
    for (const key of keys) {
      const body = Buffer.from(`${key} is somebody's`);
      await store.put(bucket, key, body, createHash('md5').update(body).digest('hex'));
    }
  }

  /** Publishes with the product itself, but before the deployments: the image is not theirs to remove. */
  async publish(temporal: Temporal, spec: DeploymentSpec): Promise<void> {
    let stage = '';
    for await (const { view } of publish(temporal, spec)) stage = view.stage;
    if (stage !== 'published') throw new Error(`${this.kind}: the other user's image is ${stage}`);
  }
}
