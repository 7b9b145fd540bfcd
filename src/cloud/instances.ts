/** Instances. They are marked by a tag where the cloud has tags, and the core by a security group of its own. */

import { isIP } from 'node:net';
import {
  DescribeInstancesCommand,
  GetConsoleOutputCommand,
  RunInstancesCommand,
  TerminateInstancesCommand,
} from '@aws-sdk/client-ec2';
import type { _InstanceType, Filter, Instance, Reservation, RunInstancesCommandInput } from '@aws-sdk/client-ec2';
import type { Cloud, CloudInstance, InstanceState, LaunchRequest } from '../steps/ports';
import type { CloudKind } from '../deployment/cloud-kinds';
import { OWNER_TAG } from '../deployment/names';
import type { Ec2 } from './ec2';
import { tolerate, unclear } from './failures';
import { ownerIn, taggedWith, tagOwner } from './owner-tag';
import { findGroup } from './security-groups';

export function instances(
  ec2: Ec2,
): Pick<
  Cloud,
  | 'launchesOnce'
  | 'tagsInstances'
  | 'lateEffect'
  | 'findInstances'
  | 'instancesIn'
  | 'launch'
  | 'tagInstance'
  | 'consoleOutput'
  | 'terminate'
> {
  return {
    launchesOnce: ec2.capabilities.clientToken,
    tagsInstances: ec2.capabilities.instanceTags !== 'none',
    lateEffect: ec2.capabilities.lateEffect,
    findInstances: (owner, groupName) => findInstances(ec2, owner, groupName),
    instancesIn: async (groupName, marks) => {
      const listed = await listInstances(ec2, `${marks}*`, groupName);
      return listed.filter(({ groups, owner = '' }) => groups.includes(groupName) || owner.startsWith(marks));
    },
    tagInstance: (id, owner) => tagOwner(ec2, id, owner),
    launch: (request) => launch(ec2, request),
    consoleOutput: async (instanceId) => {
      const { Output = '' } = await ec2.send(new GetConsoleOutputCommand({ InstanceId: instanceId }));
      return Buffer.from(Output, 'base64').toString('utf8');
    },
    terminate: async (instanceId) => {
      await tolerate('missing', ec2.send(new TerminateInstancesCommand({ InstanceIds: [instanceId] })), {});
    },
  };
}

/** By tag, because terminated instances lose their groups; by group too, because a tag that is set after the launch may be missing. */
async function findInstances(ec2: Ec2, owner: string, groupName: string): Promise<readonly CloudInstance[]> {
  const unique = await listInstances(ec2, owner, groupName);
  const tagged = unique.filter((instance) => instance.owner === owner);
  const grouped = unique.filter((instance) => instance.owner === undefined && instance.groups.includes(groupName));
  if (grouped.length === 0) return tagged;
  // The group of that name may be somebody else's, and so are its instances: undo must not touch them.
  const group = await findGroup(ec2, groupName);
  return group === undefined || group.description === owner ? [...tagged, ...grouped] : tagged;
}

/** Those with the tag and those in the group, or more. @param tag may hold wildcards */
async function listInstances(ec2: Ec2, tag: string, groupName: string): Promise<readonly CloudInstance[]> {
  const queries: readonly (Filter | undefined)[] = ec2.capabilities.filters
    ? [
        { Name: `tag:${OWNER_TAG}`, Values: [tag] },
        { Name: 'instance.group-name', Values: [groupName] },
      ]
    : [undefined];
  const listed = (await Promise.all(queries.map((filter) => describeInstances(ec2, filter)))).flat();
  return [...new Map(listed.map((instance) => [instance.id, instance])).values()];
}

async function describeInstances(ec2: Ec2, filter: Filter | undefined): Promise<readonly CloudInstance[]> {
  const { page } = ec2.capabilities;
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
  const reservation = await ec2.send(new RunInstancesCommand(launchInput(request, ec2.capabilities)));
  const [instance] = (reservation.Instances ?? []).flatMap((each) => instanceOf(each, reservation));
  if (instance === undefined) throw unclear('The cloud launched an instance but did not say which.');
  if (ec2.capabilities.instanceTags === 'afterwards') await tagOwner(ec2, instance.id, request.owner);
  return instance;
}

export function launchInput(
  request: LaunchRequest,
  { clientToken, instanceTags }: CloudKind,
): RunInstancesCommandInput {
  const { imageId, type, zone, keyName, userData, group, owner } = request;
  return {
    ImageId: imageId,
    // The SDK only knows the types that AWS had when it was built.
    InstanceType: type as _InstanceType,
    MinCount: 1,
    MaxCount: 1,
    ...(zone === undefined ? {} : { Placement: { AvailabilityZone: zone } }),
    ...(keyName === undefined ? {} : { KeyName: keyName }),
    ...(userData === undefined ? {} : { UserData: userData.reveal().toString('base64') }),
    ...(group.id === undefined ? { SecurityGroups: [group.name] } : { SecurityGroupIds: [group.id] }),
    // Otherwise the SDK sends a token of its own, which the cloud accepts and ignores.
    ...(clientToken ? { ClientToken: request.clientToken } : {}),
    ...(instanceTags === 'at launch' ? taggedWith(owner, 'instance') : {}),
  };
}

/** `buried` is Eucalyptus' word for terminated and soon no longer listed. */
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
    Placement,
    ClientToken,
  } = instance;
  if (InstanceId === undefined) return [];
  const privateIp = ipOf(PrivateIpAddress);
  const publicIp = ipOf(PublicIpAddress);
  const owner = ownerIn(Tags);
  const reason = StateReason?.Message ?? StateTransitionReason;
  // 3.2 lists groups only with the reservation, and sends their names as ids.
  const groups = SecurityGroups.length > 0 ? SecurityGroups : (reservation.Groups ?? []);
  return [
    {
      id: InstanceId,
      // An instance of unknown state exists: taken for gone, it would be launched again.
      state: STATES.get(State?.Name ?? '') ?? 'pending',
      type: InstanceType ?? '',
      groups: groups.flatMap(({ GroupName, GroupId }) => GroupName ?? GroupId ?? []),
      // Eucalyptus shows the private address as public where there is no public one.
      ...(publicIp === undefined || publicIp === privateIp ? {} : { publicIp }),
      ...(privateIp === undefined ? {} : { privateIp }),
      ...(PublicDnsName && isIP(PublicDnsName) === 0 ? { publicDnsName: PublicDnsName } : {}),
      ...(owner === undefined ? {} : { owner }),
      ...(reason ? { reason } : {}),
      ...(Placement?.AvailabilityZone ? { zone: Placement.AvailabilityZone } : {}),
      ...(ClientToken ? { clientToken: ClientToken } : {}),
    },
  ];
}

/** 0.0.0.0 stands for no address yet. */
function ipOf(text: string | undefined): string | undefined {
  return text === undefined || text === '' || text === '0.0.0.0' ? undefined : text;
}
