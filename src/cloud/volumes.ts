/** Volumes. They are marked by a tag where the cloud has tags; where it has none, by what was there before (steps/container-store.ts). */

import {
  AttachVolumeCommand,
  CreateVolumeCommand,
  DeleteVolumeCommand,
  DescribeVolumesCommand,
} from '@aws-sdk/client-ec2';
import type { Volume } from '@aws-sdk/client-ec2';
import type { Cloud, CloudVolume, VolumeRequest, VolumeState } from '../steps/ports';
import type { Ec2 } from './ec2';
import { tolerate, unclear } from './failures';
import { ownerIn, taggedWith, tagOwner } from './owner-tag';

type Volumes = Pick<
  Cloud,
  'volumeTags' | 'listVolumes' | 'createVolume' | 'tagVolume' | 'attachVolume' | 'deleteVolume'
>;

export function volumes(ec2: Ec2): Volumes {
  return {
    volumeTags: ec2.capabilities.volumeTags,
    listVolumes: async () => {
      const { Volumes: listed = [] } = await ec2.send(new DescribeVolumesCommand({}));
      return listed.flatMap(volumeOf);
    },
    createVolume: (request) => create(ec2, request),
    tagVolume: (id, owner) => tagOwner(ec2, id, owner),
    attachVolume: async (id, instanceId, device) => {
      await ec2.send(new AttachVolumeCommand({ VolumeId: id, InstanceId: instanceId, Device: device }));
    },
    deleteVolume: async (id) => {
      await tolerate('missing', ec2.send(new DeleteVolumeCommand({ VolumeId: id })), {});
    },
  };
}

async function create(ec2: Ec2, { size, zone, owner }: VolumeRequest): Promise<CloudVolume> {
  const { volumeTags } = ec2.capabilities;
  const command = new CreateVolumeCommand({
    Size: size,
    AvailabilityZone: zone,
    ...(volumeTags === 'at once' ? taggedWith(owner, 'volume') : {}),
  });
  const [volume] = volumeOf(await ec2.sendWithoutToken(command));
  if (volume === undefined) throw unclear('The cloud created a volume but did not say which.');
  if (volumeTags === 'afterwards') await tagOwner(ec2, volume.id, owner);
  return volume;
}

/** Eucalyptus' own words beside those of AWS: it shows a volume that it is deleting as `deleting` or `annihilating`. */
const STATES: ReadonlyMap<string, VolumeState> = new Map([
  ['creating', 'creating'],
  ['extant', 'available'],
  ['available', 'available'],
  ['in-use', 'in-use'],
  ['deleting', 'deleting'],
  ['annihilating', 'deleting'],
  ['deleted', 'gone'],
  ['annihilated', 'gone'],
  ['error', 'failed'],
  ['failed', 'failed'],
  ['fail', 'failed'],
]);

export function volumeOf(volume: Volume): readonly CloudVolume[] {
  const { VolumeId, Size = 0, AvailabilityZone = '', State = '', Attachments = [], SnapshotId = '', Tags } = volume;
  if (VolumeId === undefined) return [];
  const owner = ownerIn(Tags);
  const attached = Attachments.find(({ State: state, InstanceId }) => InstanceId !== undefined && state !== 'detached');
  return [
    {
      id: VolumeId,
      size: Size,
      zone: AvailabilityZone,
      // A volume of unknown state exists: taken for gone, another one would be made.
      state: STATES.get(State) ?? 'creating',
      fromSnapshot: SnapshotId !== '',
      ...(owner === undefined ? {} : { owner }),
      // 3.2 appends the device to the id's state, and shows `unknown,requested:/dev/sdf`: only the instance matters.
      ...(attached?.InstanceId === undefined
        ? {}
        : { attachment: { instanceId: attached.InstanceId, attached: attached.State === 'attached' } }),
    },
  ];
}
