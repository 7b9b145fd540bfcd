/** The deployment's security groups and their rules: only ssh is open until the console has an administrator. */

import type { StepOutcome } from '../../deployment/activities';
import { DeployError } from '../../deployment/errors';
import { groupNameOf, nodesMarkOf } from '../../deployment/names';
import type { DeploymentSpec } from '../../deployment/spec';
import { lateEffectLeft } from '../attempt';
import { ec2Call } from '../planning';
import type { PlannedAction, Planning } from '../planning';
import type { Cloud, CloudGroup, IngressRule } from '../ports';
import { siteOf } from '../step';
import type { Context, LostEffectCheck } from '../step';

/** The group of that name, if it is ours. Throws GROUP_FOREIGN if it is somebody else's. */
export async function ourGroup({
  cloud,
  groupName,
  owner,
}: Pick<Context, 'cloud' | 'groupName' | 'owner'>): Promise<CloudGroup | undefined> {
  const group = await cloud.findGroup(groupName);
  if (group !== undefined && group.description !== owner) {
    throw new DeployError(
      'GROUP_FOREIGN',
      `The security group ${groupName} has the description "${group.description}", not "${owner}".`,
    );
  }
  return group;
}

/** The same for the group of the nodes. */
export function asNodesGroup<T extends Pick<Context, 'owner' | 'nodesGroupName'>>(
  site: T,
): T & Pick<Context, 'owner' | 'groupName'> {
  return { ...site, owner: nodesMarkOf(site.owner), groupName: site.nodesGroupName };
}

/** Throws NOT_YET if it is not listed at once. */
export async function createGroup(
  context: Pick<Context, 'cloud' | 'groupName' | 'owner' | 'attempt'>,
): Promise<CloudGroup> {
  const { cloud, owner, groupName, attempt } = context;
  // A second request does no harm while the group is wanted, but whoever deletes the group must know about the first.
  await attempt.request('CreateSecurityGroup', () => cloud.createGroup(groupName, owner));
  const group = await ourGroup(context);
  // Eventual consistency: the next attempt finds it.
  if (group === undefined)
    throw new DeployError('NOT_YET', `The security group ${groupName} was created and is not listed yet.`);
  return group;
}

/** An earlier request may still create another group: whoever deletes the group must know. */
export function lateGroup({ attempt, cloud }: Pick<Context, 'attempt' | 'cloud'>): Pick<StepOutcome, 'unsettled'> {
  const { unsettled } = attempt;
  return unsettled !== undefined && lateEffectLeft(attempt, cloud.lateEffect) > 0 ? { unsettled } : {};
}

export function sshRules({ access, ssh }: DeploymentSpec): readonly IngressRule[] {
  return access.ssh.map((cidr) => ({ port: ssh.port, cidr }));
}

export function consoleRules({ access, console: { httpPort, httpsPort } }: DeploymentSpec): readonly IngressRule[] {
  return access.console.flatMap((cidr) => [httpPort, httpsPort].map((port) => ({ port, cidr })));
}

export function hasRules(group: CloudGroup, rules: readonly IngressRule[]): boolean {
  return missingRules(group, rules).length === 0;
}

export async function authorizeMissing(cloud: Cloud, group: CloudGroup, rules: readonly IngressRule[]): Promise<void> {
  for (const rule of missingRules(group, rules)) await cloud.authorize(group, rule);
}

export function findLostRules(rulesOf: (spec: DeploymentSpec) => readonly IngressRule[]): LostEffectCheck {
  return async (deps, { spec }) => {
    const site = await siteOf(deps, spec);
    const group = await ourGroup(site);
    if (group === undefined) return `The security group ${site.groupName} is gone.`;
    const closed = missingRules(group, rulesOf(spec));
    if (closed.length === 0) return undefined;
    const rules = closed.map(({ port, cidr }) => `tcp ${port} to ${cidr}`).join(', ');
    return `The security group ${site.groupName} no longer opens ${rules}.`;
  };
}

export function planRules(
  { spec, kind }: Planning,
  rules: readonly IngressRule[],
  groupName = groupNameOf(spec.name),
): readonly PlannedAction[] {
  const group: Readonly<Record<string, string>> = kind.groupIds ? { GroupId: '<group id>' } : { GroupName: groupName };
  return rules.map(({ port, cidr }) =>
    ec2Call('AuthorizeSecurityGroupIngress', {
      ...group,
      IpProtocol: 'tcp',
      FromPort: String(port),
      ToPort: String(port),
      CidrIp: cidr,
    }),
  );
}

function missingRules(group: CloudGroup, rules: readonly IngressRule[]): readonly IngressRule[] {
  return rules.filter((rule) => !group.rules.some(({ port, cidr }) => port === rule.port && cidr === rule.cidr));
}
