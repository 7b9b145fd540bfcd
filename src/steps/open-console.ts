import { DeployError } from '../deployment/errors';
import { authorizeMissing, consoleRules, hasRules, findLostRules, ourGroup, planRules } from './cloud/security-rules';
import type { CloudGroup } from './ports';
import { ensure, step } from './step';

/** Opens the console's ports, once the console has an administrator. */
export const openConsole = step({
  id: 'open-console',
  plan: (planning) => planRules(planning, consoleRules(planning.spec)),
  activities: {
    openConsole: ensure<CloudGroup>({
      observe: async (context) => {
        const group = await ourGroup(context);
        if (group === undefined)
          throw new DeployError('CLOUD_REFUSED', `The security group ${context.groupName} is gone.`);
        return group;
      },
      done: (group, { spec }) => {
        const { httpPort, httpsPort } = spec.console;
        return hasRules(group, consoleRules(spec))
          ? { note: `tcp ${httpPort}, ${httpsPort} open`, known: {} }
          : undefined;
      },
      act: ({ cloud, spec }, group) => authorizeMissing(cloud, group, consoleRules(spec)),
      notYet: (_, { groupName }) =>
        new DeployError('NOT_YET', `The rules of the security group ${groupName} were added and are not listed yet.`),
    }),
  },
  findLost: findLostRules(consoleRules),
});
