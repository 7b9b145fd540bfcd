/**
 * The clouds: each is an HTTP server in front of a region of moto that behaves like one release, with an S3 server
 * beside it.
 *
 * Simulated: the calls of actions/index.ts; signatures, clock skew and replay; strict binding of parameters; each
 * release's error codes; client tokens; buckets, objects, registration and unbundling of images; classic and VPC
 * addressing; security group rules, instance states and public DNS names; a machine per instance, and the end of its
 * console output; the private network between machines; limits, capacity and automatic public addresses (`configure`);
 * volumes, as folders of the host.
 *
 * Not simulated:
 * - the rest of S3: multipart uploads, versions, policies, access by others; snapshots, reboot, stop and
 *   start, changes to key pairs (unsimulated-actions.ts);
 * - more than one account (it has an ordinary user and, on Eucalyptus, an administrator), IAM, quotas other than of
 *   addresses and instances;
 * - VPC objects such as subnets and interfaces; egress rules;
 * - eventual consistency, TLS.
 *
 * Unlike real clouds, the path and host of a request matter only to its signature, ids have moto's 17 digits on
 * Eucalyptus too, and instances that ask for no zone are in the cloud's first one.
 */

import { join } from 'node:path';
import type { CloudPorts } from '../ports';
import { KINDS } from '../types';
import type { CloudAccess, CloudInventory, CloudSettings, Kind } from '../types';
import { BundleKeys } from './bundle-keys';
import { Cloud } from './cloud';
import { DIALECTS } from './dialects';
import { Ec2Front } from './ec2-front';
import { Faults } from './faults';
import { OWNER } from './images';
import type { Machine, MachineOptions } from './machines';
import { S3Front } from './s3/front';
import { isPeer } from './rules';
import type { Account } from './signatures';

export const CLOUD_HOST = '127.0.0.1';
const KEY_PAIR = 'lab';
const SETTINGS: CloudSettings = { addresses: 250, instances: 1000, capacity: 1000, publicAddresses: false };
const FOREIGN_BUCKET = 'somebody-elses';
const OTHER_ACCOUNT = '999999999999';

export interface CloudsOptions {
  readonly dir: string;
  /** moto's URL. */
  readonly moto: string;
  /** Elastic IPs are 127.<net>.<pool>.1 to .250. */
  readonly net: number;
  readonly domain: string;
  readonly ports: Readonly<Record<Kind, CloudPorts>>;
  readonly addressQuota?: number;
  /** Lets the ordinary user of Eucalyptus register kernels and ramdisks. */
  readonly kernelRights?: boolean;
  readonly machines: Omit<MachineOptions, 'dir' | 'released' | 'route'>;
}

export class Clouds {
  readonly faults = new Faults();
  private readonly keys: BundleKeys;
  private readonly accounts: Readonly<Record<Kind, Account[]>>;
  private readonly stores: Readonly<Record<Kind, S3Front>>;
  private readonly fronts: Readonly<Record<Kind, Ec2Front>>;

  constructor(private readonly options: CloudsOptions) {
    this.keys = new BundleKeys(join(options.dir, 'keys'));
    this.accounts = Object.fromEntries(KINDS.map((kind) => [kind, this.accountsOf(kind)])) as Record<Kind, Account[]>;
    this.stores = Object.fromEntries(KINDS.map((kind) => [kind, this.storeOf(kind)])) as Record<Kind, S3Front>;
    this.fronts = Object.fromEntries(KINDS.map((kind) => [kind, this.frontOf(kind)])) as Record<Kind, Ec2Front>;
  }

  async start(): Promise<void> {
    await Promise.all([
      this.keys.ready(),
      ...KINDS.map(async (kind) => {
        const [front, { ec2, s3 }] = [this.fronts[kind], this.options.ports[kind]];
        await front.cloud.moto.call('CreateKeyPair', { KeyName: KEY_PAIR });
        await front.listen(CLOUD_HOST, ec2);
        await this.stores[kind].listen(CLOUD_HOST, s3);
      }),
    ]);
  }

  async stop(): Promise<void> {
    await Promise.all([...Object.values(this.fronts), ...Object.values(this.stores)].map((front) => front.close()));
    await Promise.all(Object.values(this.fronts).map(({ cloud }) => cloud.machines.endAll()));
  }

  front(kind: Kind): Ec2Front {
    return this.fronts[kind];
  }

  store(kind: Kind): S3Front {
    return this.stores[kind];
  }

  configure(kind: Kind, settings: Partial<CloudSettings>): void {
    const { cloud } = this.fronts[kind];
    cloud.settings = { ...cloud.settings, ...settings };
  }

  /** Machines of a security group that are not terminated, of all clouds. */
  machinesOf(group: string): Machine[] {
    return Object.values(this.fronts).flatMap(({ cloud }) => cloud.machines.ofGroup(group));
  }

  /** With those that are terminated. */
  launchedIn(group: string): Machine[] {
    return Object.values(this.fronts).flatMap(({ cloud }) => cloud.machines.launchedIn(group));
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

  /** Another user of the same account, with the rights of the ordinary user. */
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

  /** Leaves out the group `default`, which always exists. Of a rule for several ports it shows the first. */
  async inventory(kind: Kind): Promise<CloudInventory> {
    const { cloud } = this.fronts[kind];
    const [instances, addresses, groups] = await Promise.all([cloud.instances(), cloud.addresses(), cloud.groups()]);
    return {
      instances: instances.map(({ id, state, groups: its }) => {
        const elastic = addresses.find(({ instanceId }) => instanceId === id)?.publicIp;
        const publicIp = elastic ?? cloud.ownAddress(id);
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
          rules: rules.map(({ from, source }) => ({
            port: from,
            ...(isPeer(source) ? { group: source.name } : { cidr: source.cidr }),
          })),
        })),
    };
  }

  private frontOf(kind: Kind): Ec2Front {
    const { dir, moto, net, domain, addressQuota: addresses = SETTINGS.addresses, machines } = this.options;
    const { buckets } = this.stores[kind];
    const cloud = new Cloud(DIALECTS[kind], {
      moto,
      net,
      domain,
      settings: { ...SETTINGS, addresses },
      endpoints: this.endpointsOf(kind),
      buckets,
      keys: this.keys,
      machines: { ...machines, dir: join(dir, kind) },
    });
    return new Ec2Front(cloud, this.accounts[kind], this.faults);
  }

  private endpointsOf(kind: Kind): { ec2: string; s3: string } {
    const [{ path, store }, { ec2, s3 }] = [DIALECTS[kind], this.options.ports[kind]];
    return { ec2: `http://${CLOUD_HOST}:${ec2}${path}`, s3: `http://${CLOUD_HOST}:${s3}${store.path}` };
  }

  private storeOf(kind: Kind): S3Front {
    const store = new S3Front(
      DIALECTS[kind],
      this.accounts[kind],
      this.faults,
      join(this.options.dir, 'objects', kind),
    );
    store.buckets.create(FOREIGN_BUCKET, OTHER_ACCOUNT);
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

/** Made-up keys, the same in every lab. They give access to nothing else. */
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
