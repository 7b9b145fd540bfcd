/** Points the deployment's name and its wildcard at the address, and takes that back. */

import { DeployError } from '../spec/errors';
import { groupNameOf, ownerOf } from '../spec/names';
import type { DeploymentSpec, DnsRecord, DnsTarget } from '../spec/types';
import { pointAt, takeBack } from '../commands/nsupdate';
import type { Dependencies } from './dependencies';
import { required } from './instance';
import { addressesOf, namesAstray, observeName, pointsAt, strangersIn } from './name-state';
import type { NameState } from './name-state';
import type { TsigKey } from './ports';
import type { StepInput, StepOutcome } from './types';

/** Looks, decides where the name shall point, and keeps what stood there, before anything is overwritten. */
export async function observeDns(deps: Dependencies, input: StepInput): Promise<StepOutcome> {
  const { spec, known } = input;
  const owner = ownerOf(deps.namespace, spec.name);
  const state = await observeName(deps.dns, spec.dns);
  refuseForeign(spec, state, owner);
  const target = await targetOf(deps, input);
  const earlier = state.owner === owner ? (known.dns?.replaced ?? []) : [];
  const replaced = isThere(state, spec, owner, target) ? earlier : [...earlier, ...without(refuseStrangers(spec, state, owner), earlier)];
  return { changed: false, note: `${target.type} ${target.value}`, known: { dns: { target, replaced } } };
}

export async function updateDns(deps: Dependencies, { spec, known }: StepInput): Promise<StepOutcome> {
  const { target, replaced } = required(known.dns, 'DNS target');
  const owner = ownerOf(deps.namespace, spec.name);
  const state = await observeName(deps.dns, spec.dns);
  const there = isThere(state, spec, owner, target);
  if (!there) {
    const unnoted = without(refuseStrangers(spec, state, owner), replaced);
    if (unnoted.length > 0) throw new DeployError('DNS_CHANGED', `${spec.dns.name} holds what was not there when its records were noted: ${listed(unnoted)}.`);
    await deps.dns.update(pointAt({ dns: spec.dns, target, owner, observed: state }), await tsigKey(deps, spec));
  }
  const astray = await namesAstray(deps.dns, spec.dns, target);
  if (astray.length > 0) throw new DeployError('DNS_NOT_SEEN', `${spec.dns.server} does not lead ${astray.join(', ')} to ${target.value}.`);
  return { changed: !there, note: `${target.type} ${target.value} (from ${target.from})`, known: {} };
}

export async function takeBackDns(deps: Dependencies, { spec, known }: StepInput): Promise<StepOutcome> {
  const owner = ownerOf(deps.namespace, spec.name);
  const state = await observeName(deps.dns, spec.dns);
  if (state.owner !== owner) return { changed: false, note: '', known: {} };
  await deps.dns.update(takeBack({ dns: spec.dns, owner, restore: known.dns?.replaced ?? [] }), await tsigKey(deps, spec));
  if ((await observeName(deps.dns, spec.dns)).owner === owner) throw new DeployError('DNS_NOT_SEEN', `${spec.dns.name} still says it is ours.`);
  return { changed: true, note: `DNS records of ${spec.dns.name}`, known: {} };
}

export async function tsigKey({ secrets }: Pick<Dependencies, 'secrets'>, { dns }: DeploymentSpec): Promise<TsigKey | undefined> {
  if (dns.tsig === undefined) return undefined;
  return { name: dns.tsig.name, algorithm: dns.tsig.algorithm, secret: await secrets.resolve(dns.tsig.secret) };
}

/** A name that somebody else has, by its records or by its ownership TXT. */
export function refuseForeign(spec: DeploymentSpec, state: NameState, owner: string): void {
  if (state.owner !== owner) refuseStrangers(spec, state, owner);
}

/** Refuses records that are not ours, or says which are to be replaced. */
function refuseStrangers(spec: DeploymentSpec, state: NameState, owner: string): readonly DnsRecord[] {
  const strangers = strangersIn(state, spec.dns, owner);
  if (spec.dns.replace || strangers.length === 0) return strangers;
  const whose = state.owner === undefined || state.owner === owner ? '' : ` It says it belongs to ${state.owner}.`;
  throw new DeployError('DNS_FOREIGN', `${spec.dns.name} already holds: ${listed(strangers)}.${whose}`);
}

function isThere(state: NameState, spec: DeploymentSpec, owner: string, target: DnsTarget): boolean {
  return state.owner === owner && pointsAt(state.records, spec.dns, target);
}

function without(records: readonly DnsRecord[], others: readonly DnsRecord[]): readonly DnsRecord[] {
  return records.filter((record) => !others.some(({ name, type, data }) => name === record.name && type === record.type && data === record.data));
}

function listed(records: readonly DnsRecord[]): string {
  return records.map(({ name, type, data }) => `${name} ${type} ${data}`).join('; ');
}

async function targetOf(deps: Dependencies, { spec, known }: StepInput): Promise<DnsTarget> {
  const { publicIp } = required(known.address, 'address');
  const { addressName } = spec.cloud;
  if (addressName !== undefined) {
    return { type: 'CNAME', value: addressName.replace('{dashed}', publicIp.replaceAll('.', '-')), from: 'cloud.addressName' };
  }
  const cloud = await deps.clouds.open(spec.cloud);
  const instances = await cloud.findInstances(ownerOf(deps.namespace, spec.name), groupNameOf(spec.name));
  const name = instances.find(({ id }) => id === known.instance?.id)?.publicDnsName?.toLowerCase().replace(/\.$/, '');
  if (name !== undefined && HOST_NAME.test(name) && (await leadsThere(deps, spec, name, publicIp))) return { type: 'CNAME', value: name, from: 'instance' };
  return { type: 'A', value: publicIp, from: 'address' };
}

/** What a cloud says goes into questions and updates. */
const HOST_NAME = /^(?=.{1,253}$)[a-z0-9-]{1,63}(\.[a-z0-9-]{1,63})+$/;

/** Clouds without DNS of their own make up names that nobody answers for. */
async function leadsThere({ dns }: Dependencies, spec: DeploymentSpec, name: string, ip: string): Promise<boolean> {
  return (await addressesOf(dns, spec.dns, name)).includes(ip) || dns.resolvesTo(name, ip);
}
