/** Instances: marked by a tag where there are tags, and by a security group that only they have. */

import { isIP } from 'node:net';
import {
  DescribeInstancesCommand,
  GetConsoleOutputCommand,
  RunInstancesCommand,
  TerminateInstancesCommand,
} from '@aws-sdk/client-ec2';
import type { _InstanceType, Filter, Instance, Reservation, RunInstancesCommandInput } from '@aws-sdk/client-ec2';
import type { Cloud, CloudInstance, InstanceState, LaunchRequest } from '../steps/ports';
import { OWNER_TAG } from '../deployment/names';
import type { CloudKind } from '../deployment/cloud-kinds';
import type { Ec2 } from './ec2';
import { unclear, unless } from './failures';
import { findGroup } from './groups';
import { tag } from './tags';

export function instances(
  ec2: Ec2,
): Pick<Cloud, 'launchesOnce' | 'lateEffect' | 'findInstances' | 'launch' | 'consoleOutput' | 'terminate'> {
  return {
    launchesOnce: ec2.can.clientToken,
    lateEffect: ec2.can.lateEffect,
    findInstances: (owner, groupName) => findInstances(ec2, owner, groupName),
    launch: (request) => launch(ec2, request),
    consoleOutput: async (instanceId) => {
      const { Output = '' } = await ec2.send(new GetConsoleOutputCommand({ InstanceId: instanceId }));
      return Buffer.from(Output, 'base64').toString('utf8');
    },
    terminate: async (instanceId) => {
      await unless('missing', ec2.send(new TerminateInstancesCommand({ InstanceIds: [instanceId] })), {});
    },
  };
}

/** By tag, for clouds take the groups from what is terminated; by group, for a tag that comes after the launch may never have come. */
async function findInstances(ec2: Ec2, owner: string, groupName: string): Promise<readonly CloudInstance[]> {
  const queries: readonly (Filter | undefined)[] = ec2.can.filters
    ? [
        { Name: `tag:${OWNER_TAG}`, Values: [owner] },
        { Name: 'instance.group-name', Values: [groupName] },
      ]
    : [undefined];
  const listed = (await Promise.all(queries.map((filter) => describe(ec2, filter)))).flat();
  const each = [...new Map(listed.map((instance) => [instance.id, instance])).values()];
  const tagged = each.filter((instance) => instance.owner === owner);
  const grouped = each.filter((instance) => instance.owner === undefined && instance.groups.includes(groupName));
  if (grouped.length === 0) return tagged;
  // A group of that name may be somebody else's, and so what is in it: undoing must not touch that.
  const group = await findGroup(ec2, groupName);
  return group === undefined || group.description === owner ? [...tagged, ...grouped] : tagged;
}

async function describe(ec2: Ec2, filter: Filter | undefined): Promise<readonly CloudInstance[]> {
  const { page } = ec2.can;
  const found: CloudInstance[] = [];
  let token: string | undefined;
  do {
    const { Reservations = [], NextToken } = await ec2.send(
      new DescribeInstancesCommand({
        ...(filter === undefined ? {} : { Filters: [filter] }),
        ...(page === undefined ? {} : { MaxResults: page }),
        ...(token === undefined ? {} : { NextToken: token }),
      }),
    );
    found.push(
      ...Reservations.flatMap((reservation) =>
        (reservation.Instances ?? []).flatMap((instance) => instanceOf(instance, reservation)),
      ),
    );
    token = NextToken === '' ? undefined : NextToken;
  } while (token !== undefined);
  return found;
}

async function launch(ec2: Ec2, request: LaunchRequest): Promise<CloudInstance> {
  const reservation = await ec2.send(new RunInstancesCommand(launchInput(request, ec2.can)));
  const [instance] = (reservation.Instances ?? []).flatMap((each) => instanceOf(each, reservation));
  if (instance === undefined) throw unclear('The cloud launched an instance and does not say which.');
  if (ec2.can.instanceTags === 'afterwards') await tag(ec2, instance.id, request.owner);
  return instance;
}

export function launchInput(
  request: LaunchRequest,
  { clientToken, instanceTags }: CloudKind,
): RunInstancesCommandInput {
  const { imageId, type, zone, keyName, userData, group, owner } = request;
  return {
    ImageId: imageId,
    // The SDK's list of types is that of the day it was made.
    InstanceType: type as _InstanceType,
    MinCount: 1,
    MaxCount: 1,
    ...(zone === undefined ? {} : { Placement: { AvailabilityZone: zone } }),
    ...(keyName === undefined ? {} : { KeyName: keyName }),
    ...(userData === undefined ? {} : { UserData: Buffer.from(userData.reveal()).toString('base64') }),
    ...(group.id === undefined ? { SecurityGroups: [group.name] } : { SecurityGroupIds: [group.id] }),
    // Where it means nothing the SDK sends one of its own, which is bound and ignored.
    ...(clientToken ? { ClientToken: request.clientToken } : {}),
    ...(instanceTags === 'at launch'
      ? { TagSpecifications: [{ ResourceType: 'instance', Tags: [{ Key: OWNER_TAG, Value: owner }] }] }
      : {}),
  };
}

/** `buried` is Eucalyptus' word for terminated and nearly forgotten. */
const STATES: ReadonlyMap<string, InstanceState> = new Map([
  ['pending', 'pending'],
  ['running', 'running'],
  ['shutting-down', 'shutting-down'],
  ['terminated', 'terminated'],
  ['buried', 'terminated'],
  ['stopping', 'stopping'],
  ['stopped', 'stopped'],
]);

export function instanceOf(instance: Instance, reservation: Reservation): readonly CloudInstance[] {
  const {
    InstanceId,
    State,
    InstanceType,
    PublicIpAddress,
    PrivateIpAddress,
    PublicDnsName,
    SecurityGroups = [],
    Tags,
    StateReason,
    StateTransitionReason,
  } = instance;
  if (InstanceId === undefined) return [];
  const privateIp = ipOf(PrivateIpAddress);
  const publicIp = ipOf(PublicIpAddress);
  const owner = Tags?.find(({ Key }) => Key === OWNER_TAG)?.Value;
  const reason = StateReason?.Message ?? StateTransitionReason;
  // 3.2 lists groups with the reservation only, and calls their names ids.
  const itsGroups = SecurityGroups.length > 0 ? SecurityGroups : (reservation.Groups ?? []);
  return [
    {
      id: InstanceId,
      // One whose state is not told is there: taken for gone, it would be launched again.
      state: STATES.get(State?.Name ?? '') ?? 'pending',
      type: InstanceType ?? '',
      groups: itsGroups.flatMap(({ GroupName, GroupId }) => GroupName ?? GroupId ?? []),
      // Eucalyptus shows the private address as the public one where there is none.
      ...(publicIp === undefined || publicIp === privateIp ? {} : { publicIp }),
      ...(privateIp === undefined ? {} : { privateIp }),
      ...(PublicDnsName && isIP(PublicDnsName) === 0 ? { publicDnsName: PublicDnsName } : {}),
      ...(owner === undefined ? {} : { owner }),
      ...(reason ? { reason } : {}),
    },
  ];
}

/** Zeros stand for an address that is not there yet. */
function ipOf(text: string | undefined): string | undefined {
  return text === undefined || text === '' || text === '0.0.0.0' ? undefined : text;
}
