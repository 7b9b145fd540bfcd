/**
 * Three clouds, each an HTTP server in front of a region of moto, which speaks and refuses like one release.
 *
 * Simulated: the calls of actions/index.ts; signatures, clock and replay; strict binding; each release's error codes; client
 * tokens; classic and VPC addressing; rules, states and public DNS names; a machine per instance (lab/appliance).
 *
 * Not simulated:
 * - S3, image bundles and registration (the catalogue is fixed), volumes, snapshots, consoles, stop/start, key pair changes;
 * - more than one ordinary account (3.2 has an administrator besides), IAM, quotas other than of addresses;
 * - VPC objects: subnets, interfaces, ids of them in requests; rules whose source is a group; egress rules;
 * - automatic public addresses: an instance is private until it gets an elastic IP (Eucalyptus: as with `--addressing private`);
 * - eventual consistency: what was answered is listed; capacity: there is always room for another instance;
 * - the path and host of a request are signed but not looked at otherwise, and nothing is served over TLS;
 * - ids are moto's (17 digits), also on Eucalyptus; every instance is shown in the cloud's first zone.
 */

import { join } from 'node:path';
import { KINDS } from '../types';
import type { CloudAccess, CloudInventory, Kind } from '../types';
import { DIALECTS } from './dialects';
import { Faults } from './faults';
import { Front } from './front';
import type { Machine, MachineOptions } from './machines';
import { World } from './world';

export type { Call } from './front';

export const CLOUD_HOST = '127.0.0.1';
const KEY_PAIR = 'lab';
const QUOTA = 250;

export interface CloudsOptions {
  readonly dir: string;
  /** moto's URL. */
  readonly moto: string;
  /** Elastic IPs are 127.<net>.<pool>.1 to .250. */
  readonly net: number;
  readonly domain: string;
  readonly ports: Readonly<Record<Kind, number>>;
  readonly addressQuota?: number;
  readonly machines: Omit<MachineOptions, 'dir'>;
}

export class Clouds {
  readonly faults = new Faults();
  private readonly fronts: Readonly<Record<Kind, Front>>;

  constructor(private readonly options: CloudsOptions) {
    const made = KINDS.map((kind) => [kind, this.frontOf(kind)] as const);
    this.fronts = Object.fromEntries(made) as Record<Kind, Front>;
  }

  async start(): Promise<void> {
    for (const kind of KINDS) {
      const front = this.fronts[kind];
      await front.world.moto.call('CreateKeyPair', { KeyName: KEY_PAIR });
      await front.listen(CLOUD_HOST, this.options.ports[kind]);
    }
  }

  async stop(): Promise<void> {
    await Promise.all(Object.values(this.fronts).map((front) => front.close()));
    await Promise.all(Object.values(this.fronts).map(({ world }) => world.machines.endAll()));
  }

  front(kind: Kind): Front {
    return this.fronts[kind];
  }

  /** Machines of a group that are not terminated, whatever the cloud. */
  machinesOf(group: string): Machine[] {
    return Object.values(this.fronts).flatMap(({ world }) => world.machines.ofGroup(group));
  }

  access(kind: Kind): CloudAccess {
    const { region, path, images, eucalyptus, kind: name } = DIALECTS[kind];
    const machine = images.find(({ type }) => type === 'machine');
    return {
      kind, region, ...keysOf(kind, 'user'), keyName: KEY_PAIR,
      endpoint: `http://${CLOUD_HOST}:${this.options.ports[kind]}${path}`,
      imageId: machine?.id ?? '',
      ...(eucalyptus ? { addressName: `euca-{dashed}.eucalyptus.${this.options.domain}` } : {}),
      ...(name === 'eucalyptus-3.2' ? { admin: keysOf(kind, 'admin') } : {}),
    };
  }

  /** Without the group `default`, which is the account's own. Of a rule for several ports, the first. */
  async inventory(kind: Kind): Promise<CloudInventory> {
    const { world } = this.fronts[kind];
    const [instances, addresses, groups] = await Promise.all([world.instances(), world.addresses(), world.groups()]);
    return {
      instances: instances.map(({ id, state, groups: its }) => {
        const publicIp = addresses.find(({ instanceId }) => instanceId === id)?.publicIp;
        return { id, state, groups: its.map(({ name }) => name), ...(publicIp === undefined ? {} : { publicIp }) };
      }),
      addresses: addresses.map(({ publicIp, instanceId }) => ({ publicIp, ...(instanceId === '' ? {} : { instanceId }) })),
      groups: groups.filter(({ name }) => name !== 'default').map(({ name, description, rules }) => ({
        name, description, rules: rules.map(({ from, cidr }) => ({ port: from, cidr })),
      })),
    };
  }

  private frontOf(kind: Kind): Front {
    const { dir, moto, net, domain, addressQuota = QUOTA, machines } = this.options;
    const world = new World(DIALECTS[kind], { moto, net, domain, quota: addressQuota, machines: { ...machines, dir: join(dir, kind) } });
    const accounts = [{ ...keysOf(kind, 'user'), admin: false }];
    if (kind === 'eucalyptus-3.2') accounts.push({ ...keysOf(kind, 'admin'), admin: true });
    return new Front(world, accounts, this.faults);
  }
}

/** Made up, and the same in every lab: they open nothing but this. */
function keysOf(kind: Kind, who: 'user' | 'admin'): { accessKey: string; secretKey: string } {
  const name = kind.replace(/[^a-z0-9]/g, '').toUpperCase();
  return { accessKey: `LAB${who.toUpperCase()}${name}`, secretKey: `secret-of-the-lab/${kind}/${who}` };
}
