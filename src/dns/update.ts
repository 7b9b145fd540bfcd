/**
 * Scripts for nsupdate, one message each (RFC 2136): all of it happens or nothing. Prerequisites say what was seen, so that what
 * somebody else wrote meanwhile is refused, not lost. A value that could end its line or its field is a RangeError.
 */

import { ownershipNameOf, wildcardNameOf } from '../deployment/names';
import type { DnsRecord, DnsSpec } from '../deployment/types';
import { RECORD_TYPES } from './records';
import type { NameState, Pointer } from './records';

type Place = Pick<DnsSpec, 'server' | 'port' | 'zone' | 'name'>;

/** What was seen at the deployment's name. */
type Observed = Pick<NameState, 'ownership' | 'records'>;

/**
 * What was observed goes first, record by record: what nobody saw is never deleted. A CNAME added where another type stands is ignored
 * without a word, and so is any other type where a CNAME stands: the prerequisites see to it that nothing else is there.
 */
export function pointAt({
  dns,
  target,
  owner,
  observed,
}: {
  dns: DnsSpec;
  target: Pointer;
  owner: string;
  observed: Observed;
}): string {
  const { base, wildcard, ownership } = namesOf(dns);
  const ttl = number(dns.ttl, 0, 2 ** 31 - 1);
  return message(dns, [
    ...guardOwnership(dns, observed.ownership),
    ...[base, wildcard].flatMap((name) => guard(dns, name, observed.records)),
    ...[...observed.records, ...observed.ownership].map((record) => removed(dns, record)),
    `update add ${base} ${ttl} ${target.type} ${target.type === 'A' ? address(target.value) : absolute(target.value)}`,
    `update add ${wildcard} ${ttl} CNAME ${base}`,
    `update add ${ownership} ${ttl} TXT ${quoted(owner)}`,
  ]);
}

/** Only `ours` goes, record by record. A name that gets something back must hold what was observed, and nothing else. */
export function takeBack({
  dns,
  observed,
  ours,
  restore,
}: {
  dns: Place;
  observed: Observed;
  ours: readonly DnsRecord[];
  restore: readonly DnsRecord[];
}): string {
  const { base, wildcard } = namesOf(dns);
  const getting = new Set(restore.map((record) => ownerName(dns, record)));
  return message(dns, [
    ...guardOwnership(dns, observed.ownership),
    ...[base, wildcard].filter((name) => getting.has(name)).flatMap((name) => guard(dns, name, observed.records)),
    ...ours.map((record) => removed(dns, record)),
    ...restore.map(
      (record) =>
        `update add ${ownerName(dns, record)} ${number(record.ttl, 0, 2 ** 31 - 1)} ${record.type} ${data(record)}`,
    ),
  ]);
}

/** Changes nothing. Refused unless the name holds records of its own, of this type if one is given: no wildcard answers for it here. */
export function exists(dns: Place, name: string, type?: 'TXT'): string {
  const own = ownName(dns, name);
  return message(dns, [type === undefined ? `prereq yxdomain ${own}` : `prereq yxrrset ${own} ${type}`]);
}

/**
 * Changes nothing, not even the serial: the records it deletes are never there. Prerequisites alone would not do: where rights are
 * given name by name (`update-policy`), BIND looks at those of the update section only.
 */
export function probe(dns: Place): string {
  const { base, wildcard, ownership } = namesOf(dns);
  return message(dns, [
    `update delete ${base} CNAME stackato-deploy-probe.invalid.`,
    `update delete ${wildcard} CNAME stackato-deploy-probe.invalid.`,
    `update delete ${ownership} TXT "stackato-deploy-probe"`,
  ]);
}

function message({ server, port, zone }: Place, lines: readonly string[]): string {
  return [`server ${host(server)} ${number(port, 1, 65_535)}`, `zone ${absolute(zone)}`, ...lines, 'send', ''].join(
    '\n',
  );
}

/** Holds only while exactly these records stand at the name. A CNAME has no other type beside it. */
function guard(dns: Place, name: string, observed: readonly DnsRecord[]): string[] {
  const records = observed.filter((record) => ownerName(dns, record) === name);
  return records.length === 0 ? [`prereq nxdomain ${name}`] : guardTypes(dns, name, records, RECORD_TYPES);
}

/** Other types may stand beside the TXT. */
function guardOwnership(dns: Place, records: readonly DnsRecord[]): string[] {
  return guardTypes(dns, namesOf(dns).ownership, records, ['CNAME', 'TXT']);
}

function guardTypes(dns: Place, name: string, records: readonly DnsRecord[], all: readonly string[]): string[] {
  const types = new Set(records.map(({ type }) => type));
  const absent = types.has('CNAME') ? [] : all.filter((type) => !types.has(type));
  return [
    ...records.map((record) => unchanged(dns, record)),
    ...absent.map((type) => `prereq nxrrset ${name} ${type}`),
  ];
}

/** Those of one name and type are taken together: no more and no fewer may be there. */
function unchanged(dns: Place, record: DnsRecord): string {
  return `prereq yxrrset ${ownerName(dns, record)} ${record.type} ${data(record)}`;
}

function removed(dns: Place, record: DnsRecord): string {
  return `update delete ${ownerName(dns, record)} ${record.type} ${data(record)}`;
}

function namesOf({ name, zone }: Place): { base: string; wildcard: string; ownership: string } {
  const base = absolute(name);
  if (!base.endsWith(`.${absolute(zone)}`))
    throw new RangeError(`${JSON.stringify(name)} is not inside ${JSON.stringify(zone)}`);
  return { base, wildcard: wildcardNameOf(base), ownership: ownershipNameOf(base) };
}

function ownerName(dns: Place, record: DnsRecord): string {
  return ownName(dns, record.name);
}

/** Any other name is none of ours. */
function ownName(dns: Place, text: string): string {
  const name = Object.values(namesOf(dns)).find((ours) => ours === `${text}.`);
  if (name === undefined) throw new RangeError(`not a name of ${dns.name}: ${JSON.stringify(text)}`);
  return name;
}

function absolute(name: string): string {
  return `${host(name)}.`;
}

function host(name: string): string {
  const plain = name.length <= 253 && name.split('.').every((label) => /^[a-z0-9_-]{1,63}$/i.test(label));
  if (!plain) throw new RangeError(`not a host name: ${JSON.stringify(name)}`);
  return name;
}

function address(ip: string): string {
  const octets = ip.split('.');
  if (octets.length === 4 && octets.every((octet) => /^\d{1,3}$/.test(octet) && Number(octet) <= 255)) return ip;
  throw new RangeError(`not an IPv4 address: ${JSON.stringify(ip)}`);
}

function number(value: number, least: number, most: number): number {
  if (Number.isInteger(value) && value >= least && value <= most) return value;
  throw new RangeError(`not a whole number from ${least} to ${most}: ${value}`);
}

function quoted(text: string): string {
  if (/^[\x20-\x7e]{1,255}$/.test(text)) return `"${text.replace(/["\\]/g, '\\$&')}"`;
  throw new RangeError(`not a line of at most 255 printable ASCII characters: ${JSON.stringify(text)}`);
}

/** Fields of printable ASCII, quotes closed, and nothing that begins a comment or a group. */
const FIELD = /(?:"(?:[ !#-[\]-~]|\\[ -~])*"|(?:[!#-'*-:<-[\]-~]|\\[!-~])+)/.source;
const DATA = new RegExp(`^${FIELD}(?: ${FIELD})*$`);

function data(record: DnsRecord): string {
  if (/^[A-Z][A-Z0-9-]{0,19}$/.test(record.type) && DATA.test(record.data)) return record.data;
  throw new RangeError(`not a record in presentation format: ${JSON.stringify(`${record.type} ${record.data}`)}`);
}
