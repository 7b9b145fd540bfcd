/** Instances: launched with everything checked that a real cloud checks, listed in the release's layout, terminated with their address freed. */

import { filtered, INSTANCE_FILTERS } from '../filters';
import { beginning, listed } from '../parameters';
import type { Params } from '../parameters';
import { reservationInstances } from '../records';
import type { AddressRecord, InstanceRecord } from '../records';
import { OWNER } from '../images';
import { Refusal } from '../refusals';
import type { World } from '../world';
import { list } from '../xml';
import type { Branch, Tree } from '../xml';
import { detach } from './addresses';
import { keyPairNames } from './catalogue';
import { named, needed, stateOf, tagSet } from './common';
import { groupsFor } from './groups';

export async function runInstances(world: World, params: Params): Promise<Branch> {
  const earlier = await byToken(world, params);
  if (earlier !== undefined) return reservation(world, earlier, await world.addresses());
  const type = params['InstanceType'] ?? 'm1.small';
  await checkLaunch(world, params, type);
  const groups = await groupsFor(world, params);
  const made = await world.moto.call('RunInstances', {
    ImageId: needed(params, 'ImageId'),
    InstanceType: type,
    MinCount: needed(params, 'MinCount'),
    MaxCount: needed(params, 'MaxCount'),
    ...(params['KeyName'] === undefined ? {} : { KeyName: params['KeyName'] }),
    ...Object.fromEntries(groups.map(({ id }, i) => [`SecurityGroupId.${i + 1}`, id])),
    ...beginning(params, 'TagSpecification.'),
  });
  const instances = reservationInstances(made);
  await world.kept.instances.reread(...instances.map(({ id }) => id));
  for (const instance of instances) {
    const rules = await world.openPorts(groups.map(({ name }) => name));
    world.machines.launch(instance, {
      memory: world.dialect.types[type]?.memory ?? 0,
      rules,
      image: world.images.onNode(instance.imageId),
    });
  }
  if (params['ClientToken'] !== undefined)
    world.tokens.set(params['ClientToken'], { request: essence(params), ids: instances.map(({ id }) => id) });
  return reservation(
    world,
    instances.map((instance) => ({ ...instance, state: 'pending' })),
    [],
  );
}

export async function describeInstances(world: World, params: Params): Promise<Branch> {
  const all = named(world, await world.instances(), params, { InstanceId: ({ id }) => id }, 'instanceMissing');
  const [page, nextToken] = paged(filtered(all, params, INSTANCE_FILTERS), params);
  const addresses = await world.addresses();
  const reservations = new Map<string, InstanceRecord[]>();
  for (const instance of page)
    reservations.set(instance.reservationId, [...(reservations.get(instance.reservationId) ?? []), instance]);
  return {
    reservationSet: list([...reservations.values()].map((instances) => reservation(world, instances, addresses))),
    nextToken,
  };
}

export async function terminateInstances(world: World, params: Params): Promise<Branch> {
  const wanted = listed(params, 'InstanceId');
  if (wanted.length === 0) throw new Refusal('parameterMissing', 'InstanceId');
  const instances = named(world, await world.instances(), params, { InstanceId: ({ id }) => id }, 'instanceMissing');
  const changes: Tree[] = [];
  for (const { id, state } of instances) {
    const machine = world.machines.get(id);
    if (state === 'terminated' && world.dialect.eucalyptus) machine?.forget();
    if (state === 'pending' || state === 'running') {
      for (const address of await world.addresses()) if (address.instanceId === id) await detach(world, address);
      machine?.terminate();
      await world.moto.call('TerminateInstances', { 'InstanceId.1': id });
    }
    const now = state === 'terminated' ? state : 'shutting-down';
    changes.push({ instanceId: id, currentState: stateOf(now), previousState: stateOf(state) });
  }
  return { instancesSet: list(changes) };
}

/** What the same token led to before, where the release keeps that promise. */
async function byToken(world: World, params: Params): Promise<InstanceRecord[] | undefined> {
  const known = world.tokens.get(params['ClientToken'] ?? '');
  if (world.dialect.clientToken === 'ignored' || known === undefined) return undefined;
  const instances = (await world.instances()).filter(({ id }) => known.ids.includes(id));
  if (world.dialect.clientToken === 'idempotent') return instances;
  if (known.request !== essence(params)) throw new Refusal('tokenMismatch');
  const over = instances.find(({ state }) => state === 'terminated' || state === 'shutting-down');
  if (over !== undefined) throw new Refusal('tokenTerminated', over.id);
  return instances;
}

const NOT_ESSENTIAL = /^(Action|Version|ClientToken|AWSAccessKeyId|Signature.*|Timestamp|Expires)$/;

/** What makes two launches the same request. */
function essence(params: Params): string {
  return JSON.stringify(
    Object.entries(params)
      .filter(([name]) => !NOT_ESSENTIAL.test(name))
      .sort(([a], [b]) => (a < b ? -1 : 1)),
  );
}

async function checkLaunch(world: World, params: Params, type: string): Promise<void> {
  const { types, zones } = world.dialect;
  const image = needed(params, 'ImageId');
  const found = world.images.get(image);
  if (found?.type !== 'machine' || found.state === 'deregistered') throw new Refusal('imageMissing', image);
  if (found.state !== 'available') throw new Refusal('imageUnavailable', image);
  if (types[type] === undefined) throw new Refusal('typeMissing', type);
  const zone = params['Placement.AvailabilityZone'];
  if (zone !== undefined && !zones.includes(zone)) throw new Refusal('zoneMissing', zone);
  const key = params['KeyName'];
  if (key !== undefined && !(await keyPairNames(world)).includes(key)) throw new Refusal('keyMissing', key);
  if (Object.keys(params).some((name) => name.startsWith('NetworkInterface.')))
    throw new Refusal('notSimulated', 'network interfaces');
}

function reservation(world: World, instances: readonly InstanceRecord[], addresses: readonly AddressRecord[]): Branch {
  const groups = instances[0]?.groups ?? [];
  const { groupIds } = world.dialect;
  return {
    reservationId: instances[0]?.reservationId,
    ownerId: OWNER,
    // 3.2 calls the name of a group its id here.
    groupSet: list(groups.map(({ id, name }) => (groupIds ? { groupId: id, groupName: name } : { groupId: name }))),
    instancesSet: list(instances.map((instance, i) => item(world, instance, i, addresses))),
  };
}

function item(world: World, instance: InstanceRecord, index: number, addresses: readonly AddressRecord[]): Branch {
  const { dialect } = world;
  const publicIp = addresses.find(({ instanceId }) => instanceId === instance.id)?.publicIp;
  const groupSet = list(instance.groups.map(({ id, name }) => ({ groupId: id, groupName: name })));
  return {
    instanceId: instance.id,
    imageId: instance.imageId,
    instanceState: stateOf(instance.state),
    ...addressing(world, instance, publicIp),
    reason: world.machines.get(instance.id)?.reason,
    keyName: instance.keyName || undefined,
    amiLaunchIndex: index,
    productCodes: '',
    instanceType: instance.type,
    launchTime: instance.launchTime,
    placement: { availabilityZone: dialect.zones[0] },
    monitoring: { state: dialect.kind === 'eucalyptus-3.2' ? 'false' : 'disabled' },
    rootDeviceType: 'instance-store',
    rootDeviceName: '/dev/sda1',
    blockDeviceMapping: '',
    ...(dialect.groupIds ? { groupSet, tagSet: tagSet(instance) } : {}),
  };
}

/** Without an elastic IP Eucalyptus shows the private address as the public one, and zeros until there is any. */
function addressing(world: World, { state, privateIp }: InstanceRecord, publicIp: string | undefined): Branch {
  if (state === 'terminated')
    return world.dialect.eucalyptus
      ? { privateDnsName: '0.0.0.0', dnsName: '0.0.0.0' }
      : { privateDnsName: '', dnsName: '' };
  if (!world.dialect.eucalyptus) {
    const name = {
      privateDnsName: `ip-${privateIp.replaceAll('.', '-')}.ec2.internal`,
      dnsName: publicIp === undefined ? '' : world.nameOf(publicIp),
    };
    return { ...name, privateIpAddress: privateIp, ipAddress: publicIp };
  }
  const own = state === 'pending' ? '0.0.0.0' : privateIp;
  const privateName = state === 'pending' ? '0.0.0.0' : `euca-${privateIp.replaceAll('.', '-')}.eucalyptus.internal`;
  return {
    privateDnsName: privateName,
    dnsName: publicIp === undefined ? own : world.nameOf(publicIp),
    privateIpAddress: own,
    ipAddress: publicIp ?? own,
  };
}

/** One page, and the token of the next one. */
function paged<T>(rows: readonly T[], params: Params): [readonly T[], string | undefined] {
  const start = Number(params['NextToken'] ?? 0);
  const end = start + Number(params['MaxResults'] ?? rows.length);
  return [rows.slice(start, end), end < rows.length ? String(end) : undefined];
}
