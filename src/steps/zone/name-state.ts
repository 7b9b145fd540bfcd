/** What stands at the deployment's name, by the authority's own word. */

import { randomBytes } from 'node:crypto';
import { RECORD_TYPES } from '../../dns/update';
import { DeployError } from '../../deployment/errors';
import { ownershipNameOf } from '../../deployment/names';
import type { DnsTarget } from '../../deployment/facts';
import type { DnsRecord, DnsSpec } from '../../deployment/types';
import type { Authority } from './authority';
import type { DnsAnswer } from '../ports';

export interface NameState {
  /** What ownership TXTs say; see `ownerOf`. */
  readonly owners: readonly string[];
  /** What stands in the way of an ownership TXT: others, or a CNAME. */
  readonly ownership: readonly DnsRecord[];
  /** Everything at the base name and at the wildcard below it. */
  readonly records: readonly DnsRecord[];
}

export async function observeName(authority: Authority): Promise<NameState> {
  const { name } = authority.spec;
  const ownershipName = ownershipNameOf(name);
  const [ownership, base, wildcard, sibling, child] = await Promise.all([
    ownershipAt(authority, ownershipName),
    recordsAt(authority, name),
    recordsAt(authority, `*.${name}`),
    recordsAt(authority, `${randomLabel()}.${parentOf(name)}`),
    recordsAt(authority, `${randomLabel()}.${name}`),
  ]);
  const own = {
    ownership: await ownOf(authority, ownershipName, ownership, child),
    records: [
      ...(await ownOf(authority, name, base, sibling)),
      ...(await ownOf(authority, `*.${name}`, wildcard, sibling)),
    ],
  };
  return { ...own, owners: own.ownership.filter(({ type }) => type === 'TXT').map(({ data }) => textIn(data)) };
}

export async function ownersOf(authority: Authority): Promise<readonly string[]> {
  return (await ownershipAt(authority, ownershipNameOf(authority.spec.name)))
    .filter(({ type }) => type === 'TXT')
    .map(({ data }) => textIn(data));
}

/**
 * A wildcard above answers for names that do not exist. What a made-up name answers too can be its word, or the same data at the name
 * itself: only the server knows which.
 */
async function ownOf(
  authority: Authority,
  name: string,
  seen: readonly DnsRecord[],
  madeUp: readonly DnsRecord[],
): Promise<readonly DnsRecord[]> {
  const wild = new Set(madeUp.map(dataOf));
  if (seen.length === 0 || !seen.every((record) => wild.has(dataOf(record)))) return seen;
  return (await authority.exists(name)) ? seen : [];
}

/** Whether base and wildcard are what `updateDns` writes, with nothing that leads elsewhere. */
export function pointsAt(records: readonly DnsRecord[], spec: DnsSpec, target: DnsTarget): boolean {
  const wanted = new Map([
    [spec.name, `${target.type} ${target.value}`],
    [`*.${spec.name}`, `CNAME ${spec.name}`],
  ]);
  const leading = records.filter(({ type }) => LEADING.has(type));
  return (
    leading.length === wanted.size &&
    leading.every((record) => wanted.get(record.name)?.toLowerCase() === dataOf(record).toLowerCase())
  );
}

const LEADING: ReadonlySet<string> = new Set(['CNAME', 'A', 'AAAA', 'DNAME']);

/** Names of base, `api.` and a made-up host at which the authority does not lead to the target. */
export async function namesAstray(authority: Authority, target: DnsTarget): Promise<readonly string[]> {
  const { name: base } = authority.spec;
  const names = [base, `api.${base}`, `${randomLabel()}.${base}`];
  const answers = await Promise.all(names.map((name) => authority.ask(name, 'A')));
  return names.filter((name, i) => !leadsTo(answers[i], name, target));
}

/** Addresses the name leads to, by the authority's word. It follows no CNAME out of its zone by itself, so the end is asked for again. */
export async function addressesOf(authority: Authority, name: string): Promise<readonly string[]> {
  let end = name;
  for (let links = 0; links < MAX_LINKS; links++) {
    const answer = await answerFor(authority, end);
    const found = answer === undefined ? [] : addressesIn(answer, end);
    const next = answer === undefined ? end : endOfChain(answer, end);
    if (found.length > 0 || next === end) return found;
    end = next;
  }
  return [];
}

/** Of names outside the zone the server may know nothing, and say that in any way. */
async function answerFor(authority: Authority, name: string): Promise<DnsAnswer | undefined> {
  try {
    return await authority.ask(name, 'A');
  } catch (error) {
    if (!isInZone(authority.spec, name) && error instanceof DeployError && error.code === 'DNS_ERROR') return undefined;
    throw error;
  }
}

function isInZone({ zone }: DnsSpec, name: string): boolean {
  return name === zone || name.endsWith(`.${zone}`);
}

const MAX_LINKS = 8;

/** Addresses an answer's CNAME chain ends in. */
function addressesIn(answer: DnsAnswer, name: string): readonly string[] {
  const end = endOfChain(answer, name);
  return answer.records.filter((record) => record.type === 'A' && record.name === end).map(({ data }) => data);
}

function leadsTo(answer: DnsAnswer | undefined, name: string, target: DnsTarget): boolean {
  if (answer === undefined || !answer.authoritative) return false;
  if (target.type === 'A') return addressesIn(answer, name).join() === target.value;
  return chain(answer, name).slice(1).includes(target.value);
}

function endOfChain(answer: DnsAnswer, name: string): string {
  return chain(answer, name).at(-1) ?? name;
}

function chain(answer: DnsAnswer, name: string): readonly string[] {
  const names = [name];
  for (let link = next(answer, name); link !== undefined && !names.includes(link); link = next(answer, link))
    names.push(link);
  return names;
}

function next(answer: DnsAnswer, name: string): string | undefined {
  return answer.records.find((record) => record.type === 'CNAME' && record.name === name)?.data.toLowerCase();
}

/** Types are asked one by one, as many servers refuse ANY (RFC 8482); no others where the first says that there can be none. */
async function recordsAt(authority: Authority, name: string): Promise<readonly DnsRecord[]> {
  const [first, ...others] = RECORD_TYPES;
  const answer = await ask(authority, name, first);
  const alone = answer.records.filter((record) => record.name === name);
  if (answer.rcode === 'NXDOMAIN' || alone.length > 0) return alone;
  const answers = await Promise.all(
    [...others, ...(await furtherTypes(authority, name))].map((type) => ask(authority, name, type)),
  );
  return answers.flatMap(({ records }) => records).filter((record) => record.name === name);
}

/** Types nobody would think of. The answer to ANY says which they are, if the server gives one; what it holds need not be everything. */
async function furtherTypes(authority: Authority, name: string): Promise<readonly string[]> {
  try {
    const { records } = await authority.ask(name, 'ANY');
    return [...new Set(records.map(({ type }) => type))].filter((type) => !ASKED.has(type));
  } catch (error) {
    if (error instanceof DeployError && error.code === 'DNS_ERROR') return [];
    throw error;
  }
}

/** Those of DNSSEC the server makes by itself. */
const ASKED: ReadonlySet<string> = new Set([...RECORD_TYPES, 'RRSIG', 'NSEC', 'NSEC3']);

/** A CNAME there would swallow the TXT without a word; it is in the answer, with or without a TXT behind it. */
async function ownershipAt(authority: Authority, name: string): Promise<readonly DnsRecord[]> {
  return (await ask(authority, name, 'TXT')).records.filter(
    (record) => record.name === name && (record.type === 'TXT' || record.type === 'CNAME'),
  );
}

/** A server that only knows whom to ask does not say "nothing there". */
async function ask(authority: Authority, name: string, type: string): Promise<DnsAnswer> {
  const answer = await authority.ask(name, type);
  if (!answer.authoritative)
    throw new DeployError('DNS_NOT_ZONE', `${authority.spec.server} is not the authority for ${name}.`);
  return answer;
}

/** Strings of a TXT in presentation format, as one. */
export function textIn(data: string): string {
  const strings = [...data.matchAll(/"((?:[^"\\]|\\.)*)"/g)].map(([, text]) => text);
  return strings
    .join('')
    .replace(/\\(\d{3}|.)/g, (_escape, it: string) => (it.length === 3 ? String.fromCharCode(Number(it)) : it));
}

export function dataOf({ type, data }: DnsRecord): string {
  return `${type} ${data}`;
}

function parentOf(name: string): string {
  return name.slice(name.indexOf('.') + 1);
}

export function randomLabel(): string {
  return `probe-${randomBytes(4).toString('hex')}`;
}
