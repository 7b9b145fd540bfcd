/** How a name server's answers are read. */

import type { DnsRecord } from '../deployment/spec';
import { RECORD_TYPES, typeAndData } from './records';
import type { Pointer } from './records';

export interface DnsAnswer {
  readonly rcode: string;
  /** The AA bit. */
  readonly authoritative: boolean;
  /** The answer section. */
  readonly records: readonly DnsRecord[];
}

export function recordsNamed(name: string, { records }: DnsAnswer): readonly DnsRecord[] {
  return records.filter((record) => record.name === name);
}

/** A CNAME at the ownership name would hide the TXT; it is in the answer, with or without a TXT behind it. */
export function ownershipRecords(name: string, answer: DnsAnswer): readonly DnsRecord[] {
  return recordsNamed(name, answer).filter(({ type }) => type === 'TXT' || type === 'CNAME');
}

/** Whether a wildcard above may have answered for the name: a made-up name got the same data. The name may also hold that data itself. */
export function mayBeWildcardAnswer(records: readonly DnsRecord[], ofMadeUpName: readonly DnsRecord[]): boolean {
  const wildcard = new Set(ofMadeUpName.map(typeAndData));
  return records.length > 0 && records.every((record) => wildcard.has(typeAndData(record)));
}

/** Types in an answer to ANY that are not asked for one by one. */
export function furtherTypes({ records }: DnsAnswer): readonly string[] {
  return [...new Set(records.map(({ type }) => type))].filter((type) => !KNOWN_TYPES.has(type));
}

/** The server makes the DNSSEC records itself. */
const KNOWN_TYPES: ReadonlySet<string> = new Set([...RECORD_TYPES, 'RRSIG', 'NSEC', 'NSEC3']);

/** The addresses at the end of the answer's CNAME chain. */
export function addressesIn(answer: DnsAnswer, name: string): readonly string[] {
  const end = endOfCnames(answer, name);
  return answer.records.filter((record) => record.type === 'A' && record.name === end).map(({ data }) => data);
}

/** Whether an authoritative answer for the name ends at the target, or passes through it. */
export function leadsTo(answer: DnsAnswer | undefined, name: string, target: Pointer): boolean {
  if (answer === undefined || !answer.authoritative) return false;
  if (target.type === 'A') return addressesIn(answer, name).join() === target.value;
  return cnameChain(answer, name).slice(1).includes(target.value);
}

export function endOfCnames(answer: DnsAnswer, name: string): string {
  return cnameChain(answer, name).at(-1) ?? name;
}

function cnameChain(answer: DnsAnswer, name: string): readonly string[] {
  const names = [name];
  for (let next = cnameAt(answer, name); next !== undefined && !names.includes(next); next = cnameAt(answer, next))
    names.push(next);
  return names;
}

function cnameAt({ records }: DnsAnswer, name: string): string | undefined {
  return records.find((record) => record.type === 'CNAME' && record.name === name)?.data.toLowerCase();
}
