/**
 * Security groups. On 3.2 they have no id. Authorizing an existing rule returns `false` on Eucalyptus and is an error
 * on AWS.
 */

import type { Cloud } from '../cloud';
import { Ec2Error } from '../ec2-errors';
import { filtered, GROUP_FILTERS } from '../filters';
import { withPrefix, listed } from '../parameters';
import type { Params } from '../parameters';
import type { GroupRecord, RuleRecord } from '../records';
import { list, text } from '../xml';
import type { Branch } from '../xml';
import { selected, required, tagSet } from './common';

export async function createSecurityGroup(cloud: Cloud, params: Params): Promise<Branch> {
  const name = required(params, 'GroupName');
  const description = required(params, 'GroupDescription');
  if ((await cloud.groups()).some((group) => group.name === name)) throw new Ec2Error('groupDuplicate', name);
  const made = await cloud.moto.call('CreateSecurityGroup', {
    GroupName: name,
    GroupDescription: description,
    ...withPrefix(params, 'TagSpecification.'),
  });
  await cloud.cache.groups.refresh(text(made, 'groupId'));
  return { return: true, groupId: cloud.dialect.groupIds ? text(made, 'groupId') : undefined };
}

export async function describeSecurityGroups(cloud: Cloud, params: Params): Promise<Branch> {
  const groups = selected(
    cloud,
    await cloud.groups(),
    params,
    { GroupName: ({ name }) => name, GroupId: ({ id }) => id },
    'groupMissing',
  );
  return { securityGroupInfo: list(filtered(groups, params, GROUP_FILTERS).map((group) => item(cloud, group))) };
}

export async function authorizeSecurityGroupIngress(cloud: Cloud, params: Params): Promise<Branch> {
  const group = await find(cloud, params);
  const rules = rulesOf(params);
  const double = rules.find((rule) => group.rules.some((there) => isSameRule(rule, there)));
  if (double !== undefined) {
    if (cloud.dialect.eucalyptus) return { return: false };
    throw new Ec2Error(
      'ruleDuplicate',
      `${double.cidr}, ${double.protocol.toUpperCase()}, from port: ${double.from}, to port: ${double.to}`,
    );
  }
  await cloud.moto.call('AuthorizeSecurityGroupIngress', { GroupId: group.id, ...permissions(rules) });
  await cloud.cache.groups.refresh(group.id);
  await cloud.applyRules(group.name);
  return { return: true };
}

export async function revokeSecurityGroupIngress(cloud: Cloud, params: Params): Promise<Branch> {
  const group = await find(cloud, params);
  const rules = rulesOf(params);
  const there = rules.filter((rule) => group.rules.some((each) => isSameRule(rule, each)));
  if (there.length < rules.length && !cloud.dialect.eucalyptus) throw new Ec2Error('ruleMissing');
  if (there.length > 0)
    await cloud.moto.call('RevokeSecurityGroupIngress', { GroupId: group.id, ...permissions(there) });
  await cloud.cache.groups.refresh(group.id);
  await cloud.applyRules(group.name);
  return { return: true };
}

export async function deleteSecurityGroup(cloud: Cloud, params: Params): Promise<Branch> {
  const group = await find(cloud, params);
  if (group.name === 'default') throw new Ec2Error('groupReserved', group.id);
  const users = (await cloud.instances()).filter(
    ({ groups, state }) => state !== 'terminated' && groups.some(({ id }) => id === group.id),
  );
  if (users.length > 0) throw new Ec2Error('groupInUse', cloud.dialect.groupIds ? group.id : group.name);
  await cloud.moto.call('DeleteSecurityGroup', { GroupId: group.id });
  await cloud.cache.groups.refresh(group.id);
  return { return: true };
}

async function find(cloud: Cloud, params: Params): Promise<GroupRecord> {
  const { GroupId: id, GroupName: name } = params;
  const subject = id ?? required(params, 'GroupName');
  const group = (await cloud.groups()).find((each) => (id === undefined ? each.name === name : each.id === id));
  if (group === undefined) throw new Ec2Error('groupMissing', subject);
  return group;
}

/** The rules of a request, given as flat parameters or as IpPermissions. */
function rulesOf(params: Params): RuleRecord[] {
  const heads = [...new Set(Object.keys(params).flatMap((name) => /^(IpPermissions\.\d+\.)/.exec(name)?.[1] ?? []))];
  const flat = params['IpProtocol'] === undefined ? [] : [''];
  const rules = [...flat, ...heads].flatMap((head) => {
    const cidrs = head === '' ? [params['CidrIp'] ?? ''] : cidrsOf(params, head);
    if (Object.keys(params).some((name) => /Groups\.|SourceSecurityGroup/.test(name)) || cidrs.includes('')) {
      throw new Ec2Error('notSimulated', 'rules whose source is a group');
    }
    const protocol = (params[`${head}IpProtocol`] ?? '').toLowerCase();
    return cidrs.map((cidr) => ({
      protocol,
      from: Number(params[`${head}FromPort`] ?? -1),
      to: Number(params[`${head}ToPort`] ?? -1),
      cidr,
    }));
  });
  if (rules.length === 0) throw new Ec2Error('parameterMissing', 'IpProtocol');
  return rules;
}

function cidrsOf(params: Params, head: string): string[] {
  return Object.entries(params)
    .filter(([name]) => name.startsWith(`${head}IpRanges.`) && name.endsWith('.CidrIp'))
    .map(([, cidr]) => cidr);
}

function permissions(rules: readonly RuleRecord[]): Params {
  return Object.fromEntries(
    rules.flatMap(({ protocol, from, to, cidr }, i) => [
      [`IpPermissions.${i + 1}.IpProtocol`, protocol],
      [`IpPermissions.${i + 1}.FromPort`, String(from)],
      [`IpPermissions.${i + 1}.ToPort`, String(to)],
      [`IpPermissions.${i + 1}.IpRanges.1.CidrIp`, cidr],
    ]),
  );
}

function isSameRule(a: RuleRecord, b: RuleRecord): boolean {
  return a.protocol === b.protocol && a.from === b.from && a.to === b.to && a.cidr === b.cidr;
}

function item({ dialect }: Cloud, group: GroupRecord): Branch {
  const ipPermissions = list(
    group.rules.map(({ protocol, from, to, cidr }) => ({
      ipProtocol: protocol,
      fromPort: from,
      toPort: to,
      groups: '',
      ipRanges: list([{ cidrIp: cidr }]),
    })),
  );
  const common = { ownerId: '000123456789', groupName: group.name, groupDescription: group.description, ipPermissions };
  if (!dialect.groupIds) return common;
  return { ...common, groupId: group.id, tagSet: tagSet(group), vpcId: dialect.vpc ? group.vpcId : undefined };
}

/** The groups that RunInstances names, or `default`. */
export async function groupsFor(cloud: Cloud, params: Params): Promise<GroupRecord[]> {
  const all = await cloud.groups();
  const names = listed(params, 'SecurityGroup');
  const ids = listed(params, 'SecurityGroupId');
  const wanted = names.length + ids.length === 0 ? ['default'] : names;
  return [
    ...wanted.map((name) => [name, all.find((group) => group.name === name)] as const),
    ...ids.map((id) => [id, all.find((group) => group.id === id)] as const),
  ].map(([name, group]) => {
    if (group === undefined) throw new Ec2Error('groupMissing', name);
    return group;
  });
}
