/** Instances: launching, listing, status, console output and termination. */

import type { Cloud } from '../cloud';
import { Ec2Error } from '../ec2-errors';
import { filtered, INSTANCE_FILTERS } from '../filters';
import type { FilterTable } from '../filters';
import { OWNER } from '../images';
import { withPrefix, listed } from '../parameters';
import type { Params } from '../parameters';
import { reservationInstances } from '../records';
import type { AddressRecord, InstanceRecord } from '../records';
import { list } from '../xml';
import type { Branch, Tree } from '../xml';
import { detach } from './addresses';
import { keyPairNames } from './catalogue';
import { codeOf, required, selected, stateOf, tagSet } from './common';
import { groupsFor } from './groups';

export async function runInstances(cloud: Cloud, params: Params): Promise<Branch> {
  const earlier = await launchedBefore(cloud, params);
  if (earlier !== undefined) return reservation(cloud, earlier, await cloud.addresses());
  const type = params['InstanceType'] ?? 'm1.small';
  await checkLaunch(cloud, params, type);
  await checkLimits(cloud, params);
  const userData = userDataOf(params);
  const groups = await groupsFor(cloud, params);
  const made = await cloud.moto.call('RunInstances', {
    ImageId: required(params, 'ImageId'),
    InstanceType: type,
    MinCount: required(params, 'MinCount'),
    MaxCount: required(params, 'MaxCount'),
    ...(params['KeyName'] === undefined ? {} : { KeyName: params['KeyName'] }),
    ...Object.fromEntries(groups.map(({ id }, i) => [`SecurityGroupId.${i + 1}`, id])),
    ...withPrefix(params, 'TagSpecification.'),
  });
  const instances = reservationInstances(made);
  await cloud.cache.instances.refresh(...instances.map(({ id }) => id));
  for (const instance of instances) {
    const rules = await cloud.openPorts(groups.map(({ name }) => name));
    cloud.machines.launch(instance, {
      memory: cloud.dialect.types[type]?.memory ?? 0,
      rules,
      userData,
      zone: params['Placement.AvailabilityZone'] ?? cloud.dialect.zones[0] ?? '',
      ephemeral: ephemeralOf(cloud, type),
      image: cloud.images.nodeImage(instance.imageId),
    });
    if (cloud.settings.publicAddresses && params['AddressingType'] !== 'private')
      await cloud.giveOwnAddress(instance.id);
  }
  if (params['ClientToken'] !== undefined)
    cloud.tokens.set(params['ClientToken'], { request: fingerprint(params), ids: instances.map(({ id }) => id) });
  return reservation(
    cloud,
    instances.map((instance) => ({ ...instance, state: 'pending' })),
    [],
  );
}

/**
 * GiB. Eucalyptus gives what the type's disk has beside image and swap (VmTypes, 3.2: `disk - image - swap`), AWS a disk
 * of that size.
 */
function ephemeralOf({ dialect: { types, eucalyptus } }: Cloud, type: string): number {
  const disk = types[type]?.disk ?? 0;
  return eucalyptus ? Math.max(0, disk - 10) : disk;
}

export async function describeInstances(cloud: Cloud, params: Params): Promise<Branch> {
  const all = selected(cloud, await cloud.instances(), params, { InstanceId: ({ id }) => id }, 'instanceMissing');
  const [page, nextToken] = paged(filtered(all, params, INSTANCE_FILTERS), params);
  const addresses = await cloud.addresses();
  const reservations = new Map<string, InstanceRecord[]>();
  for (const instance of page)
    reservations.set(instance.reservationId, [...(reservations.get(instance.reservationId) ?? []), instance]);
  return {
    reservationSet: list([...reservations.values()].map((instances) => reservation(cloud, instances, addresses))),
    nextToken,
  };
}

export async function terminateInstances(cloud: Cloud, params: Params): Promise<Branch> {
  const wanted = listed(params, 'InstanceId');
  if (wanted.length === 0) throw new Ec2Error('parameterMissing', 'InstanceId');
  const instances = selected(cloud, await cloud.instances(), params, { InstanceId: ({ id }) => id }, 'instanceMissing');
  const changes: Tree[] = [];
  for (const { id, state } of instances) {
    const machine = cloud.machines.get(id);
    if (state === 'terminated' && cloud.dialect.eucalyptus) machine?.forget();
    if (state === 'pending' || state === 'running') {
      for (const address of await cloud.addresses()) if (address.instanceId === id) await detach(cloud, address);
      machine?.terminate();
      await cloud.moto.call('TerminateInstances', { 'InstanceId.1': id });
    }
    const now = state === 'terminated' ? state : 'shutting-down';
    changes.push({ instanceId: id, currentState: stateOf(now), previousState: stateOf(state) });
  }
  return { instancesSet: list(changes) };
}

export async function describeInstanceStatus(cloud: Cloud, params: Params): Promise<Branch> {
  const [zone = ''] = cloud.dialect.zones;
  const table: FilterTable<InstanceRecord> = {
    'availability-zone': () => [zone],
    'instance-state-name': ({ state }) => [state],
    'instance-state-code': ({ state }) => [String(codeOf(state))],
    'instance-status.status': ({ state }) => [healthOf(state)],
    'system-status.status': ({ state }) => [healthOf(state)],
  };
  const all = selected(cloud, await cloud.instances(), params, { InstanceId: ({ id }) => id }, 'instanceMissing');
  const shown = filtered(all, params, table).filter(
    ({ state }) => state === 'running' || params['IncludeAllInstances'] === 'true',
  );
  return {
    instanceStatusSet: list(
      shown.map(({ id, state }) => ({
        instanceId: id,
        availabilityZone: zone,
        instanceState: stateOf(state),
        systemStatus: { status: healthOf(state) },
        instanceStatus: { status: healthOf(state) },
      })),
    ),
  };
}

function healthOf(state: string): string {
  return state === 'running' ? 'ok' : 'not-applicable';
}

const CONSOLE_BYTES = 64 * 1024;

export async function getConsoleOutput(cloud: Cloud, params: Params): Promise<Branch> {
  const { console, eucalyptus } = cloud.dialect;
  const id = params['InstanceId.1'] ?? required(params, 'InstanceId');
  const state = (await cloud.instances()).find((instance) => instance.id === id)?.state;
  const machine = cloud.machines.get(id);
  // Eucalyptus lists terminated instances, but this call does not find them.
  if (machine === undefined || state === undefined || (eucalyptus && state === 'terminated'))
    throw new Ec2Error('consoleMissing', id);
  if (console.runningOnly && state !== 'running') throw new Ec2Error('notRunning', id);
  const end = Buffer.from(machine.consoleOutput()).subarray(-CONSOLE_BYTES);
  return {
    instanceId: id,
    timestamp: new Date().toISOString(),
    output: end.length === 0 ? console.nothing : end.toString('base64'),
  };
}

/** The instances launched earlier with the same client token, on releases that honour it. */
async function launchedBefore(cloud: Cloud, params: Params): Promise<InstanceRecord[] | undefined> {
  const known = cloud.tokens.get(params['ClientToken'] ?? '');
  if (cloud.dialect.clientToken === 'ignored' || known === undefined) return undefined;
  const instances = (await cloud.instances()).filter(({ id }) => known.ids.includes(id));
  if (cloud.dialect.clientToken === 'idempotent') return instances;
  if (known.request !== fingerprint(params)) throw new Ec2Error('tokenMismatch');
  const over = instances.find(({ state }) => state === 'terminated' || state === 'shutting-down');
  if (over !== undefined) throw new Ec2Error('tokenTerminated', over.id);
  return instances;
}

const IGNORED_PARAMETERS = /^(Action|Version|ClientToken|AWSAccessKeyId|Signature.*|Timestamp|Expires)$/;

/** Equal for launches that are the same request. */
function fingerprint(params: Params): string {
  return JSON.stringify(
    Object.entries(params)
      .filter(([name]) => !IGNORED_PARAMETERS.test(name))
      .sort(([a], [b]) => (a < b ? -1 : 1)),
  );
}

/** Of AWS, and Eucalyptus 4's default. What 3.x allows is not known. */
const USER_DATA_BYTES = 16_384;
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

function userDataOf({ UserData: sent }: Params): Buffer | undefined {
  if (sent === undefined || sent === '') return undefined;
  if (!BASE64.test(sent.replace(/[\r\n]/g, ''))) throw new Ec2Error('userDataEncoding');
  const bytes = Buffer.from(sent, 'base64');
  if (bytes.length > USER_DATA_BYTES) throw new Ec2Error('userDataTooBig', String(bytes.length));
  return bytes;
}

async function checkLaunch(cloud: Cloud, params: Params, type: string): Promise<void> {
  const { types, zones } = cloud.dialect;
  const image = required(params, 'ImageId');
  const found = cloud.images.get(image);
  if (found?.type !== 'machine' || found.state === 'deregistered') throw new Ec2Error('imageMissing', image);
  if (found.state !== 'available') throw new Ec2Error('imageUnavailable', image);
  if (types[type] === undefined) throw new Ec2Error('typeMissing', type);
  const zone = params['Placement.AvailabilityZone'];
  if (zone !== undefined && !zones.includes(zone)) throw new Ec2Error('zoneMissing', zone);
  const key = params['KeyName'];
  if (key !== undefined && !(await keyPairNames(cloud)).includes(key)) throw new Ec2Error('keyMissing', key);
  if (Object.keys(params).some((name) => name.startsWith('NetworkInterface.')))
    throw new Ec2Error('notSimulated', 'network interfaces');
}

const LIVING: ReadonlySet<string> = new Set(['pending', 'running', 'shutting-down']);

async function checkLimits(cloud: Cloud, params: Params): Promise<void> {
  const { dialect, settings } = cloud;
  const wanted = Number(required(params, 'MinCount'));
  const living = (await cloud.instances()).filter(({ state }) => LIVING.has(state)).length;
  if (living + wanted > settings.instances) throw new Ec2Error('instanceLimit', String(settings.instances));
  const zone = params['Placement.AvailabilityZone'] ?? dialect.zones[0] ?? '';
  const free = Math.max(0, settings.capacity - living);
  if (wanted > free) throw new Ec2Error('capacity', `${free} in ${zone} < ${wanted}`);
}

function reservation(cloud: Cloud, instances: readonly InstanceRecord[], addresses: readonly AddressRecord[]): Branch {
  const groups = instances[0]?.groups ?? [];
  const { groupIds } = cloud.dialect;
  return {
    reservationId: instances[0]?.reservationId,
    ownerId: OWNER,
    // 3.2 has the group's name here as its id.
    groupSet: list(groups.map(({ id, name }) => (groupIds ? { groupId: id, groupName: name } : { groupId: name }))),
    instancesSet: list(instances.map((instance, i) => item(cloud, instance, i, addresses))),
  };
}

function item(cloud: Cloud, instance: InstanceRecord, index: number, addresses: readonly AddressRecord[]): Branch {
  const { dialect } = cloud;
  const elastic = addresses.find(({ instanceId }) => instanceId === instance.id)?.publicIp;
  const publicIp = elastic ?? cloud.ownAddress(instance.id);
  const groupSet = list(instance.groups.map(({ id, name }) => ({ groupId: id, groupName: name })));
  return {
    instanceId: instance.id,
    imageId: instance.imageId,
    instanceState: stateOf(instance.state),
    ...addressing(cloud, instance, publicIp),
    reason: cloud.machines.get(instance.id)?.reason,
    keyName: instance.keyName || undefined,
    amiLaunchIndex: index,
    productCodes: '',
    instanceType: instance.type,
    launchTime: instance.launchTime,
    placement: { availabilityZone: cloud.zoneOf(instance.id) },
    monitoring: { state: dialect.kind === 'eucalyptus-3.2' ? 'false' : 'disabled' },
    rootDeviceType: 'instance-store',
    rootDeviceName: '/dev/sda1',
    blockDeviceMapping: '',
    ...(dialect.groupIds ? { groupSet, tagSet: tagSet(instance) } : {}),
  };
}

/**
 * Without an elastic IP, Eucalyptus shows the private address as the public one too, and 0.0.0.0 while the instance is
 * pending.
 */
function addressing(cloud: Cloud, { state, privateIp }: InstanceRecord, publicIp: string | undefined): Branch {
  if (state === 'terminated')
    return cloud.dialect.eucalyptus
      ? { privateDnsName: '0.0.0.0', dnsName: '0.0.0.0' }
      : { privateDnsName: '', dnsName: '' };
  if (!cloud.dialect.eucalyptus) {
    const name = {
      privateDnsName: `ip-${privateIp.replaceAll('.', '-')}.ec2.internal`,
      dnsName: publicIp === undefined ? '' : cloud.publicDnsName(publicIp),
    };
    return { ...name, privateIpAddress: privateIp, ipAddress: publicIp };
  }
  const own = state === 'pending' ? '0.0.0.0' : privateIp;
  const privateName = state === 'pending' ? '0.0.0.0' : `euca-${privateIp.replaceAll('.', '-')}.eucalyptus.internal`;
  return {
    privateDnsName: privateName,
    dnsName: publicIp === undefined ? own : cloud.publicDnsName(publicIp),
    privateIpAddress: own,
    ipAddress: publicIp ?? own,
  };
}

function paged<T>(rows: readonly T[], params: Params): [readonly T[], string | undefined] {
  const start = Number(params['NextToken'] ?? 0);
  const end = start + Number(params['MaxResults'] ?? rows.length);
  return [rows.slice(start, end), end < rows.length ? String(end) : undefined];
}
