/** Rules of security groups: how requests give them, and what they let through. */

import { BlockList } from 'node:net';
import type { Dialect } from './dialects';
import { Ec2Error } from './ec2-errors';
import { OWNER } from './images';
import type { Params } from './parameters';
import type { GroupRecord, InstanceRecord, Peer, RuleRecord } from './records';

export function isPeer(source: RuleRecord['source']): source is Peer {
  return 'owner' in source;
}

/** A rule with a group as its source. */
type PeerRule = RuleRecord & { readonly source: Peer };

/** What a request says of a rule's source, which may be a group by name or by id. */
interface Said {
  readonly owner?: string | undefined;
  readonly name?: string | undefined;
  readonly id?: string | undefined;
}

type Spread = readonly (readonly [protocol: string, from: number, to: number])[];

/** A group that is given by itself opens everything (NetworkGroupManager.java of 3.4 and 4.4; AWS documents the same). */
const ALL: Spread = [
  ['tcp', 1, 65_535],
  ['udp', 1, 65_535],
  ['icmp', -1, -1],
];

/** That of 3.2 (NetworkGroups.java), with its mistake: the third should be icmp. */
const ALL_3_2: Spread = [
  ['tcp', 0, 65_535],
  ['udp', 0, 65_535],
  ['tcp', -1, -1],
];

/** The rules of a request, in the flat form or as IpPermissions. */
export function rulesOf(
  params: Params,
  dialect: Dialect,
  groups: readonly GroupRecord[],
  revoking: boolean,
): RuleRecord[] {
  const heads = [...new Set(Object.keys(params).flatMap((name) => /^(IpPermissions\.\d+\.)/.exec(name)?.[1] ?? []))];
  if (heads.length === 0)
    return dialect.kind === 'eucalyptus-3.2' ? flatRules32(params) : flatRules(params, dialect, groups);
  const both = FLAT.find((name) => params[name] !== undefined);
  if (both !== undefined) throw new Ec2Error('ruleCombination', `${both} and IpPermissions`);
  const rules = heads.flatMap((head) => permissionRules(params, head, dialect, groups, revoking));
  // Eucalyptus ignores permissions without any source (EUCA-5934).
  if (rules.length === 0 && !dialect.eucalyptus) throw new Ec2Error('parameterMissing', 'IpRanges');
  return rules;
}

const FLAT = ['CidrIp', 'IpProtocol', 'FromPort', 'ToPort', 'SourceSecurityGroupName', 'SourceSecurityGroupOwnerId'];

function portsOf(params: Params, head = ''): { protocol: string; from: number; to: number } {
  return {
    protocol: (params[`${head}IpProtocol`] ?? '').toLowerCase(),
    from: Number(params[`${head}FromPort`] ?? -1),
    to: Number(params[`${head}ToPort`] ?? -1),
  };
}

/** 3.2 looks up no group, and ignores CidrIp beside one. */
function flatRules32(params: Params): RuleRecord[] {
  const { SourceSecurityGroupName: name, SourceSecurityGroupOwnerId: owner, CidrIp: cidr, IpProtocol } = params;
  if (name === undefined && owner === undefined) {
    if (IpProtocol === undefined || cidr === undefined) throw new Ec2Error('parameterMissing', 'IpProtocol');
    return [{ ...portsOf(params), source: { cidr } }];
  }
  if (name === undefined) throw new Ec2Error('parameterMissing', 'SourceSecurityGroupName');
  if (owner === undefined) throw new Ec2Error('parameterMissing', 'SourceSecurityGroupOwnerId');
  const source = { owner, name, id: '' };
  if (IpProtocol === undefined) return ALL_3_2.map(([protocol, from, to]) => ({ protocol, from, to, source }));
  const [from, to] = [Number(params['FromPort'] ?? 0), Number(params['ToPort'] ?? 0)];
  return [{ protocol: IpProtocol.toLowerCase(), from, to: from === 0 && to === 0 ? 65_535 : to, source }];
}

/** Either a CIDR with protocol and ports, or a group with its owner and nothing else. */
function flatRules(params: Params, { vpc, eucalyptus }: Dialect, groups: readonly GroupRecord[]): RuleRecord[] {
  const { SourceSecurityGroupName: name, SourceSecurityGroupOwnerId: owner, CidrIp: cidr } = params;
  if (name === undefined && owner === undefined) {
    if (params['IpProtocol'] === undefined || cidr === undefined) throw new Ec2Error('parameterMissing', 'IpProtocol');
    return [{ ...portsOf(params), source: { cidr } }];
  }
  if (name === undefined) throw new Ec2Error('parameterMissing', 'SourceSecurityGroupName');
  if (owner === undefined && eucalyptus) throw new Ec2Error('ruleIncomplete', 'SourceSecurityGroupOwnerId');
  // In VPC mode Eucalyptus has no such form at all.
  if (vpc && eucalyptus) throw new Ec2Error('ruleIncomplete', 'IpProtocol');
  const both = FLAT.slice(0, 4).find((parameter) => params[parameter] !== undefined);
  if (both !== undefined) throw new Ec2Error('ruleCombination', `${both} and SourceSecurityGroupName`);
  const source = peerOf({ owner, name }, groups, false);
  return ALL.map(([protocol, from, to]) => ({ protocol, from, to, source }));
}

function permissionRules(
  params: Params,
  head: string,
  { eucalyptus }: Dialect,
  groups: readonly GroupRecord[],
  revoking: boolean,
): RuleRecord[] {
  const valuesOf = (pattern: string): string[] => {
    const wanted = new RegExp(`^${head.replaceAll('.', '\\.')}${pattern}$`);
    return Object.entries(params).flatMap(([name, value]) => (wanted.test(name) ? [value] : []));
  };
  const numbers = Object.keys(params).flatMap((name) =>
    name.startsWith(`${head}Groups.`) ? [name.split('.')[3] ?? ''] : [],
  );
  const peers = [...new Set(numbers)].map((number) => {
    const said = (field: string): string | undefined => params[`${head}Groups.${number}.${field}`];
    const asked = { owner: said('UserId'), name: said('GroupName'), id: said('GroupId') };
    return peerOf(asked, groups, revoking && eucalyptus);
  });
  const sources = [...valuesOf('IpRanges\\.\\d+\\.CidrIp').map((cidr) => ({ cidr })), ...peers];
  return sources.map((source) => ({ ...portsOf(params, head), source }));
}

/** The group that is meant. To revoke a rule, Eucalyptus does not need the group to exist. */
function peerOf({ owner = OWNER, name, id }: Said, groups: readonly GroupRecord[], mayBeGone: boolean): Peer {
  if ((name ?? '') === '' && (id ?? '') === '') throw new Ec2Error('ruleIncomplete', 'GroupId or GroupName');
  const found = groups.find((group) => (id === undefined ? owner === OWNER && group.name === name : group.id === id));
  if (found !== undefined) return { owner: OWNER, name: found.name, id: found.id };
  if (!mayBeGone) throw new Ec2Error('groupMissing', id ?? name ?? '');
  return { owner, name: name ?? '', id: id ?? '' };
}

export function isSameRule(a: RuleRecord, b: RuleRecord): boolean {
  return a.protocol === b.protocol && a.from === b.from && a.to === b.to && isSameSource(a.source, b.source);
}

function isSameSource(a: RuleRecord['source'], b: RuleRecord['source']): boolean {
  if (!isPeer(a)) return !isPeer(b) && a.cidr === b.cidr;
  if (!isPeer(b)) return false;
  // As NetworkPeer.java of 4.4 does.
  return a.id !== '' && b.id !== '' ? a.id === b.id : a.name === b.name && a.owner === b.owner;
}

/** Whether a rule names the group as its source. */
export function namesGroup({ source }: RuleRecord, group: GroupRecord): boolean {
  return isPeer(source) && source.id === group.id;
}

/** Whether the rules let an instance of this cloud open a TCP port. */
export function letThrough(
  rules: readonly RuleRecord[],
  port: number,
  { privateIp, groups }: Pick<InstanceRecord, 'privateIp' | 'groups'>,
): boolean {
  return rules.some(({ protocol, from, to, source }) => {
    if (protocol !== '-1' && (protocol !== 'tcp' || port < from || port > to)) return false;
    if (!isPeer(source)) return contains(source.cidr, privateIp);
    if (source.owner !== OWNER) return false;
    return groups.some(({ id, name }) => (source.id === '' ? name === source.name : id === source.id));
  });
}

function contains(cidr: string, ip: string): boolean {
  const [net = '', prefix = '32'] = cidr.split('/');
  const list = new BlockList();
  list.addSubnet(net, Number(prefix), 'ipv4');
  return list.check(ip, 'ipv4');
}

/** Rules that moto keeps, and those that it does not: with a group as their source, they may name one that is gone. */
export function parted(rules: readonly RuleRecord[]): { ofRanges: RuleRecord[]; ofGroups: PeerRule[] } {
  return {
    ofRanges: rules.filter(({ source }) => !isPeer(source)),
    ofGroups: rules.flatMap((rule) => (isPeer(rule.source) ? [{ ...rule, source: rule.source }] : [])),
  };
}
