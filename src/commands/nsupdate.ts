/**
 * Scripts for nsupdate, one message each (RFC 2136): all of it happens or nothing. Prerequisites say what was seen, so that what
 * somebody else wrote meanwhile is refused, not lost. A value that could end its line or its field is a RangeError.
 */

import { ownershipNameOf } from '../spec/names';
import type { DnsRecord, DnsSpec, DnsTarget } from '../spec/types';

type Place = Pick<DnsSpec, 'server' | 'port' | 'zone' | 'name'>;

/** What stands at a deployment's name. */
export interface Observed {
  /** The ownership TXT. */
  readonly ownership: readonly DnsRecord[];
  /** Base and wildcard. */
  readonly records: readonly DnsRecord[];
}

/** What a person may have put at a name. Those of DNSSEC are the server's own affair. Numbers (SVCB, HTTPS, URI) where a tool has no name for it. */
export const RECORD_TYPES = [
  'CNAME', 'A', 'AAAA', 'MX', 'TXT', 'SRV', 'NS', 'CAA', 'DNAME', 'HINFO', 'LOC', 'NAPTR', 'PTR', 'RP', 'SPF', 'SSHFP', 'TLSA', 'TYPE64', 'TYPE65', 'TYPE256',
] as const;

/**
 * All types at base and wildcard go first: a CNAME added where another type stands is ignored without a word, and so is any other
 * type where a CNAME stands.
 */
export function pointAt({ dns, target, owner, observed }: { dns: DnsSpec; target: DnsTarget; owner: string; observed: Observed }): string {
  const { base, wildcard, ownership } = namesOf(dns);
  const ttl = number(dns.ttl, 0, 2 ** 31 - 1);
  return message(dns, [
    ...(observed.ownership.length === 0 ? [`prereq nxrrset ${ownership} TXT`] : observed.ownership.map((record) => unchanged(dns, record))),
    ...[base, wildcard].flatMap((name) => guard(dns, name, observed.records.filter((record) => ownerName(dns, record) === name))),
    `update delete ${base}`,
    `update delete ${wildcard}`,
    `update delete ${ownership} TXT`,
    `update add ${base} ${ttl} ${target.type} ${target.type === 'A' ? address(target.value) : absolute(target.value)}`,
    `update add ${wildcard} ${ttl} CNAME ${base}`,
    `update add ${ownership} ${ttl} TXT ${quoted(owner)}`,
  ]);
}

/** Only the types `pointAt` writes: what somebody put beside them stays. */
export function takeBack({ dns, owner, restore }: { dns: Place; owner: string; restore: readonly DnsRecord[] }): string {
  const { base, wildcard, ownership } = namesOf(dns);
  return message(dns, [
    `prereq yxrrset ${ownership} TXT ${quoted(owner)}`,
    `update delete ${base} CNAME`,
    `update delete ${base} A`,
    `update delete ${wildcard} CNAME`,
    `update delete ${ownership} TXT`,
    ...restore.map((record) => `update add ${ownerName(dns, record)} ${number(record.ttl, 0, 2 ** 31 - 1)} ${record.type} ${data(record)}`),
  ]);
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
  return [`server ${host(server)} ${number(port, 1, 65_535)}`, `zone ${absolute(zone)}`, ...lines, 'send', ''].join('\n');
}

/** Holds only while exactly these records stand at the name. A CNAME has no other type beside it. */
function guard(dns: Place, name: string, records: readonly DnsRecord[]): string[] {
  if (records.length === 0) return [`prereq nxdomain ${name}`];
  const types = new Set(records.map(({ type }) => type));
  const absent = types.has('CNAME') ? [] : RECORD_TYPES.filter((type) => !types.has(type));
  return [...records.map((record) => unchanged(dns, record)), ...absent.map((type) => `prereq nxrrset ${name} ${type}`)];
}

/** Those of one name and type are taken together: no more and no fewer may be there. */
function unchanged(dns: Place, record: DnsRecord): string {
  return `prereq yxrrset ${ownerName(dns, record)} ${record.type} ${data(record)}`;
}

function namesOf({ name, zone }: Place): { base: string; wildcard: string; ownership: string } {
  const base = absolute(name);
  if (!base.endsWith(`.${absolute(zone)}`)) throw new RangeError(`${JSON.stringify(name)} is not inside ${JSON.stringify(zone)}`);
  return { base, wildcard: `*.${base}`, ownership: ownershipNameOf(base) };
}

/** Records of any other name are none of ours. */
function ownerName(dns: Place, record: DnsRecord): string {
  const name = Object.values(namesOf(dns)).find((ours) => ours === `${record.name}.`);
  if (name === undefined) throw new RangeError(`not a name of ${dns.name}: ${JSON.stringify(record.name)}`);
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
