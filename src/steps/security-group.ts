import { DeployError } from '../deployment/errors';
import { groupNameOf } from '../deployment/names';
import { waitOut } from './attempt';
import {
  authorizeMissing,
  createGroup,
  findLostRules,
  hasRules,
  lateGroup,
  ourGroup,
  planRules,
  sshRules,
} from './cloud/security-rules';
import { ec2Call } from './planning';
import type { CloudGroup } from './ports';
import { contextOf, ensure, NOTHING, step } from './step';

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
      done: (group, context) => {
        const { spec, groupName } = context;
        if (group === undefined || !hasRules(group, sshRules(spec))) return undefined;
        const known = { group: { name: groupName, ...(group.id === undefined ? {} : { id: group.id }) } };
        return { note: `${group.id ?? groupName}, tcp ${spec.ssh.port} open`, known, ...lateGroup(context) };
      },
      act: async (context, group) => {
        const { cloud, spec } = context;
        await authorizeMissing(cloud, group ?? (await createGroup(context)), sshRules(spec));
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
