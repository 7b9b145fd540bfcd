/** Security groups. On 3.2 they have a name and nothing else; a rule that is there already is no error on Eucalyptus, only `false`. */

import { filtered, GROUP_FILTERS } from '../filters';
import { beginning, listed } from '../parameters';
import type { Params } from '../parameters';
import type { GroupRecord, RuleRecord } from '../records';
import { Refusal } from '../refusals';
import type { World } from '../world';
import { list, text } from '../xml';
import type { Branch } from '../xml';
import { named, needed, tagSet } from './common';

export async function createSecurityGroup(world: World, params: Params): Promise<Branch> {
  const name = needed(params, 'GroupName');
  const description = needed(params, 'GroupDescription');
  if ((await world.groups()).some((group) => group.name === name)) throw new Refusal('groupDuplicate', name);
  const made = await world.moto.call('CreateSecurityGroup', {
    GroupName: name,
    GroupDescription: description,
    ...beginning(params, 'TagSpecification.'),
  });
  await world.kept.groups.reread(text(made, 'groupId'));
  return { return: true, groupId: world.dialect.groupIds ? text(made, 'groupId') : undefined };
}

export async function describeSecurityGroups(world: World, params: Params): Promise<Branch> {
  const groups = named(
    world,
    await world.groups(),
    params,
    { GroupName: ({ name }) => name, GroupId: ({ id }) => id },
    'groupMissing',
  );
  return { securityGroupInfo: list(filtered(groups, params, GROUP_FILTERS).map((group) => item(world, group))) };
}

export async function authorizeSecurityGroupIngress(world: World, params: Params): Promise<Branch> {
  const group = await find(world, params);
  const rules = rulesOf(params);
  const double = rules.find((rule) => group.rules.some((there) => equal(rule, there)));
  if (double !== undefined) {
    if (world.dialect.eucalyptus) return { return: false };
    throw new Refusal(
      'ruleDuplicate',
      `${double.cidr}, ${double.protocol.toUpperCase()}, from port: ${double.from}, to port: ${double.to}`,
    );
  }
  await world.moto.call('AuthorizeSecurityGroupIngress', { GroupId: group.id, ...permissions(rules) });
  await world.kept.groups.reread(group.id);
  await world.applyRules(group.name);
  return { return: true };
}

export async function revokeSecurityGroupIngress(world: World, params: Params): Promise<Branch> {
  const group = await find(world, params);
  const rules = rulesOf(params);
  const there = rules.filter((rule) => group.rules.some((each) => equal(rule, each)));
  if (there.length < rules.length && !world.dialect.eucalyptus) throw new Refusal('ruleMissing');
  if (there.length > 0)
    await world.moto.call('RevokeSecurityGroupIngress', { GroupId: group.id, ...permissions(there) });
  await world.kept.groups.reread(group.id);
  await world.applyRules(group.name);
  return { return: true };
}

export async function deleteSecurityGroup(world: World, params: Params): Promise<Branch> {
  const group = await find(world, params);
  if (group.name === 'default') throw new Refusal('groupReserved', group.id);
  const users = (await world.instances()).filter(
    ({ groups, state }) => state !== 'terminated' && groups.some(({ id }) => id === group.id),
  );
  if (users.length > 0) throw new Refusal('groupInUse', world.dialect.groupIds ? group.id : group.name);
  await world.moto.call('DeleteSecurityGroup', { GroupId: group.id });
  await world.kept.groups.reread(group.id);
  return { return: true };
}

async function find(world: World, params: Params): Promise<GroupRecord> {
  const { GroupId: id, GroupName: name } = params;
  const subject = id ?? needed(params, 'GroupName');
  const group = (await world.groups()).find((each) => (id === undefined ? each.name === name : each.id === id));
  if (group === undefined) throw new Refusal('groupMissing', subject);
  return group;
}

/** Rules of a request, flat or as IpPermissions. */
function rulesOf(params: Params): RuleRecord[] {
  const heads = [...new Set(Object.keys(params).flatMap((name) => /^(IpPermissions\.\d+\.)/.exec(name)?.[1] ?? []))];
  const flat = params['IpProtocol'] === undefined ? [] : [''];
  const rules = [...flat, ...heads].flatMap((head) => {
    const cidrs = head === '' ? [params['CidrIp'] ?? ''] : cidrsOf(params, head);
    if (Object.keys(params).some((name) => /Groups\.|SourceSecurityGroup/.test(name)) || cidrs.includes('')) {
      throw new Refusal('notSimulated', 'rules whose source is a group');
    }
    const protocol = (params[`${head}IpProtocol`] ?? '').toLowerCase();
    return cidrs.map((cidr) => ({
      protocol,
      from: Number(params[`${head}FromPort`] ?? -1),
      to: Number(params[`${head}ToPort`] ?? -1),
      cidr,
    }));
  });
  if (rules.length === 0) throw new Refusal('parameterMissing', 'IpProtocol');
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

function equal(a: RuleRecord, b: RuleRecord): boolean {
  return a.protocol === b.protocol && a.from === b.from && a.to === b.to && a.cidr === b.cidr;
}

function item({ dialect }: World, group: GroupRecord): Branch {
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

/** The groups a request of RunInstances names; `default` where it names none. */
export async function groupsFor(world: World, params: Params): Promise<GroupRecord[]> {
  const all = await world.groups();
  const names = listed(params, 'SecurityGroup');
  const ids = listed(params, 'SecurityGroupId');
  const wanted = names.length + ids.length === 0 ? ['default'] : names;
  return [
    ...wanted.map((name) => [name, all.find((group) => group.name === name)] as const),
    ...ids.map((id) => [id, all.find((group) => group.id === id)] as const),
  ].map(([name, group]) => {
    if (group === undefined) throw new Refusal('groupMissing', name);
    return group;
  });
}
