/**
 * Scripts for nsupdate, each a single message (RFC 2136), of which everything is done or nothing. The prerequisites say what was observed:
 * if somebody has changed the name since, the server refuses the update and nothing of theirs is lost. A value that could end its line or
 * its field is a RangeError.
 */

import { ownershipNameOf, wildcardNameOf } from '../deployment/names';
import type { DnsRecord, DnsSpec } from '../deployment/spec';
import { RECORD_TYPES } from './records';
import type { NameState, Pointer } from './records';

type NameInZone = Pick<DnsSpec, 'server' | 'port' | 'zone' | 'name'>;

/** What was seen at the deployment's name. */
type Observed = Pick<NameState, 'ownership' | 'records'>;

/**
 * Deletes what was observed, record by record, so that nothing unobserved is ever deleted; then adds our records. Servers silently ignore
 * a CNAME added beside another type, and any type added beside a CNAME: the prerequisites make sure that nothing else is there.
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
    ...ownershipPrerequisites(dns, observed.ownership),
    ...[base, wildcard].flatMap((name) => prerequisites(dns, name, observed.records)),
    ...[...observed.records, ...observed.ownership].map((record) => deleteRecord(dns, record)),
    `update add ${base} ${ttl} ${target.type} ${target.type === 'A' ? address(target.value) : absolute(target.value)}`,
    `update add ${wildcard} ${ttl} CNAME ${base}`,
    `update add ${ownership} ${ttl} TXT ${quoted(owner)}`,
  ]);
}

/** Deletes only `ours`, record by record. A name at which records are restored must hold what was observed and nothing else. */
export function takeBack({
  dns,
  observed,
  ours,
  restore,
}: {
  dns: NameInZone;
  observed: Observed;
  ours: readonly DnsRecord[];
  restore: readonly DnsRecord[];
}): string {
  const { base, wildcard } = namesOf(dns);
  const restored = new Set(restore.map((record) => ownerName(dns, record)));
  return message(dns, [
    ...ownershipPrerequisites(dns, observed.ownership),
    ...[base, wildcard]
      .filter((name) => restored.has(name))
      .flatMap((name) => prerequisites(dns, name, observed.records)),
    ...ours.map((record) => deleteRecord(dns, record)),
    ...restore.map(
      (record) =>
        `update add ${ownerName(dns, record)} ${number(record.ttl, 0, 2 ** 31 - 1)} ${record.type} ${data(record)}`,
    ),
  ]);
}

/** Changes nothing. Refused unless the name holds records of its own, or of this type: wildcards do not count in prerequisites. */
export function exists(dns: NameInZone, name: string, type?: 'TXT'): string {
  const own = ownName(dns, name);
  return message(dns, [type === undefined ? `prereq yxdomain ${own}` : `prereq yxrrset ${own} ${type}`]);
}

/**
 * Checks the key. Changes nothing, not even the serial, because the records it deletes never exist. Prerequisites alone would not be
 * enough: if rights are given by name (`update-policy`), BIND only checks the names in the update section.
 */
export function probe(dns: NameInZone): string {
  const { base, wildcard, ownership } = namesOf(dns);
  return message(dns, [
    `update delete ${base} CNAME stackato-deploy-probe.invalid.`,
    `update delete ${wildcard} CNAME stackato-deploy-probe.invalid.`,
    `update delete ${ownership} TXT "stackato-deploy-probe"`,
  ]);
}

function message({ server, port, zone }: NameInZone, lines: readonly string[]): string {
  return [`server ${host(server)} ${number(port, 1, 65_535)}`, `zone ${absolute(zone)}`, ...lines, 'send', ''].join(
    '\n',
  );
}

/** Prerequisites: the name holds exactly these records. A CNAME allows no other type beside it. */
function prerequisites(dns: NameInZone, name: string, observed: readonly DnsRecord[]): string[] {
  const records = observed.filter((record) => ownerName(dns, record) === name);
  return records.length === 0 ? [`prereq nxdomain ${name}`] : typePrerequisites(dns, name, records, RECORD_TYPES);
}

/** Other types than CNAME may be beside the TXT. */
function ownershipPrerequisites(dns: NameInZone, records: readonly DnsRecord[]): string[] {
  return typePrerequisites(dns, namesOf(dns).ownership, records, ['CNAME', 'TXT']);
}

function typePrerequisites(
  dns: NameInZone,
  name: string,
  records: readonly DnsRecord[],
  all: readonly string[],
): string[] {
  const types = new Set(records.map(({ type }) => type));
  const absent = types.has('CNAME') ? [] : all.filter((type) => !types.has(type));
  return [
    ...records.map((record) => exactRecord(dns, record)),
    ...absent.map((type) => `prereq nxrrset ${name} ${type}`),
  ];
}

/** The server compares all records of a name and type as a set: no more and no fewer may be there. */
function exactRecord(dns: NameInZone, record: DnsRecord): string {
  return `prereq yxrrset ${ownerName(dns, record)} ${record.type} ${data(record)}`;
}

function deleteRecord(dns: NameInZone, record: DnsRecord): string {
  return `update delete ${ownerName(dns, record)} ${record.type} ${data(record)}`;
}

function namesOf({ name, zone }: NameInZone): { base: string; wildcard: string; ownership: string } {
  const base = absolute(name);
  if (!base.endsWith(`.${absolute(zone)}`))
    throw new RangeError(`${JSON.stringify(name)} is not inside ${JSON.stringify(zone)}`);
  return { base, wildcard: wildcardNameOf(base), ownership: ownershipNameOf(base) };
}

function ownerName(dns: NameInZone, record: DnsRecord): string {
  return ownName(dns, record.name);
}

/** Throws for a name that this deployment never writes to. */
function ownName(dns: NameInZone, text: string): string {
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

/** Fields of printable ASCII with closed quotes, without anything that begins a comment or a group. */
const FIELD = /(?:"(?:[ !#-[\]-~]|\\[ -~])*"|(?:[!#-'*-:<-[\]-~]|\\[!-~])+)/.source;
const DATA = new RegExp(`^${FIELD}(?: ${FIELD})*$`);

function data(record: DnsRecord): string {
  if (/^[A-Z][A-Z0-9-]{0,19}$/.test(record.type) && DATA.test(record.data)) return record.data;
  throw new RangeError(`not a record in presentation format: ${JSON.stringify(`${record.type} ${record.data}`)}`);
}
