/** Security groups: found by name, acted on by id where there are ids. */

import {
  AuthorizeSecurityGroupIngressCommand,
  CreateSecurityGroupCommand,
  DeleteSecurityGroupCommand,
  DescribeSecurityGroupsCommand,
} from '@aws-sdk/client-ec2';
import type { SecurityGroup } from '@aws-sdk/client-ec2';
import type { Cloud, CloudGroup, IngressRule } from '../steps/ports';
import type { Ec2 } from './ec2';
import { CloudFailure, unless } from './failures';

export function groups(ec2: Ec2): Pick<Cloud, 'findGroup' | 'createGroup' | 'authorize' | 'deleteGroup'> {
  return {
    findGroup: (name) => findGroup(ec2, name),
    // There already: made by an attempt whose answer was lost, or somebody else's. Whoever looks next sees which.
    createGroup: async (name, description) => {
      await unless(
        'duplicate',
        ec2.send(new CreateSecurityGroupCommand({ GroupName: name, Description: description })),
        {},
      );
    },
    authorize: async (group, rule) => {
      const { port, cidr } = rule;
      // The flat form is the only one that every release binds.
      const flat = { IpProtocol: 'tcp', FromPort: port, ToPort: port, CidrIp: cidr };
      const { Return } = await unless(
        'duplicate',
        ec2.send(new AuthorizeSecurityGroupIngressCommand({ ...handleOf(group), ...flat })),
        { Return: true },
      );
      // Eucalyptus says no more than `false` when the rule is there, and when it did not understand it.
      if (Return === false && !has(await findGroup(ec2, group.name), rule)) {
        throw new CloudFailure(
          'CLOUD_REFUSED',
          `The cloud does not take the rule tcp ${port} from ${cidr} into the security group ${group.name}.`,
        );
      }
    },
    deleteGroup: async (group) => {
      await unless('missing', ec2.send(new DeleteSecurityGroupCommand(handleOf(group))), {});
    },
  };
}

export async function findGroup(ec2: Ec2, name: string): Promise<CloudGroup | undefined> {
  // By parameter, not by filter: that would find groups of the same name in other VPCs than the one instances are launched in.
  const wanted = ec2.can.filters ? { GroupNames: [name] } : {};
  const { SecurityGroups = [] } = await unless('missing', ec2.send(new DescribeSecurityGroupsCommand(wanted)), {});
  const group = SecurityGroups.find(({ GroupName }) => GroupName === name);
  return group && groupOf(group, ec2.can.groupIds);
}

function handleOf({ name, id }: CloudGroup): { GroupName: string } | { GroupId: string } {
  return id === undefined ? { GroupName: name } : { GroupId: id };
}

function has(group: CloudGroup | undefined, { port, cidr }: IngressRule): boolean {
  return group?.rules.some((rule) => rule.port === port && rule.cidr === cidr) === true;
}

/** Rules of one TCP port; others are not of our making. */
function groupOf(
  { GroupName = '', GroupId, Description = '', IpPermissions = [] }: SecurityGroup,
  ids: boolean,
): CloudGroup {
  const single = IpPermissions.filter(
    ({ IpProtocol, FromPort, ToPort }) => IpProtocol === 'tcp' && FromPort !== undefined && FromPort === ToPort,
  );
  const rules = single.flatMap(({ FromPort: port = 0, IpRanges = [] }) =>
    IpRanges.flatMap(({ CidrIp }) => (CidrIp === undefined ? [] : [{ port, cidr: CidrIp }])),
  );
  return { name: GroupName, ...(ids && GroupId !== undefined ? { id: GroupId } : {}), description: Description, rules };
}
