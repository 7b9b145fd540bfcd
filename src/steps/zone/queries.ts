/** Queries to the authority of the deployment's zone: the records at its names, and where they lead. */

import { randomBytes } from 'node:crypto';
import {
  addressesIn,
  endOfCnames,
  furtherTypes,
  leadsTo,
  mayBeWildcardAnswer,
  ownershipRecords,
  recordsNamed,
} from '../../dns/answers';
import type { DnsAnswer } from '../../dns/answers';
import { nameStateOf, ownersIn, RECORD_TYPES } from '../../dns/records';
import type { NameState, Pointer } from '../../dns/records';
import { DeployError } from '../../deployment/errors';
import { apiNameOf, ownershipNameOf, wildcardNameOf } from '../../deployment/names';
import type { DnsRecord, DnsSpec } from '../../deployment/spec';
import type { Authority } from './authority';

export async function observeName(authority: Authority): Promise<NameState> {
  const { name: baseName } = authority.spec;
  const [ownershipName, wildcardName] = [ownershipNameOf(baseName), wildcardNameOf(baseName)];
  const [ownership, base, wildcard, sibling, child] = await Promise.all([
    ownershipAt(authority, ownershipName),
    recordsAt(authority, baseName),
    recordsAt(authority, wildcardName),
    recordsAt(authority, `${randomLabel()}.${parentOf(baseName)}`),
    recordsAt(authority, `${randomLabel()}.${baseName}`),
  ]);
  return nameStateOf(await withoutWildcardAnswers(authority, ownershipName, ownership, child), [
    ...(await withoutWildcardAnswers(authority, baseName, base, sibling)),
    ...(await withoutWildcardAnswers(authority, wildcardName, wildcard, sibling)),
  ]);
}

export async function ownersOf(authority: Authority): Promise<readonly string[]> {
  return ownersIn(await ownershipAt(authority, ownershipNameOf(authority.spec.name)));
}

/** A wildcard answers for names that do not exist. Whether the name itself has the same records, only the server can tell. */
async function withoutWildcardAnswers(
  authority: Authority,
  name: string,
  records: readonly DnsRecord[],
  atRandomName: readonly DnsRecord[],
): Promise<readonly DnsRecord[]> {
  if (!mayBeWildcardAnswer(records, atRandomName)) return records;
  return (await authority.exists(name)) ? records : [];
}

/** Which of the base name, the API's name and a random name below it do not lead to the target. */
export async function namesNotLeadingTo(authority: Authority, target: Pointer): Promise<readonly string[]> {
  const { name: baseName } = authority.spec;
  const names = [baseName, apiNameOf(baseName), `${randomLabel()}.${baseName}`];
  const answers = await Promise.all(names.map((name) => authority.ask(name, 'A')));
  return names.filter((name, i) => !leadsTo(answers[i], name, target));
}

/** The addresses that the name leads to. A server does not follow a CNAME out of its zone, so the end of the chain is queried again. */
export async function addressesOf(authority: Authority, name: string): Promise<readonly string[]> {
  let end = name;
  for (let links = 0; links < MAX_LINKS; links++) {
    const answer = await answerFor(authority, end);
    const found = answer === undefined ? [] : addressesIn(answer, end);
    const next = answer === undefined ? end : endOfCnames(answer, end);
    if (found.length > 0 || next === end) return found;
    end = next;
  }
  return [];
}

/** Undefined for a name outside the zone that the server does not answer for: it may use any response code then. */
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

/** Queries the types one by one, because many servers refuse ANY (RFC 8482). A CNAME or NXDOMAIN means that there are no others. */
async function recordsAt(authority: Authority, name: string): Promise<readonly DnsRecord[]> {
  const [cname, ...others] = RECORD_TYPES;
  const answer = await ask(authority, name, cname);
  const cnames = recordsNamed(name, answer);
  if (answer.rcode === 'NXDOMAIN' || cnames.length > 0) return cnames;
  const types = [...others, ...(await furtherTypesAt(authority, name))];
  const answers = await Promise.all(types.map((type) => ask(authority, name, type)));
  return answers.flatMap((one) => recordsNamed(name, one));
}

/** Further types that an answer to ANY shows, if the server gives one. It may be incomplete. */
async function furtherTypesAt(authority: Authority, name: string): Promise<readonly string[]> {
  try {
    return furtherTypes(await authority.ask(name, 'ANY'));
  } catch (error) {
    if (error instanceof DeployError && error.code === 'DNS_ERROR') return [];
    throw error;
  }
}

async function ownershipAt(authority: Authority, name: string): Promise<readonly DnsRecord[]> {
  return ownershipRecords(name, await ask(authority, name, 'TXT'));
}

/** Throws for an answer without authority: it does not prove what is there. */
async function ask(authority: Authority, name: string, type: string): Promise<DnsAnswer> {
  const answer = await authority.ask(name, type);
  if (!answer.authoritative)
    throw new DeployError('DNS_NOT_ZONE', `${authority.spec.server} is not the authority for ${name}.`);
  return answer;
}

function parentOf(name: string): string {
  return name.slice(name.indexOf('.') + 1);
}

export function randomLabel(): string {
  return `probe-${randomBytes(4).toString('hex')}`;
}
