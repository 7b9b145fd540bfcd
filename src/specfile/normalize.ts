/** Turns the spec as written into a DeploymentSpec: every default filled in, every path absolute. */

import { resolve } from 'node:path';
import { coreRolesOf, rolesMeant } from './roles';
import type { WrittenSpec } from './schema';
import { milliseconds } from './schema-timing';
import { RELEASES } from '../deployment/releases';
import type { ReleaseName } from '../deployment/releases';
import type {
  AdminSpec,
  CatalogFile,
  CloudInitSpec,
  CloudSpec,
  ClusterSpec,
  DeploymentSpec,
  DnsSpec,
  ImageFile,
  ImageSpec,
  InstanceSpec,
  NetworkSpec,
  SecretRef,
  SshSpec,
  Timing,
} from '../deployment/spec';

const DEFAULT_REGION = 'eucalyptus';
/** Name of the first administrator's organization, and of their space. */
const DEFAULT_PLACE = 'default';

type Written = Required<WrittenSpec>;

/** @param folder what relative paths are relative to: the spec's own folder, wherever the command is run */
export function normalize(spec: WrittenSpec, folder: string): DeploymentSpec {
  const { name, release, image, address, admin, access, console } = spec;
  return {
    name,
    release,
    cloud: cloudOf(spec.cloud, folder),
    image: imageOf(image, folder),
    instance: instanceOf({ ...spec.instance, ...ownOf(spec.nodes?.core) }, folder),
    address: address === 'allocate' ? { allocate: true } : { ip: address },
    dns: dnsOf(spec.dns, folder),
    ssh: sshOf(spec.ssh, folder),
    network: networkOf(spec.network),
    ...storageOf(spec.nodes?.core?.storage ?? spec.storage),
    ...(spec.nodes === undefined ? {} : { cluster: clusterOf(spec, spec.nodes, folder) }),
    ...(admin === undefined ? {} : { admin: adminOf(admin, release, folder) }),
    access,
    console,
    timing: timingOf(spec.timing),
  };
}

function clusterOf(
  { release, instance, storage, rollout, ssh }: WrittenSpec,
  { core, ...written }: Written['nodes'],
  folder: string,
): ClusterSpec {
  const groups = Object.entries(written).map(([name, group]) => ({
    name,
    roles: rolesMeant(release, group.roles),
    count: group.count,
    instance: instanceOf({ ...instance, ...ownOf(group) }, folder),
    ...storageOf(group.storage ?? storage),
  }));
  return {
    coreRoles: coreRolesOf(
      release,
      core?.roles ?? [],
      groups.flatMap(({ roles }) => roles),
    ),
    groups,
    rollout,
    reach: ssh.reach ?? 'core',
  };
}

/** What some nodes have of an instance of their own. */
function ownOf(
  own: { type?: string | undefined; zone?: string | undefined; key?: string | undefined } = {},
): Partial<Written['instance']> {
  const { type, zone, key } = own;
  return {
    ...(type === undefined ? {} : { type }),
    ...(zone === undefined ? {} : { zone }),
    ...(key === undefined ? {} : { key }),
  };
}

function adminOf(
  { email, password, username, organization, space }: Written['admin'],
  release: ReleaseName,
  folder: string,
): AdminSpec {
  const account = { email, password: reference(password, folder) };
  if (RELEASES[release].firstAdmin.value.by === 'licence') return account;
  return {
    ...account,
    username: username ?? email,
    organization: organization ?? DEFAULT_PLACE,
    space: space ?? DEFAULT_PLACE,
  };
}

function cloudOf(
  { kind, endpoint, region, credentials, ca, addressName, storage }: Written['cloud'],
  folder: string,
): CloudSpec {
  return {
    kind,
    ...(endpoint === undefined ? {} : { endpoint: tidyUrl(endpoint) }),
    region: region ?? DEFAULT_REGION,
    credentials: {
      accessKey: reference(credentials.accessKey, folder),
      secretKey: reference(credentials.secretKey, folder),
      ...(credentials.sessionToken === undefined ? {} : { sessionToken: reference(credentials.sessionToken, folder) }),
    },
    ...(ca === undefined ? {} : { ca: resolve(folder, ca) }),
    ...(addressName === undefined ? {} : { addressName }),
    ...(storage === undefined ? {} : { storage: tidyUrl(storage) }),
  };
}

function imageOf(image: Written['image'], folder: string): DeploymentSpec['image'] {
  if (typeof image === 'string') return { id: image };
  const cloudInit = image.cloudInit ? ({ cloudInit: true } as const) : {};
  if (image.id !== undefined) return { id: image.id, ...cloudInit };
  const { account, certificate, privateKey, cloudCertificate } = needed(image.signing);
  return {
    name: needed(image.name),
    bucket: needed(image.bucket),
    architecture: image.architecture,
    ...imageFiles(image, folder),
    signing: {
      account,
      certificate: resolve(folder, certificate),
      privateKey: reference(privateKey, folder),
      cloudCertificate: resolve(folder, cloudCertificate),
    },
    ...cloudInit,
  };
}

type WrittenImage = Exclude<Written['image'], string>;

function imageFiles(image: WrittenImage, folder: string): Pick<ImageSpec, 'kernel' | 'ramdisk' | 'root'> {
  const { catalog, entry, architecture, hypervisor = 'kvm' } = image;
  if (catalog === undefined)
    return {
      kernel: fileOf(needed(image.kernel), folder),
      ramdisk: fileOf(needed(image.ramdisk), folder),
      root: fileOf(needed(image.root), folder),
    };
  const archive: CatalogFile = {
    catalog: catalogPlace(catalog, folder),
    ...(entry === undefined ? {} : { entry }),
    architecture,
    hypervisor,
  };
  return { kernel: archive, ramdisk: archive, root: archive };
}

/** A slash at the end means something, and resolve() would drop it. */
function catalogPlace(catalog: string, folder: string): string {
  if (/^https?:/i.test(catalog)) return new URL(catalog).href;
  return `${resolve(folder, catalog)}${catalog.endsWith('/') ? '/' : ''}`;
}

type WrittenFile = NonNullable<WrittenImage['root']>;

function fileOf(written: WrittenFile, folder: string): ImageFile {
  if (typeof written === 'string') return { file: resolve(folder, written) };
  const { file, url, inside } = written;
  const sha256 = written.sha256?.toLowerCase();
  const entry = inside === undefined ? {} : { inside };
  if (url !== undefined) return { url: new URL(url).href, sha256: needed(sha256), ...entry };
  return { file: resolve(folder, needed(file)), ...(sha256 === undefined ? {} : { sha256 }), ...entry };
}

/** A key that the schema allows to be left out, and a rule does not. */
function needed<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('the rules accepted a spec in which a key is missing');
  return value;
}

function instanceOf({ type, zone, key, userData, cloudInit }: Written['instance'], folder: string): InstanceSpec {
  return {
    type,
    ...(zone === undefined ? {} : { zone }),
    ...(key === undefined ? {} : { keyName: key }),
    ...(userData === undefined ? {} : { userData: reference(userData, folder) }),
    ...(cloudInit === undefined ? {} : { cloudInit: cloudInitOf(cloudInit) }),
  };
}

function cloudInitOf({
  passwords,
  authorizedKeys,
  bootcmd,
}: NonNullable<Written['instance']['cloudInit']>): CloudInitSpec {
  return {
    ...(passwords ? { passwords } : {}),
    ...(authorizedKeys === undefined ? {} : { authorizedKeys }),
    ...(bootcmd === undefined ? {} : { bootcmd }),
  };
}

function dnsOf({ tsig, ...dns }: Written['dns'], folder: string): DnsSpec {
  return { ...dns, ...(tsig === undefined ? {} : { tsig: { ...tsig, secret: reference(tsig.secret, folder) } }) };
}

function sshOf({ user, port, password, key, hostKey }: Written['ssh'], folder: string): SshSpec {
  return {
    user,
    port,
    ...(password === undefined ? {} : { password: reference(password, folder) }),
    ...(key === undefined ? {} : { key: reference(key, folder) }),
    ...(hostKey === undefined ? {} : { hostKey }),
  };
}

function networkOf(network: Written['network']): NetworkSpec {
  return typeof network === 'string' ? { mode: network } : network;
}

function storageOf({ containers }: Written['storage']): Pick<DeploymentSpec, 'storage'> {
  if (containers === 'root') return {};
  if (containers === 'ephemeral') return { storage: { containers } };
  const { volume } = containers;
  return { storage: { containers: typeof volume === 'number' ? { size: volume } : { id: volume.toLowerCase() } } };
}

function timingOf({ poll, rebootWait, authGrace, deadline }: Written['timing']): Timing {
  return {
    poll: milliseconds(poll),
    rebootWait: milliseconds(rebootWait),
    authGrace: milliseconds(authGrace),
    deadline: {
      cloud: milliseconds(deadline.cloud),
      dns: milliseconds(deadline.dns),
      launch: milliseconds(deadline.launch),
      ready: milliseconds(deadline.ready),
      command: milliseconds(deadline.command),
      reboot: milliseconds(deadline.reboot),
      console: milliseconds(deadline.console),
      publish: milliseconds(deadline.publish),
    },
  };
}

function reference({ env, file }: { env?: string | undefined; file?: string | undefined }, folder: string): SecretRef {
  return env === undefined ? { file: resolve(folder, file ?? '') } : { env };
}

/** The account is identified by a digest of the endpoint: two spellings of one endpoint must not become two accounts. */
function tidyUrl(url: string): string {
  return new URL(url).href.replace(/\/+$/, '');
}
