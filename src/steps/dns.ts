import { DeployError } from '../deployment/errors';
import { ownerOf, ownershipNameOf } from '../deployment/names';
import type { DnsMemory, DnsTarget } from '../deployment/facts';
import type { DeploymentSpec, DnsRecord } from '../deployment/spec';
import {
  allRecords,
  formatRecords,
  ownRecords,
  pointingRecords,
  pointsTo,
  possiblePointers,
  recordsToRestore,
  splitRestorable,
  takesOurPlace,
  without,
  writtenPointers,
} from '../dns/records';
import type { NameState, Pointer } from '../dns/records';
import { pointAt, takeBack } from '../dns/update';
import { authorityOf, publicAuthority } from './zone/authority';
import type { Authority } from './zone/authority';
import type { Dependencies } from './dependencies';
import { required } from './known';
import { referenceText } from './planning';
import type { PlannedAction, Planning } from './planning';
import { NOTHING, siteOf, step } from './step';
import { addressesOf, namesNotLeadingTo, observeName, ownersOf } from './zone/queries';
import type { StepInput, StepOutcome } from '../deployment/activities';

/** Points the deployment's base name and its wildcard at the address. */
export const dns = step({
  id: 'dns',
  plan: planUpdate,
  activities: { observeDns, updateDns },
  undo: takeBackDns,
  findLost: async (deps, { spec, known }) => {
    if (known.dns === undefined) return undefined;
    const { target } = known.dns;
    const astray = await namesNotLeadingTo(await authorityOf(deps, spec), target);
    return astray.length === 0
      ? undefined
      : `${spec.dns.server} does not lead ${astray.join(', ')} to ${target.value}.`;
  },
});

/** Decides where the name is to point, and stores the records that are there now, before anything is overwritten. */
async function observeDns(deps: Dependencies, input: StepInput): Promise<StepOutcome> {
  const { spec, known } = input;
  const owner = ownerOf(deps.namespace, spec.name);
  const authority = await authorityOf(deps, spec);
  const state = await observeName(authority);
  refuseForeign(spec, state, owner);
  const target = await dnsTargetOf(deps, authority, input);
  const owned = state.owners.includes(owner);
  const targets = possiblePointers(known.dns, target);
  const strangers = isThere(state, spec, owner, target) ? [] : refuseStrangers(spec, state, owner, targets);
  const earlier = recordsToRestore(known.dns, owned, strangers);
  const written = writtenPointers(known.dns, ownRecords(state, spec.dns, owner, targets), spec.dns);
  return {
    changed: false,
    note: `${target.type} ${target.value}`,
    known: { dns: { target, replaced: [...earlier, ...without(strangers, earlier)], written } },
  };
}

async function updateDns(deps: Dependencies, { spec, known }: StepInput): Promise<StepOutcome> {
  const memory = required(known.dns, 'DNS target');
  const { target, replaced } = memory;
  const owner = ownerOf(deps.namespace, spec.name);
  const authority = await authorityOf(deps, spec);
  const state = await observeName(authority);
  const there = isThere(state, spec, owner, target);
  if (!there) {
    const unexpected = without(refuseStrangers(spec, state, owner, possiblePointers(memory)), replaced);
    if (unexpected.length > 0)
      throw new DeployError(
        'DNS_CHANGED',
        `${spec.dns.name} has records that were not there when it was observed: ${formatRecords(unexpected)}.`,
      );
    await authority.update(pointAt({ dns: spec.dns, target, owner, observed: state }));
  }
  await assertUpdateSeen(authority, owner, target);
  return {
    changed: !there,
    note: `${target.type} ${target.value} (from ${target.from})`,
    known: { dns: { ...memory, written: [{ type: target.type, value: target.value }] } },
  };
}

async function assertUpdateSeen(authority: Authority, owner: string, target: DnsTarget): Promise<void> {
  const { server, name: baseName } = authority.spec;
  const astray = await namesNotLeadingTo(authority, target);
  if (astray.length > 0)
    throw new DeployError('DNS_NOT_SEEN', `${server} does not lead ${astray.join(', ')} to ${target.value}.`);
  if (!(await ownersOf(authority)).includes(owner))
    throw new DeployError('DNS_NOT_SEEN', `${server} does not show the ownership record ${ownershipNameOf(baseName)}.`);
}

/** Removes what this deployment wrote and restores what was there before. Records of others are left and reported. */
async function takeBackDns(deps: Dependencies, input: StepInput): Promise<StepOutcome> {
  const { spec, known } = input;
  const owner = ownerOf(deps.namespace, spec.name);
  const authority = await authorityToTakeBack(deps, input, owner);
  if (authority === undefined) return NOTHING;
  const state = await observeName(authority);
  if (!state.owners.includes(owner))
    return known.dns === undefined ? NOTHING : withoutOwnership(authority, state, known.dns);
  const ours = ownRecords(state, spec.dns, owner, possiblePointers(known.dns));
  const left = without(allRecords(state), ours);
  const { restore, blocked } = splitRestorable(known.dns?.replaced ?? [], left);
  await authority.update(takeBack({ dns: spec.dns, observed: state, ours, restore }));
  await assertTakenBack(authority, without(ours, restore), restore);
  const forgotten =
    known.dns === undefined
      ? said(
          'by its ownership record alone',
          ours.filter(({ name }) => name === spec.dns.name),
        )
      : '';
  return {
    changed: true,
    note: `DNS records of ${spec.dns.name}${forgotten}${said("somebody else's stay", left)}${said('not put back', blocked)}`,
    known: {},
  };
}

async function assertTakenBack(
  authority: Authority,
  ours: readonly DnsRecord[],
  restored: readonly DnsRecord[],
): Promise<void> {
  const there = allRecords(await observeName(authority));
  const staying = without(ours, without(ours, there));
  if (staying.length > 0)
    throw new DeployError(
      'DNS_NOT_SEEN',
      `${authority.spec.server} accepted the update and still shows: ${formatRecords(staying)}.`,
    );
  const missing = without(restored, there);
  if (missing.length > 0)
    throw new DeployError(
      'DNS_NOT_SEEN',
      `${authority.spec.server} accepted the update and does not show the restored records: ${formatRecords(missing)}.`,
    );
}

/** The deployment remembers the name, but its ownership record is gone: this is reported, and nothing is changed. */
async function withoutOwnership(authority: Authority, state: NameState, memory: DnsMemory): Promise<StepOutcome> {
  const { spec } = authority;
  const ownership = ownershipNameOf(spec.name);
  if (state.owners.length > 0) return NOTHING;
  if (await authority.exists(ownership, 'TXT'))
    throw new DeployError(
      'DNS_NOT_SEEN',
      `${spec.server} has ${ownership} TXT and does not show it, so nothing was removed.`,
    );
  const pointers = without(pointingRecords(state, spec, possiblePointers(memory)), memory.replaced);
  const written = (memory.written ?? []).length > 0;
  if (pointers.length > 0 && written) {
    throw new DeployError(
      'DNS_FOREIGN',
      `${spec.name} lost its ownership record ${ownership} and still points to this deployment, so it was left as it is: ${formatRecords(pointers)}.`,
    );
  }
  const lost = without(recordsToRestore(memory, false, allRecords(state)), allRecords(state));
  if (pointers.length === 0 && lost.length === 0) return NOTHING;
  return {
    changed: true,
    note: `DNS records of ${spec.name}: no ownership record there${said("somebody else's stay", pointers)}${said('not put back', lost)}`,
    known: {},
  };
}

function said(what: string, records: readonly DnsRecord[]): string {
  return records.length === 0 ? '' : `; ${what}: ${formatRecords(records)}`;
}

/**
 * A deployment that stopped because its key is missing wrote nothing and can still be aborted: if no target was stored, and the public
 * view does not show its ownership record, there is nothing to remove.
 */
async function authorityToTakeBack(
  deps: Dependencies,
  { spec, known }: StepInput,
  owner: string,
): Promise<Authority | undefined> {
  try {
    const authority = await authorityOf(deps, spec);
    await ownersOf(authority);
    return authority;
  } catch (error) {
    const keyless =
      error instanceof DeployError && (error.code === 'SECRET_MISSING' || error.code === 'DNS_KEY_REFUSED');
    if (keyless && known.dns === undefined && !(await isPubliclyOurs(deps, spec, owner))) return undefined;
    throw error;
  }
}

async function isPubliclyOurs(deps: Dependencies, spec: DeploymentSpec, owner: string): Promise<boolean> {
  // No answer does not mean "not there". The problem with the key is the more useful error then.
  return ownersOf(publicAuthority(deps, spec)).then(
    (owners) => owners.includes(owner),
    () => true,
  );
}

/** Throws DNS_FOREIGN if the name is somebody else's, by its records or by its ownership record. */
export function refuseForeign(spec: DeploymentSpec, state: NameState, owner: string): void {
  if (!state.owners.includes(owner)) refuseStrangers(spec, state, owner, undefined);
}

/** Returns the records of others that are to be replaced: with `dns.replace`, or to repair a name that is ours. Throws DNS_FOREIGN for any other. */
function refuseStrangers(
  spec: DeploymentSpec,
  state: NameState,
  owner: string,
  targets: readonly Pointer[] | undefined,
): readonly DnsRecord[] {
  const strangers = without(allRecords(state), ownRecords(state, spec.dns, owner, targets));
  const owned = state.owners.includes(owner);
  const refused = strangers.filter((record) => !(owned && takesOurPlace(record, spec.dns)));
  if (spec.dns.replace || refused.length === 0) return strangers;
  const whose = state.owners.filter((other) => other !== owner);
  throw new DeployError(
    'DNS_FOREIGN',
    `${spec.dns.name} already holds: ${formatRecords(refused)}.${whose.length === 0 ? '' : ` It says it belongs to ${whose.join(', ')}.`}`,
  );
}

function isThere(state: NameState, spec: DeploymentSpec, owner: string, target: DnsTarget): boolean {
  return state.owners.includes(owner) && pointsTo(state.records, spec.dns, target);
}

async function dnsTargetOf(deps: Dependencies, authority: Authority, { spec, known }: StepInput): Promise<DnsTarget> {
  const { publicIp } = required(known.address, 'address');
  if (spec.cloud.addressName !== undefined) return cnameTarget(spec.cloud.addressName, publicIp);
  const { cloud, mark, groupName } = await siteOf(deps, spec);
  const instances = await cloud.findInstances(mark, groupName);
  const name = instances
    .find(({ id }) => id === known.instance?.id)
    ?.publicDnsName?.toLowerCase()
    .replace(/\.$/, '');
  if (name !== undefined && HOST_NAME.test(name) && (await leadsThere(deps, authority, name, publicIp)))
    return { type: 'CNAME', value: name, from: 'instance' };
  return { type: 'A', value: publicIp, from: 'address' };
}

function cnameTarget(addressName: string, ip: string): DnsTarget {
  return { type: 'CNAME', value: addressName.replace('{dashed}', ip.replaceAll('.', '-')), from: 'cloud.addressName' };
}

/** The name comes from the cloud and goes into queries and updates. */
const HOST_NAME = /^(?=.{1,253}$)[a-z0-9-]{1,63}(\.[a-z0-9-]{1,63})+$/;

/** Clouds without DNS of their own invent names that do not resolve. */
async function leadsThere({ dns }: Dependencies, authority: Authority, name: string, ip: string): Promise<boolean> {
  return (await addressesOf(authority, name)).includes(ip) || dns.resolvesTo(name, ip);
}

/** Stands for an address that is not known yet: `pointAt` accepts no `<…>`. From 198.18.0.0/15, which is reserved for tests. */
const PLACEHOLDER = '198.19.255.254';

function planUpdate({ spec, owner }: Planning): readonly PlannedAction[] {
  const {
    dns: where,
    address,
    cloud: { addressName },
  } = spec;
  const ip = 'ip' in address ? address.ip : PLACEHOLDER;
  const target: DnsTarget =
    addressName === undefined ? { type: 'A', value: ip, from: 'address' } : cnameTarget(addressName, ip);
  const script = pointAt({ dns: where, target, owner, observed: { ownership: [], records: [] } });
  const what = script
    .replaceAll(PLACEHOLDER.replaceAll('.', '-'), '<address-with-hyphens>')
    .replaceAll(PLACEHOLDER, '<address>')
    .trimEnd();
  const key =
    where.tsig === undefined
      ? 'without a key'
      : `signed with ${where.tsig.name} (${where.tsig.algorithm}, ${referenceText(where.tsig.secret)})`;
  const otherwise =
    addressName === undefined
      ? "; a CNAME to the instance's public DNS name instead, where that leads to the address"
      : '';
  const replaced = where.replace ? '; what stands at the name is replaced, and put back by down' : '';
  return [{ where: 'dns', what, note: `nsupdate, ${key}${otherwise}${replaced}` }];
}
