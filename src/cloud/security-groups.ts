/** Security groups: found by name, changed by id where the cloud has ids. */

import {
  AuthorizeSecurityGroupIngressCommand,
  CreateSecurityGroupCommand,
  DeleteSecurityGroupCommand,
  DescribeSecurityGroupsCommand,
} from '@aws-sdk/client-ec2';
import type { SecurityGroup } from '@aws-sdk/client-ec2';
import type { Cloud, CloudGroup, IngressRule } from '../steps/ports';
import type { Ec2 } from './ec2';
import { CloudFailure, tolerate } from './failures';

export function securityGroups(ec2: Ec2): Pick<Cloud, 'findGroup' | 'createGroup' | 'authorize' | 'deleteGroup'> {
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
      const { Return } = await tolerate(
        'duplicate',
        ec2.send(new AuthorizeSecurityGroupIngressCommand({ ...idOf(group), ...permission })),
        { Return: true },
      );
      // Eucalyptus answers `false` both when the rule exists and when it did not understand it.
      if (Return === false && !hasRule(await findGroup(ec2, group.name), rule)) {
        throw new CloudFailure(
          'CLOUD_REFUSED',
          `The cloud does not add the rule tcp ${port} from ${cidr} to the security group ${group.name}.`,
        );
      }
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

function idOf({ name, id }: CloudGroup): { GroupName: string } | { GroupId: string } {
  return id === undefined ? { GroupName: name } : { GroupId: id };
}

function hasRule(group: CloudGroup | undefined, { port, cidr }: IngressRule): boolean {
  return group?.rules.some((rule) => rule.port === port && rule.cidr === cidr) === true;
}

/** Only rules of a single TCP port: we make no others. */
function groupOf(
  { GroupName = '', GroupId, Description = '', IpPermissions = [] }: SecurityGroup,
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
    rules,
  };
}
