/** Security groups: found by name, changed by id where the cloud has ids. */

import {
  AuthorizeSecurityGroupIngressCommand,
  CreateSecurityGroupCommand,
  DeleteSecurityGroupCommand,
  DescribeSecurityGroupsCommand,
  RevokeSecurityGroupIngressCommand,
} from '@aws-sdk/client-ec2';
import type {
  AuthorizeSecurityGroupIngressRequest,
  IpPermission,
  SecurityGroup,
  UserIdGroupPair,
} from '@aws-sdk/client-ec2';
import type { Cloud, CloudGroup, IngressRule } from '../steps/ports';

import type { CloudKind } from '../deployment/cloud-kinds';
import type { Ec2 } from './ec2';
import { CloudFailure, tolerate } from './failures';

export function securityGroups(
  ec2: Ec2,
): Pick<Cloud, 'findGroup' | 'createGroup' | 'authorize' | 'authorizeGroup' | 'revokeGroup' | 'deleteGroup'> {
  return {
    findGroup: (name) => findGroup(ec2, name),
    // A duplicate is ours, from an attempt whose answer was lost, or somebody else's: the next `findGroup` tells.
    createGroup: async (name, description) => {
      await tolerate(
        'duplicate',
        ec2.send(new CreateSecurityGroupCommand({ GroupName: name, Description: description })),
        {},
      );
    },
    authorize: async (group, rule) => {
      const { port, cidr } = rule;
      // The flat parameters are the only form that every release accepts.
      const permission = { IpProtocol: 'tcp', FromPort: port, ToPort: port, CidrIp: cidr };
      await authorize(ec2, group, permission, `tcp ${port} from ${cidr}`, (now) => hasRule(now, rule));
    },
    authorizeGroup: async (group, source) => {
      const permission = allFrom(source, ec2.capabilities.groupRules);
      await authorize(ec2, group, permission, `tcp from the group ${source.name}`, (now) =>
        now.letsIn.includes(source.key),
      );
    },
    revokeGroup: async (group, source) => {
      const permission = allFrom(source, ec2.capabilities.groupRules);
      await tolerate('missing', ec2.send(new RevokeSecurityGroupIngressCommand({ ...idOf(group), ...permission })), {});
    },
    deleteGroup: async (group) => {
      await tolerate('missing', ec2.send(new DeleteSecurityGroupCommand(idOf(group))), {});
    },
  };
}

export async function findGroup(ec2: Ec2, name: string): Promise<CloudGroup | undefined> {
  // By parameter, because a filter also finds groups of the same name in other VPCs than the one instances are launched in.
  const query = ec2.capabilities.filters ? { GroupNames: [name] } : {};
  const { SecurityGroups = [] } = await tolerate('missing', ec2.send(new DescribeSecurityGroupsCommand(query)), {});
  const group = SecurityGroups.find(({ GroupName }) => GroupName === name);
  return group && groupOf(group, ec2.capabilities.groupIds);
}

type Permission = Omit<AuthorizeSecurityGroupIngressRequest, 'GroupId' | 'GroupName'>;

async function authorize(
  ec2: Ec2,
  group: CloudGroup,
  permission: Permission,
  what: string,
  isThere: (group: CloudGroup) => boolean,
): Promise<void> {
  const { Return } = await tolerate(
    'duplicate',
    ec2.send(new AuthorizeSecurityGroupIngressCommand({ ...idOf(group), ...permission })),
    { Return: true },
  );
  if (Return !== false) return;
  // Eucalyptus answers `false` both when the rule exists and when it did not understand it.
  const now = await findGroup(ec2, group.name);
  if (now === undefined || !isThere(now))
    throw new CloudFailure(
      'CLOUD_REFUSED',
      `The cloud does not add the rule ${what} to the security group ${group.name}.`,
    );
}

const ALL_PORTS = { IpProtocol: 'tcp', FromPort: 1, ToPort: 65_535 } as const;

function allFrom({ id, name, ownerId }: CloudGroup, form: CloudKind['groupRules']): Permission {
  // Eucalyptus 3.2 stores the owner as it is sent, and needs one (NetworkPeer.java).
  if (form === 'flat')
    return {
      ...ALL_PORTS,
      SourceSecurityGroupName: name,
      ...(ownerId === undefined ? {} : { SourceSecurityGroupOwnerId: ownerId }),
    };
  return {
    IpPermissions: [{ ...ALL_PORTS, UserIdGroupPairs: [id === undefined ? { GroupName: name } : { GroupId: id }] }],
  };
}

function idOf({ name, id }: CloudGroup): { GroupName: string } | { GroupId: string } {
  return id === undefined ? { GroupName: name } : { GroupId: id };
}

function hasRule(group: CloudGroup, { port, cidr }: IngressRule): boolean {
  return group.rules.some((rule) => rule.port === port && rule.cidr === cidr);
}

/** Of rules for addresses, only those of a single TCP port; of rules for groups, only those of all: we make no others. */
function groupOf(
  { GroupName = '', GroupId, Description = '', OwnerId, IpPermissions = [] }: SecurityGroup,
  hasIds: boolean,
): CloudGroup {
  const singlePort = IpPermissions.filter(
    ({ IpProtocol, FromPort, ToPort }) => IpProtocol === 'tcp' && FromPort !== undefined && FromPort === ToPort,
  );
  const rules = singlePort.flatMap(({ FromPort: port = 0, IpRanges = [] }) =>
    IpRanges.flatMap(({ CidrIp }) => (CidrIp === undefined ? [] : [{ port, cidr: CidrIp }])),
  );
  return {
    name: GroupName,
    ...(hasIds && GroupId !== undefined ? { id: GroupId } : {}),
    description: Description,
    ...(OwnerId ? { ownerId: OwnerId } : {}),
    rules,
    key: keyOf({ GroupId, GroupName, UserId: OwnerId }, hasIds),
    letsIn: IpPermissions.filter(isAllTcp).flatMap(({ UserIdGroupPairs = [] }) =>
      UserIdGroupPairs.map((pair) => keyOf(pair, hasIds)),
    ),
  };
}

function isAllTcp({ IpProtocol, FromPort = -1, ToPort = -1 }: IpPermission): boolean {
  return IpProtocol === '-1' || (IpProtocol === 'tcp' && FromPort <= ALL_PORTS.FromPort && ToPort === ALL_PORTS.ToPort);
}

/** EC2-VPC tells no names of the groups in rules, and 3.2 no ids. */
function keyOf({ GroupId = '', GroupName = '', UserId = '' }: UserIdGroupPair, hasIds: boolean): string {
  return hasIds ? GroupId : `${UserId}/${GroupName}`;
}
