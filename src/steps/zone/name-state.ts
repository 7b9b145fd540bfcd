/** The records at the deployment's name, as its authority shows them. */

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
import type { DnsRecord, DnsSpec } from '../../deployment/types';
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

/** A wildcard above answers for names that do not exist; whether the name holds the same data itself, only the server knows. */
async function withoutWildcardAnswers(
  authority: Authority,
  name: string,
  records: readonly DnsRecord[],
  ofMadeUpName: readonly DnsRecord[],
): Promise<readonly DnsRecord[]> {
  if (!mayBeWildcardAnswer(records, ofMadeUpName)) return records;
  return (await authority.exists(name)) ? records : [];
}

/** Which of the base name, `api.` and a made-up name below it do not lead to the target. */
export async function namesNotPointingTo(authority: Authority, target: Pointer): Promise<readonly string[]> {
  const { name: baseName } = authority.spec;
  const names = [baseName, apiNameOf(baseName), `${randomLabel()}.${baseName}`];
  const answers = await Promise.all(names.map((name) => authority.ask(name, 'A')));
  return names.filter((name, i) => !leadsTo(answers[i], name, target));
}

/** Addresses the name leads to. A server follows no CNAME out of its zone, so the end of the chain is asked for again. */
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

/** The server may know nothing of names outside the zone, and say so with any response code. */
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

/** Types are asked for one by one, because many servers refuse ANY (RFC 8482); a CNAME, or no such name, means that there are no others. */
async function recordsAt(authority: Authority, name: string): Promise<readonly DnsRecord[]> {
  const [cname, ...others] = RECORD_TYPES;
  const answer = await ask(authority, name, cname);
  const cnames = recordsNamed(name, answer);
  if (answer.rcode === 'NXDOMAIN' || cnames.length > 0) return cnames;
  const types = [...others, ...(await furtherTypesAt(authority, name))];
  const answers = await Promise.all(types.map((type) => ask(authority, name, type)));
  return answers.flatMap((one) => recordsNamed(name, one));
}

/** Types that only an answer to ANY tells of, if the server gives one. It need not be complete. */
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

/** An answer without authority says nothing about what is there. */
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
