import { DeployError } from '../deployment/errors';
import { groupNameOf } from '../deployment/names';
import { lateEffectLeft, waitOut } from './attempt';
import { authorizeMissing, hasRules, findLostRules, ourGroup, planRules, sshRules } from './cloud/security-rules';
import { ec2Call } from './planning';
import type { CloudGroup } from './ports';
import { contextOf, ensure, NOTHING, step } from './step';
import type { Context } from './step';

/** Creates the group with the rules for ssh. The console's ports are opened later, in open-console.ts. */
export const securityGroup = step({
  id: 'security-group',
  plan: (planning) => [
    ec2Call(
      'CreateSecurityGroup',
      { GroupName: groupNameOf(planning.spec.name), GroupDescription: planning.owner },
      'unless it is there',
    ),
    ...planRules(planning, sshRules(planning.spec)),
  ],
  activities: {
    ensureSecurityGroup: ensure<CloudGroup | undefined>({
      observe: ourGroup,
      done: (group, { spec, groupName, cloud, attempt }) => {
        if (group === undefined || !hasRules(group, sshRules(spec))) return undefined;
        const known = { group: { name: groupName, ...(group.id === undefined ? {} : { id: group.id }) } };
        // An earlier request may still create another group: whoever deletes the group must know.
        const { unsettled } = attempt;
        const late = unsettled !== undefined && lateEffectLeft(attempt, cloud.lateEffect) > 0 ? { unsettled } : {};
        return { note: `${group.id ?? groupName}, tcp ${spec.ssh.port} open`, known, ...late };
      },
      act: async (context, group) => {
        const { cloud, spec } = context;
        await authorizeMissing(cloud, group ?? (await create(context)), sshRules(spec));
      },
      notYet: (_, { groupName }) =>
        new DeployError('NOT_YET', `The rules of the security group ${groupName} were added and are not listed yet.`),
    }),
  },
  undo: async (deps, input, attempt) => {
    const { cloud, owner, groupName } = await contextOf(deps, input, attempt);
    waitOut(attempt, cloud);
    const group = await cloud.findGroup(groupName);
    // A foreign group of that name is not ours to delete.
    if (group === undefined || group.description !== owner) return NOTHING;
    await cloud.deleteGroup(group);
    return { changed: true, note: `security group ${groupName}`, known: {} };
  },
  findLost: findLostRules(sshRules),
});

async function create(context: Context): Promise<CloudGroup> {
  const { cloud, owner, groupName, attempt } = context;
  // A second request does no harm while the group is wanted, but whoever deletes the group must know about the first.
  await attempt.request('CreateSecurityGroup', () => cloud.createGroup(groupName, owner));
  const group = await ourGroup(context);
  // Eventual consistency: the next attempt finds it.
  if (group === undefined)
    throw new DeployError('NOT_YET', `The security group ${groupName} was created and is not listed yet.`);
  return group;
}
