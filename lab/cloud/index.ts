/**
 * Clouds, each an HTTP server in front of a region of moto, which speaks and refuses like one release, and its S3 beside it.
 *
 * Simulated: the calls of actions/index.ts; signatures, clock and replay; strict binding; each release's error codes; client
 * tokens; buckets, objects, registration and unbundling of images; classic and VPC addressing; rules, states and public DNS names; a machine per instance, and
 * the end of what its console printed.
 *
 * Not simulated:
 * - what S3 is otherwise for: pieces, versions, policies, reading by others; volumes, snapshots, reboot/stop/start, key pair changes (the calls of known-calls.ts say so);
 * - more than one account (with an ordinary user and, on Eucalyptus, an administrator), IAM, quotas other than of addresses;
 * - VPC objects: subnets, interfaces, ids of them in requests; rules whose source is a group; egress rules;
 * - automatic public addresses: an instance is private until it gets an elastic IP (Eucalyptus: as with `--addressing private`);
 * - eventual consistency: what was answered is listed, what a console printed is shown at once; capacity: there is always room for another instance;
 * - the path and host of a request are signed but not looked at otherwise, and nothing is served over TLS;
 * - ids are moto's (17 digits), also on Eucalyptus; every instance is shown in the cloud's first zone.
 */

import { join } from 'node:path';
import type { CloudPorts } from '../ports';
import { KINDS } from '../types';
import type { CloudAccess, CloudInventory, Kind } from '../types';
import { DIALECTS } from './dialects';
import { Faults } from './faults';
import { Front } from './front';
import { OWNER } from './images';
import { BundleKeys } from './keys';
import type { Machine, MachineOptions } from './machines';
import type { Account } from './signatures';
import { StoreFront } from './store/front';
import { World } from './world';

export const CLOUD_HOST = '127.0.0.1';
const KEY_PAIR = 'lab';
const QUOTA = 250;
const FOREIGN_BUCKET = 'somebody-elses';
const STRANGER = '999999999999';

export interface CloudsOptions {
  readonly dir: string;
  /** moto's URL. */
  readonly moto: string;
  /** Elastic IPs are 127.<net>.<pool>.1 to .250. */
  readonly net: number;
  readonly domain: string;
  readonly ports: Readonly<Record<Kind, CloudPorts>>;
  readonly addressQuota?: number;
  /** The ordinary user of Eucalyptus may register kernels and ramdisks. */
  readonly kernelRights?: boolean;
  readonly machines: Omit<MachineOptions, 'dir'>;
}

export class Clouds {
  readonly faults = new Faults();
  private readonly keys: BundleKeys;
  private readonly accounts: Readonly<Record<Kind, Account[]>>;
  private readonly stores: Readonly<Record<Kind, StoreFront>>;
  private readonly fronts: Readonly<Record<Kind, Front>>;

  constructor(private readonly options: CloudsOptions) {
    this.keys = new BundleKeys(join(options.dir, 'keys'));
    this.accounts = Object.fromEntries(KINDS.map((kind) => [kind, this.accountsOf(kind)])) as Record<Kind, Account[]>;
    this.stores = Object.fromEntries(KINDS.map((kind) => [kind, this.storeOf(kind)])) as Record<Kind, StoreFront>;
    this.fronts = Object.fromEntries(KINDS.map((kind) => [kind, this.frontOf(kind)])) as Record<Kind, Front>;
  }

  async start(): Promise<void> {
    await Promise.all([
      this.keys.ready(),
      ...KINDS.map(async (kind) => {
        const [front, { ec2, s3 }] = [this.fronts[kind], this.options.ports[kind]];
        await front.world.moto.call('CreateKeyPair', { KeyName: KEY_PAIR });
        await front.listen(CLOUD_HOST, ec2);
        await this.stores[kind].listen(CLOUD_HOST, s3);
      }),
    ]);
  }

  async stop(): Promise<void> {
    await Promise.all([...Object.values(this.fronts), ...Object.values(this.stores)].map((front) => front.close()));
    await Promise.all(Object.values(this.fronts).map(({ world }) => world.machines.endAll()));
  }

  front(kind: Kind): Front {
    return this.fronts[kind];
  }

  store(kind: Kind): StoreFront {
    return this.stores[kind];
  }

  /** Machines of a group that are not terminated, whatever the cloud. */
  machinesOf(group: string): Machine[] {
    return Object.values(this.fronts).flatMap(({ world }) => world.machines.ofGroup(group));
  }

  access(kind: Kind): CloudAccess {
    const { region, images, eucalyptus } = DIALECTS[kind];
    const { ec2, s3 } = this.endpointsOf(kind);
    const machine = images.find(({ type }) => type === 'machine');
    return {
      kind,
      region,
      ...keysOf(kind, 'user'),
      temporary: temporaryKeysOf(kind),
      keyName: KEY_PAIR,
      endpoint: ec2,
      storage: s3,
      foreignBucket: FOREIGN_BUCKET,
      signing: {
        account: OWNER,
        certificate: this.keys.certificate('user'),
        privateKey: this.keys.privateKey('user'),
        cloudCertificate: this.keys.certificate('cloud'),
      },
      imageId: machine?.id ?? '',
      ...(eucalyptus ? { addressName: `euca-{dashed}.eucalyptus.${this.options.domain}` } : {}),
      ...(eucalyptus ? { admin: keysOf(kind, 'admin') } : {}),
    };
  }

  /** Another one of the same account, with the rights of the ordinary one. */
  user(kind: Kind, name: string): { accessKey: string; secretKey: string } {
    const keys = {
      accessKey: `${keysOf(kind, 'user').accessKey}-${name}`,
      secretKey: `secret-of-the-lab/${kind}/user/${name}`,
    };
    const there = this.accounts[kind].some(({ accessKey }) => accessKey === keys.accessKey);
    if (!there)
      this.accounts[kind].push({
        ...keys,
        number: OWNER,
        admin: false,
        registersKernels: this.options.kernelRights === true,
      });
    return keys;
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
      addresses: addresses.map(({ publicIp, instanceId }) => ({
        publicIp,
        ...(instanceId === '' ? {} : { instanceId }),
      })),
      groups: groups
        .filter(({ name }) => name !== 'default')
        .map(({ name, description, rules }) => ({
          name,
          description,
          rules: rules.map(({ from, cidr }) => ({ port: from, cidr })),
        })),
    };
  }

  private frontOf(kind: Kind): Front {
    const { dir, moto, net, domain, addressQuota = QUOTA, machines } = this.options;
    const { buckets } = this.stores[kind];
    const world = new World(DIALECTS[kind], {
      moto,
      net,
      domain,
      quota: addressQuota,
      endpoints: this.endpointsOf(kind),
      buckets,
      keys: this.keys,
      machines: { ...machines, dir: join(dir, kind) },
    });
    return new Front(world, this.accounts[kind], this.faults);
  }

  private endpointsOf(kind: Kind): { ec2: string; s3: string } {
    const [{ path, store }, { ec2, s3 }] = [DIALECTS[kind], this.options.ports[kind]];
    return { ec2: `http://${CLOUD_HOST}:${ec2}${path}`, s3: `http://${CLOUD_HOST}:${s3}${store.path}` };
  }

  private storeOf(kind: Kind): StoreFront {
    const store = new StoreFront(
      DIALECTS[kind],
      this.accounts[kind],
      this.faults,
      join(this.options.dir, 'objects', kind),
    );
    store.buckets.create(FOREIGN_BUCKET, STRANGER);
    return store;
  }

  private accountsOf(kind: Kind): Account[] {
    const user = {
      ...keysOf(kind, 'user'),
      number: OWNER,
      admin: false,
      registersKernels: this.options.kernelRights === true,
    };
    const users = [user, { ...user, ...temporaryKeysOf(kind) }];
    return DIALECTS[kind].eucalyptus
      ? [...users, { ...keysOf(kind, 'admin'), number: OWNER, admin: true, registersKernels: true }]
      : users;
  }
}

/** Made up, and the same in every lab: they open nothing but this. */
function keysOf(kind: Kind, who: 'user' | 'admin'): { accessKey: string; secretKey: string } {
  const name = kind.replace(/[^a-z0-9]/g, '').toUpperCase();
  return { accessKey: `LAB${who.toUpperCase()}${name}`, secretKey: `secret-of-the-lab/${kind}/${who}` };
}

function temporaryKeysOf(kind: Kind): CloudAccess['temporary'] {
  const { accessKey, secretKey } = keysOf(kind, 'user');
  return {
    accessKey: `ASIA${accessKey}`,
    secretKey: `${secretKey}/temporary`,
    sessionToken: `token+of/the=lab/${kind}`,
  };
}
