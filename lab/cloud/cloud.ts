/**
 * The state of one cloud: what moto holds, and the machines. An action that changes moto refreshes the changed rows
 * before it answers, so that later calls see every change that was answered.
 */

import { join } from 'node:path';
import pLimit from 'p-limit';
import type { Arrival, CloudSettings, Rule } from '../types';
import type { BundleKeys } from './bundle-keys';
import type { Dialect } from './dialects';
import { Images } from './images';
import { Machines } from './machines';
import type { MachineOptions } from './machines';
import { MotoClient } from './moto-client';
import { addressesIn, groupsIn, instancesIn } from './records';
import type { AddressRecord, GroupRecord, InstanceRecord, RuleRecord } from './records';
import { RowCache } from './row-cache';
import type { RowSource } from './row-cache';
import { isPeer, letThrough } from './rules';
import type { Buckets } from './s3/buckets';
import { Volumes } from './volumes';

/** By default moto returns only 100 reservations. */
const INSTANCES: RowSource<InstanceRecord> = {
  action: 'DescribeInstances',
  by: 'InstanceId',
  all: { MaxResults: '100000' },
  extract: instancesIn,
  keyOf: ({ id }) => id,
};
const ADDRESSES: RowSource<AddressRecord> = {
  action: 'DescribeAddresses',
  by: 'PublicIp',
  all: {},
  extract: addressesIn,
  keyOf: ({ publicIp }) => publicIp,
};
const GROUPS: RowSource<GroupRecord> = {
  action: 'DescribeSecurityGroups',
  by: 'GroupId',
  all: {},
  extract: groupsIn,
  keyOf: ({ id }) => id,
};

const LIVING: ReadonlySet<string> = new Set(['pending', 'running']);

export interface CloudOptions {
  readonly moto: string;
  readonly net: number;
  readonly domain: string;
  /** URLs of its EC2 and S3. */
  readonly endpoints: { readonly ec2: string; readonly s3: string };
  readonly settings: CloudSettings;
  readonly machines: Omit<MachineOptions, 'released' | 'route'>;
  readonly buckets: Buckets;
  readonly keys: BundleKeys;
}

export class Cloud {
  readonly moto: MotoClient;
  readonly machines: Machines;
  readonly buckets: Buckets;
  readonly images: Images;
  readonly volumes: Volumes;
  /** Launches by client token. */
  readonly tokens = new Map<string, { readonly request: string; readonly ids: readonly string[] }>();
  readonly cache: {
    readonly instances: RowCache<InstanceRecord>;
    readonly addresses: RowCache<AddressRecord>;
    readonly groups: RowCache<GroupRecord>;
  };
  /** Rules whose source is a group, by the id of the group that has them. */
  readonly peerRules = new Map<string, readonly RuleRecord[]>();
  settings: CloudSettings;
  /** Public addresses that instances have without an elastic IP, by instance id. */
  private readonly ownAddresses = new Map<string, string>();
  private readonly changes = pLimit(1);
  private lastHost = 0;

  constructor(
    readonly dialect: Dialect,
    readonly options: CloudOptions,
  ) {
    this.moto = new MotoClient(options.moto, dialect.motoRegion);
    const { dir: folder } = options.machines;
    this.volumes = new Volumes({
      dir: join(folder, 'volumes'),
      idLength: dialect.registration.idLength,
      listsDeleted: dialect.eucalyptus,
    });
    this.settings = options.settings;
    this.machines = new Machines({
      ...options.machines,
      released: (id) => {
        this.volumes.freeAllOf(id);
        this.ownAddresses.delete(id);
      },
      route: (id, ip, port) => this.route(id, ip, port),
    });
    this.buckets = options.buckets;
    const { dir, bootsImages } = options.machines;
    this.images = new Images(dialect, options.buckets, options.keys, bootsImages ? join(dir, 'images') : undefined);
    this.cache = {
      instances: new RowCache(this.moto, INSTANCES),
      addresses: new RowCache(this.moto, ADDRESSES),
      groups: new RowCache(this.moto, GROUPS),
    };
  }

  /** Instances that are still listed, with the state of their machines. */
  async instances(): Promise<InstanceRecord[]> {
    const records = await this.cache.instances.all();
    return records.flatMap((record) => {
      const machine = this.machines.get(record.id);
      return machine?.listed === true ? [{ ...record, state: machine.state }] : [];
    });
  }

  addresses(): Promise<AddressRecord[]> {
    return this.cache.addresses.all();
  }

  /** moto knows only VPC groups, and describes the group `default` as one. */
  async groups(): Promise<GroupRecord[]> {
    const all = (await this.cache.groups.all()).map((group) => ({
      ...group,
      rules: [...group.rules, ...(this.peerRules.get(group.id) ?? [])],
    }));
    return this.dialect.vpc
      ? all
      : all.map((group) => (group.name === 'default' ? { ...group, description: 'default group' } : group));
  }

  /** Runs changes one at a time, so that nothing changes between an action's check and its effect. */
  runExclusive<T>(action: () => Promise<T>): Promise<T> {
    return this.changes(action);
  }

  /** A free address of the pool, if possible one that was not released recently; undefined if there is none. */
  async freeAddress(): Promise<string | undefined> {
    const taken = new Set([...(await this.addresses()).map(({ publicIp }) => publicIp), ...this.ownAddresses.values()]);
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

  /** The public address of an instance that has no elastic IP. */
  ownAddress(instanceId: string): string | undefined {
    return this.ownAddresses.get(instanceId);
  }

  async giveOwnAddress(instanceId: string): Promise<void> {
    const ip = await this.freeAddress();
    if (ip === undefined) return;
    this.ownAddresses.set(instanceId, ip);
    await this.machines.get(instanceId)?.setPublicIp(ip);
  }

  takeOwnAddress(instanceId: string): void {
    this.ownAddresses.delete(instanceId);
  }

  pool(): string[] {
    return Array.from({ length: 250 }, (_, i) => `127.${this.options.net}.${this.dialect.pool}.${i + 1}`);
  }

  /** The zone that the launch asked for, else the first. */
  zoneOf(instanceId: string): string {
    return this.machines.get(instanceId)?.zone ?? this.dialect.zones[0] ?? '';
  }

  /** The public DNS name of an address. */
  publicDnsName(ip: string): string {
    const dashed = ip.replaceAll('.', '-');
    return this.dialect.eucalyptus
      ? `euca-${dashed}.eucalyptus.${this.options.domain}`
      : `ec2-${dashed}.compute-1.amazonaws.com`;
  }

  /** Applies the current rules of all their groups to the machines of a group. */
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
    return rules.flatMap(({ from, to, source }) =>
      isPeer(source) ? [] : this.machines.portsIn(from, to).map((port) => ({ port, cidr: source.cidr })),
    );
  }

  /** Takes a connection from a machine to a private address. A machine always reaches itself. */
  private async route(fromId: string, ip: string, port: number): Promise<Arrival> {
    const [instances, groups] = await Promise.all([this.instances(), this.groups()]);
    const from = instances.find(({ id }) => id === fromId);
    const to = instances.find(({ privateIp, state }) => privateIp === ip && LIVING.has(state));
    if (from === undefined || to === undefined) return 'dropped';
    const rules = groups.filter(({ id }) => to.groups.some((group) => group.id === id)).flatMap((group) => group.rules);
    if (from.id !== to.id && !letThrough(rules, port, from)) return 'dropped';
    return this.machines.get(to.id)?.host?.arrive?.(port, from.privateIp) ?? 'dropped';
  }
}
