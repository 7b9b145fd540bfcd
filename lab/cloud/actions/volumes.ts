/** Volumes: creating, listing, attaching, detaching and deleting. */

import type { Cloud } from '../cloud';
import { Ec2Error } from '../ec2-errors';
import { filtered } from '../filters';
import type { FilterTable } from '../filters';
import { listed } from '../parameters';
import type { Params } from '../parameters';
import type { Tag } from '../records';
import type { VolumeRecord } from '../volumes';
import { list } from '../xml';
import type { Branch } from '../xml';
import { required, selected, tagSet } from './common';

const VOLUME_FILTERS: FilterTable<VolumeRecord> = {
  'volume-id': ({ id }) => [id],
  status: ({ state }) => [state],
  size: ({ size }) => [String(size)],
  'availability-zone': ({ zone }) => [zone],
  'attachment.instance-id': ({ attachment }) => (attachment === undefined ? [] : [attachment.instanceId]),
};

export function createVolume(cloud: Cloud, params: Params): Branch {
  const size = Number(required(params, 'Size'));
  const zone = required(params, 'AvailabilityZone');
  if (!cloud.dialect.zones.includes(zone)) throw new Ec2Error('zoneMissing', zone);
  if (!Number.isInteger(size) || size < 1) throw new Ec2Error('volumeSize', String(size));
  return item(cloud, cloud.volumes.create(size, zone, tagsIn(params)));
}

export function describeVolumes(cloud: Cloud, params: Params): Branch {
  const all = selected(cloud, cloud.volumes.all(), params, { VolumeId: ({ id }) => id }, 'volumeMissing');
  return { volumeSet: list(filtered(all, params, VOLUME_FILTERS).map((volume) => item(cloud, volume))) };
}

export async function attachVolume(cloud: Cloud, params: Params): Promise<Branch> {
  const volume = find(cloud, params);
  const id = required(params, 'InstanceId');
  const device = required(params, 'Device');
  const instance = (await cloud.instances()).find((each) => each.id === id);
  if (instance === undefined) throw new Ec2Error('instanceMissing', id);
  if (instance.state !== 'running') throw new Ec2Error('notRunning', id);
  // VolumeManager.java of 3.2 and 3.4: the root disk and the ephemeral one.
  if (/sd[ab]$/.test(device) && cloud.dialect.eucalyptus) throw new Ec2Error('deviceInvalid', device);
  if (volume.state !== 'available') throw new Ec2Error('volumeInUse', volume.id);
  if (volume.zone !== cloud.zoneOf(id)) throw new Ec2Error('volumeZone', volume.id);
  if (cloud.volumes.all().some(({ attachment }) => attachment?.instanceId === id && attachment.device === device))
    throw new Ec2Error('deviceInUse', device);
  const seen = cloud.dialect.eucalyptus ? device : device.replace('/dev/sd', '/dev/xvd');
  cloud.volumes.attach(volume, id, device, async () => {
    await cloud.machines.get(id)?.attachVolume(volume, seen);
  });
  return { ...attachment(volume) };
}

export function detachVolume(cloud: Cloud, params: Params): Branch {
  const volume = find(cloud, params);
  const instanceId = volume.attachment?.instanceId;
  if (instanceId === undefined) throw new Ec2Error('volumeNotAttached', volume.id);
  cloud.volumes.detach(volume, async () => {
    await cloud.machines.get(instanceId)?.detachVolume(volume.id);
  });
  return { ...attachment(volume) };
}

export function deleteVolume(cloud: Cloud, params: Params): Branch {
  const volume = find(cloud, params);
  if (volume.state === 'in-use') throw new Ec2Error('volumeInUse', volume.id);
  if (volume.state === 'deleting' || volume.state === 'deleted') throw new Ec2Error('volumeMissing', volume.id);
  cloud.volumes.delete(volume);
  return { return: true };
}

function find(cloud: Cloud, params: Params): VolumeRecord {
  const id = required(params, 'VolumeId');
  const volume = cloud.volumes.get(id);
  if (volume === undefined) throw new Ec2Error('volumeMissing', id);
  return volume;
}

function item(cloud: Cloud, volume: VolumeRecord): Branch {
  const { id, size, zone, state, createdAt } = volume;
  return {
    volumeId: id,
    size: String(size),
    snapshotId: '',
    availabilityZone: zone,
    status: state,
    createTime: createdAt,
    attachmentSet: list(volume.attachment === undefined ? [] : [attachment(volume)]),
    ...(cloud.dialect.taggable.includes('vol-') ? { tagSet: tagSet(volume) } : {}),
  };
}

function attachment({ id, attachment: its }: VolumeRecord): Branch {
  return {
    volumeId: id,
    instanceId: its?.instanceId,
    device: its?.device,
    status: its?.state,
    attachTime: its?.at,
  };
}

function tagsIn(params: Params): Tag[] {
  return listed(keysIn(params, 'Key'), 'TagSpecification.1.Tag').map((key, i) => ({
    key,
    value: params[`TagSpecification.1.Tag.${i + 1}.Value`] ?? '',
  }));
}

/** `TagSpecification.1.Tag.<n>.Key` as `TagSpecification.1.Tag.<n>`. */
function keysIn(params: Params, part: string): Params {
  return Object.fromEntries(
    Object.entries(params)
      .filter(([name]) => name.endsWith(`.${part}`))
      .map(([name, value]) => [name.slice(0, -part.length - 1), value]),
  );
}
