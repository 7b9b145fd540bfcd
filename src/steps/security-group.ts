/** The security group `stackato-<name>`: closed but for ssh until the console has an owner. */

import { DeployError } from '../deployment/errors';
import { groupNameOf, ownerOf } from '../deployment/names';
import { mayComeFor, waitOut } from './attempt';
import type { Attempt } from './attempt';
import type { Dependencies } from './dependencies';
import type { Cloud, CloudGroup, IngressRule } from './ports';
import type { DeploymentSpec } from '../deployment/types';
import type { StepInput, StepOutcome } from '../deployment/activities';

export async function ensureSecurityGroup(
  deps: Dependencies,
  { spec }: StepInput,
  attempt: Attempt,
): Promise<StepOutcome> {
  const cloud = await deps.clouds.open(spec.cloud);
  const name = groupNameOf(spec.name);
  const owner = ownerOf(deps.namespace, spec.name);
  let group = await ourGroup(cloud, name, owner);
  const created = group === undefined;
  if (group === undefined) {
    // A second one does no harm as long as the group is wanted; who takes it back has to know of the first.
    await attempt.request('CreateSecurityGroup', () => cloud.createGroup(name, owner));
    group = await ourGroup(cloud, name, owner);
    // Eventual consistency: the next attempt finds it.
    if (group === undefined) throw new DeployError('NOT_YET', `The security group ${name} is made and not listed yet.`);
  }
  const authorized = await authorize(cloud, group, sshRules(spec));
  const known = { group: { name, ...(group.id === undefined ? {} : { id: group.id }) } };
  const { unsettled } = attempt;
  const late = unsettled !== undefined && mayComeFor(attempt, cloud.lateEffect) > 0 ? { unsettled } : {};
  return { changed: created || authorized, note: `${group.id ?? name}, tcp ${spec.ssh.port} open`, known, ...late };
}

export async function openConsole(deps: Dependencies, { spec }: StepInput): Promise<StepOutcome> {
  const cloud = await deps.clouds.open(spec.cloud);
  const group = await ourGroup(cloud, groupNameOf(spec.name), ownerOf(deps.namespace, spec.name));
  if (group === undefined)
    throw new DeployError('CLOUD_REFUSED', `The security group ${groupNameOf(spec.name)} is gone.`);
  const { httpPort, httpsPort } = spec.console;
  const changed = await authorize(cloud, group, consoleRules(spec));
  return { changed, note: `tcp ${httpPort}, ${httpsPort} open`, known: {} };
}

export async function deleteSecurityGroup(
  deps: Dependencies,
  { spec }: StepInput,
  attempt: Attempt,
): Promise<StepOutcome> {
  const cloud = await deps.clouds.open(spec.cloud);
  waitOut(attempt, cloud);
  const name = groupNameOf(spec.name);
  const group = await cloud.findGroup(name);
  // A foreign group of that name is not ours to delete.
  if (group === undefined || group.description !== ownerOf(deps.namespace, spec.name))
    return { changed: false, note: '', known: {} };
  await cloud.deleteGroup(group);
  return { changed: true, note: `security group ${name}`, known: {} };
}

/** The group of that name if it is ours; GROUP_FOREIGN if it is somebody else's. */
export async function ourGroup(cloud: Cloud, name: string, owner: string): Promise<CloudGroup | undefined> {
  const group = await cloud.findGroup(name);
  if (group !== undefined && group.description !== owner) {
    throw new DeployError('GROUP_FOREIGN', `The security group ${name} says "${group.description}", not "${owner}".`);
  }
  return group;
}

export function sshRules({ access, ssh }: DeploymentSpec): readonly IngressRule[] {
  return access.ssh.map((cidr) => ({ port: ssh.port, cidr }));
}

export function consoleRules({ access, console: { httpPort, httpsPort } }: DeploymentSpec): readonly IngressRule[] {
  return access.console.flatMap((cidr) => [httpPort, httpsPort].map((port) => ({ port, cidr })));
}

export function missingRules(group: CloudGroup, rules: readonly IngressRule[]): readonly IngressRule[] {
  return rules.filter((rule) => !group.rules.some(({ port, cidr }) => port === rule.port && cidr === rule.cidr));
}

/** Adds the rules that are missing. Returns whether there were any. */
async function authorize(cloud: Cloud, group: CloudGroup, rules: readonly IngressRule[]): Promise<boolean> {
  const missing = missingRules(group, rules);
  for (const rule of missing) await cloud.authorize(group, rule);
  return missing.length > 0;
}
