/** What stands at the deployment's name, by the authority's own word. */

import { randomBytes } from 'node:crypto';
import { RECORD_TYPES } from '../commands/nsupdate';
import { DeployError } from '../spec/errors';
import { ownershipNameOf } from '../spec/names';
import type { DnsRecord, DnsSpec, DnsTarget } from '../spec/types';
import type { Dns, DnsAnswer } from './ports';

export interface NameState {
  /** What the ownership TXT says; see `ownerOf`. */
  readonly owner?: string;
  readonly ownership: readonly DnsRecord[];
  /** Everything at the base name and at the wildcard below it. */
  readonly records: readonly DnsRecord[];
}

export async function observeName(dns: Dns, spec: DnsSpec): Promise<NameState> {
  const ownershipName = ownershipNameOf(spec.name);
  const [ownership, base, wildcard, sibling, child] = await Promise.all([
    ask(dns, spec, ownershipName, 'TXT'),
    recordsAt(dns, spec, spec.name),
    recordsAt(dns, spec, `*.${spec.name}`),
    recordsAt(dns, spec, `${randomLabel()}.${parentOf(spec.name)}`),
    recordsAt(dns, spec, `${randomLabel()}.${spec.name}`),
  ]);
  // A wildcard above answers for names that do not exist, and for those below them: what a made-up sibling and a made-up child
  // both have is not at our name.
  const below = new Set(child.map(dataOf));
  const above = new Set(sibling.map(dataOf));
  const records = [...base, ...wildcard].filter((record) => !(above.has(dataOf(record)) && below.has(dataOf(record))));
  const texts = ownership.records.filter((record) => record.type === 'TXT' && record.name === ownershipName && !below.has(dataOf(record)));
  const owner = texts.map(({ data }) => textIn(data)).join(', ');
  return { ...(owner === '' ? {} : { owner }), ownership: texts, records };
}

/** Whether base and wildcard are what `updateDns` writes, with nothing that leads elsewhere. */
export function pointsAt(records: readonly DnsRecord[], spec: DnsSpec, target: DnsTarget): boolean {
  const wanted = new Map([[spec.name, `${target.type} ${target.value}`], [`*.${spec.name}`, `CNAME ${spec.name}`]]);
  const leading = records.filter(({ type }) => LEADING.has(type));
  return leading.length === wanted.size && leading.every((record) => wanted.get(record.name)?.toLowerCase() === dataOf(record).toLowerCase());
}

const LEADING: ReadonlySet<string> = new Set(['CNAME', 'A', 'AAAA', 'DNAME']);

/** Records that are not of our making: where the name is ours, those of types we never write there. */
export function strangersIn({ owner, ownership, records }: NameState, spec: DnsSpec, ours: string): readonly DnsRecord[] {
  if (owner !== ours) return [...ownership, ...records];
  return records.filter(({ name, type }) => type !== 'CNAME' && !(type === 'A' && name === spec.name));
}

/** Names of base, `api.` and a made-up host at which the authority does not lead to the target. */
export async function namesAstray(dns: Dns, spec: DnsSpec, target: DnsTarget): Promise<readonly string[]> {
  const names = [spec.name, `api.${spec.name}`, `${randomLabel()}.${spec.name}`];
  const answers = await Promise.all(names.map((name) => dns.query(spec, name, 'A')));
  return names.filter((name, i) => !leadsTo(answers[i], name, target));
}

/** Addresses the name leads to, by the authority's word. It follows no CNAME out of its zone by itself, so the end is asked for again. */
export async function addressesOf(dns: Dns, spec: DnsSpec, name: string): Promise<readonly string[]> {
  let end = name;
  for (let links = 0; links < MAX_LINKS; links++) {
    const answer = await dns.query(spec, end, 'A');
    const found = addressesIn(answer, end);
    const next = endOfChain(answer, end);
    if (found.length > 0 || next === end) return found;
    end = next;
  }
  return [];
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
  for (let link = next(answer, name); link !== undefined && !names.includes(link); link = next(answer, link)) names.push(link);
  return names;
}

function next(answer: DnsAnswer, name: string): string | undefined {
  return answer.records.find((record) => record.type === 'CNAME' && record.name === name)?.data.toLowerCase();
}

/** Types are asked one by one, as many servers refuse ANY (RFC 8482); no others where the first says that there can be none. */
async function recordsAt(dns: Dns, spec: DnsSpec, name: string): Promise<readonly DnsRecord[]> {
  const [first, ...others] = RECORD_TYPES;
  const answer = await ask(dns, spec, name, first);
  const alone = answer.records.filter((record) => record.name === name);
  if (answer.rcode === 'NXDOMAIN' || alone.length > 0) return alone;
  const answers = await Promise.all(others.map((type) => ask(dns, spec, name, type)));
  return answers.flatMap(({ records }) => records).filter((record) => record.name === name);
}

/** No answer is not "nothing there", and neither is that of a server which only knows whom to ask. */
async function ask(dns: Dns, spec: DnsSpec, name: string, type: string): Promise<DnsAnswer> {
  const answer = await dns.query(spec, name, type);
  if (answer.rcode !== 'NOERROR' && answer.rcode !== 'NXDOMAIN') throw new DeployError('DNS_ERROR', `${spec.server} answers ${answer.rcode} when asked for ${name} ${type}.`);
  if (!answer.authoritative) throw new DeployError('DNS_NOT_ZONE', `${spec.server} is not the authority for ${name}.`);
  return answer;
}

/** Strings of a TXT in presentation format, as one. */
function textIn(data: string): string {
  const strings = [...data.matchAll(/"((?:[^"\\]|\\.)*)"/g)].map(([, text]) => text);
  return strings.join('').replace(/\\(\d{3}|.)/g, (_escape, it: string) => (it.length === 3 ? String.fromCharCode(Number(it)) : it));
}

function dataOf({ type, data }: DnsRecord): string {
  return `${type} ${data}`;
}

function parentOf(name: string): string {
  return name.slice(name.indexOf('.') + 1);
}

export function randomLabel(): string {
  return `probe-${randomBytes(4).toString('hex')}`;
}
