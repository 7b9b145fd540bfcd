/**
 * Security groups. On 3.2 they have no id. Authorizing an existing rule returns `false` on Eucalyptus and is an error
 * on AWS.
 */

import type { Cloud } from '../cloud';
import type { Dialect } from '../dialects';
import { Ec2Error } from '../ec2-errors';
import { filtered, GROUP_FILTERS } from '../filters';
import { OWNER } from '../images';
import { withPrefix, listed } from '../parameters';
import type { Params } from '../parameters';
import type { GroupRecord, RuleRecord } from '../records';
import { isPeer, isSameRule, namesGroup, parted, rulesOf } from '../rules';
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
  const rules = rulesOf(params, cloud.dialect, await cloud.groups(), false);
  const double = rules.find((rule) => group.rules.some((there) => isSameRule(rule, there)));
  if (double !== undefined) {
    if (cloud.dialect.eucalyptus) return { return: false };
    const { source, protocol, from, to } = double;
    const peer = isPeer(source) ? source.id : source.cidr;
    throw new Ec2Error('ruleDuplicate', `${peer}, ${protocol.toUpperCase()}, from port: ${from}, to port: ${to}`);
  }
  const { ofRanges, ofGroups } = parted(rules);
  if (ofRanges.length > 0)
    await cloud.moto.call('AuthorizeSecurityGroupIngress', { GroupId: group.id, ...permissions(ofRanges) });
  cloud.peerRules.set(group.id, [...(cloud.peerRules.get(group.id) ?? []), ...ofGroups]);
  await cloud.cache.groups.refresh(group.id);
  await cloud.applyRules(group.name);
  return { return: true };
}

export async function revokeSecurityGroupIngress(cloud: Cloud, params: Params): Promise<Branch> {
  const group = await find(cloud, params);
  const rules = rulesOf(params, cloud.dialect, await cloud.groups(), true);
  const there = group.rules.filter((each) => rules.some((rule) => isSameRule(rule, each)));
  if (there.length < rules.length && !cloud.dialect.eucalyptus) throw new Ec2Error('ruleMissing');
  const { ofRanges, ofGroups } = parted(there);
  if (ofRanges.length > 0)
    await cloud.moto.call('RevokeSecurityGroupIngress', { GroupId: group.id, ...permissions(ofRanges) });
  const left = (cloud.peerRules.get(group.id) ?? []).filter((rule) => !ofGroups.some((gone) => isSameRule(rule, gone)));
  cloud.peerRules.set(group.id, left);
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
  // Eucalyptus looks only at instances (NetworkGroups.java of 3.2 and 4.4): rules may name a group that is gone.
  const named = (await cloud.groups()).some(
    ({ id, rules }) => id !== group.id && rules.some((rule) => namesGroup(rule, group)),
  );
  if (named && !cloud.dialect.eucalyptus) throw new Ec2Error('groupInUse', group.id);
  await cloud.moto.call('DeleteSecurityGroup', { GroupId: group.id });
  cloud.peerRules.delete(group.id);
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

function permissions(rules: readonly RuleRecord[]): Params {
  return Object.fromEntries(
    rules.flatMap(({ protocol, from, to, source }, i) => [
      [`IpPermissions.${i + 1}.IpProtocol`, protocol],
      [`IpPermissions.${i + 1}.FromPort`, String(from)],
      [`IpPermissions.${i + 1}.ToPort`, String(to)],
      [`IpPermissions.${i + 1}.IpRanges.1.CidrIp`, isPeer(source) ? '' : source.cidr],
    ]),
  );
}

function item({ dialect }: Cloud, group: GroupRecord): Branch {
  const permissionsOf = dialect.eucalyptus ? group.rules.map((rule) => [rule]) : alike(group.rules);
  const ipPermissions = list(permissionsOf.map((rules) => permission(dialect, rules)));
  const common = { ownerId: OWNER, groupName: group.name, groupDescription: group.description, ipPermissions };
  if (!dialect.groupIds) return common;
  return { ...common, groupId: group.id, tagSet: tagSet(group), vpcId: dialect.vpc ? group.vpcId : undefined };
}

/** AWS shows rules of the same protocol and ports as one. */
function alike(rules: readonly RuleRecord[]): RuleRecord[][] {
  const sets = new Map<string, RuleRecord[]>();
  for (const rule of rules) {
    const key = `${rule.protocol} ${rule.from} ${rule.to}`;
    sets.set(key, [...(sets.get(key) ?? []), rule]);
  }
  return [...sets.values()];
}

function permission({ eucalyptus, groupIds }: Dialect, rules: readonly RuleRecord[]): Branch {
  const { protocol, from, to } = rules[0] ?? { protocol: '', from: -1, to: -1 };
  return {
    ipProtocol: protocol,
    fromPort: from,
    toPort: to,
    groups: list(
      rules.flatMap(({ source }): Branch[] => {
        if (!isPeer(source)) return [];
        const { owner, name, id } = source;
        if (!groupIds) return [{ userId: owner, groupName: name }];
        return eucalyptus ? [{ userId: owner, groupName: name, groupId: id }] : [{ userId: owner, groupId: id }];
      }),
    ),
    ipRanges: list(rules.flatMap(({ source }) => (isPeer(source) ? [] : [{ cidrIp: source.cidr }]))),
  };
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
