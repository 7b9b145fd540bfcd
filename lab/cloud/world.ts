/**
 * One cloud: moto's memory of it and the machines. An action that changes moto has the rows it touched read again before it answers,
 * so whoever looks sees every change that was answered before.
 */

import { join } from 'node:path';
import { Turns } from '../turns';
import type { Rule } from '../types';
import type { Dialect } from './dialects';
import { Images } from './images';
import { Kept } from './kept';
import type { Sort } from './kept';
import type { BundleKeys } from './keys';
import { Machines } from './machines';
import type { MachineOptions } from './machines';
import { MotoClient } from './moto-client';
import { addressesIn, groupsIn, instancesIn } from './records';
import type { AddressRecord, GroupRecord, InstanceRecord } from './records';
import type { Buckets } from './store/buckets';

/** moto's default is 100 reservations an answer. */
const INSTANCES: Sort<InstanceRecord> = {
  action: 'DescribeInstances',
  by: 'InstanceId',
  all: { MaxResults: '100000' },
  extract: instancesIn,
  keyOf: ({ id }) => id,
};
const ADDRESSES: Sort<AddressRecord> = {
  action: 'DescribeAddresses',
  by: 'PublicIp',
  all: {},
  extract: addressesIn,
  keyOf: ({ publicIp }) => publicIp,
};
const GROUPS: Sort<GroupRecord> = {
  action: 'DescribeSecurityGroups',
  by: 'GroupId',
  all: {},
  extract: groupsIn,
  keyOf: ({ id }) => id,
};

export interface WorldOptions {
  readonly moto: string;
  readonly net: number;
  readonly quota: number;
  readonly domain: string;
  /** Where clients reach its EC2, and its S3. */
  readonly endpoints: { readonly ec2: string; readonly s3: string };
  readonly machines: MachineOptions;
  readonly buckets: Buckets;
  readonly keys: BundleKeys;
}

export class World {
  readonly moto: MotoClient;
  readonly machines: Machines;
  readonly buckets: Buckets;
  readonly images: Images;
  /** Where each client token led. */
  readonly tokens = new Map<string, { readonly request: string; readonly ids: readonly string[] }>();
  readonly kept: {
    readonly instances: Kept<InstanceRecord>;
    readonly addresses: Kept<AddressRecord>;
    readonly groups: Kept<GroupRecord>;
  };
  private readonly changes = new Turns();
  private lastHost = 0;

  constructor(
    readonly dialect: Dialect,
    readonly options: WorldOptions,
  ) {
    this.moto = new MotoClient(options.moto, dialect.motoRegion);
    this.machines = new Machines(options.machines);
    this.buckets = options.buckets;
    const { dir, bootsImages } = options.machines;
    this.images = new Images(dialect, options.buckets, options.keys, bootsImages ? join(dir, 'images') : undefined);
    this.kept = {
      instances: new Kept(this.moto, INSTANCES),
      addresses: new Kept(this.moto, ADDRESSES),
      groups: new Kept(this.moto, GROUPS),
    };
  }

  /** Those still listed, with the state of their machines. */
  async instances(): Promise<InstanceRecord[]> {
    const records = await this.kept.instances.all();
    return records.flatMap((record) => {
      const machine = this.machines.get(record.id);
      return machine?.listed === true ? [{ ...record, state: machine.state }] : [];
    });
  }

  addresses(): Promise<AddressRecord[]> {
    return this.kept.addresses.all();
  }

  /** moto has VPC groups only, and calls `default` as those are called. */
  async groups(): Promise<GroupRecord[]> {
    const all = await this.kept.groups.all();
    return this.dialect.vpc
      ? all
      : all.map((group) => (group.name === 'default' ? { ...group, description: 'default group' } : group));
  }

  /** One at a time: what an action looks at may not change before it has acted. */
  alone<T>(action: () => Promise<T>): Promise<T> {
    return this.changes.take(action);
  }

  /** An address of the pool that nobody has, as long as possible after it was given back; undefined where there is none. */
  async freeAddress(): Promise<string | undefined> {
    const taken = new Set((await this.addresses()).map(({ publicIp }) => publicIp));
    if (taken.size >= this.options.quota) return undefined;
    const pool = this.pool();
    for (let i = 0; i < pool.length; i += 1) {
      const host = (this.lastHost + i) % pool.length;
      const ip = pool[host];
      if (ip !== undefined && !taken.has(ip)) {
        this.lastHost = host + 1;
        return ip;
      }
    }
    return undefined;
  }

  pool(): string[] {
    return Array.from({ length: 250 }, (_, i) => `127.${this.options.net}.${this.dialect.pool}.${i + 1}`);
  }

  /** The public DNS name of an address. */
  nameOf(ip: string): string {
    const dashed = ip.replaceAll('.', '-');
    return this.dialect.eucalyptus
      ? `euca-${dashed}.eucalyptus.${this.options.domain}`
      : `ec2-${dashed}.compute-1.amazonaws.com`;
  }

  /** Tells the machines of a group what their groups open now. */
  async applyRules(groupName: string): Promise<void> {
    await Promise.all(
      this.machines.ofGroup(groupName).map(async (machine) => machine.setRules(await this.openPorts(machine.groups))),
    );
  }

  async openPorts(groupNames: readonly string[]): Promise<Rule[]> {
    const groups = (await this.groups()).filter(({ name }) => groupNames.includes(name));
    const rules = groups
      .flatMap((group) => group.rules)
      .filter(({ protocol }) => protocol === 'tcp' || protocol === '-1');
    return rules.flatMap(({ from, to, cidr }) => this.machines.openedBy(from, to).map((port) => ({ port, cidr })));
  }
}
