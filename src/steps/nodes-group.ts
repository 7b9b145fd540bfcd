import { DeployError } from '../deployment/errors';
import { groupNameOf, nodesGroupNameOf, nodesMarkOf } from '../deployment/names';
import type { DeploymentSpec } from '../deployment/spec';
import { waitOut } from './attempt';
import { terminateAll } from './cloud/instances';
import {
  asNodesGroup,
  authorizeMissing,
  createGroup,
  hasRules,
  lateGroup,
  ourGroup,
  planRules,
  sshRules,
} from './cloud/security-rules';
import { ec2Call } from './planning';
import type { PlannedAction, Planning } from './planning';
import type { CloudGroup, IngressRule } from './ports';
import { contextOf, ensure, NOTHING, siteOf, step } from './step';
import type { Context, StepWork } from './step';

/** The two groups of a cluster. */
interface Groups {
  readonly core: CloudGroup;
  readonly nodes: CloudGroup;
}

/** The security group of all nodes but the core: open to the core and to each other only, at all TCP ports; and the core is open to them. */
export const nodesGroup = step({
  id: 'nodes-group',
  plan: planGroup,
  activities: {
    ensureNodesGroup: ensure<Partial<Groups>>({
      observe,
      done: ({ core, nodes }, context) => {
        const { spec, nodesGroupName } = context;
        if (core === undefined || nodes === undefined) return undefined;
        if (missingLinks({ core, nodes }).length > 0 || !hasRules(nodes, outerRules(spec))) return undefined;
        const known = { nodesGroup: { name: nodesGroupName, ...(nodes.id === undefined ? {} : { id: nodes.id }) } };
        return { note: `${nodes.id ?? nodesGroupName}, open to the core and to itself`, known, ...lateGroup(context) };
      },
      act: async (context, groups) => {
        const { cloud, spec, groupName } = context;
        const { core } = groups;
        if (core === undefined) throw new DeployError('CLOUD_REFUSED', `The security group ${groupName} is gone.`);
        const nodes = groups.nodes ?? (await createGroup(asNodesGroup(context)));
        for (const [group, source] of missingLinks({ core, nodes })) await cloud.authorizeGroup(group, source);
        await authorizeMissing(cloud, nodes, outerRules(spec));
      },
      notYet: (_, { nodesGroupName }) =>
        new DeployError(
          'NOT_YET',
          `The rules of the security group ${nodesGroupName} were added and are not listed yet.`,
        ),
    }),
  },
  undo: deleteNodesGroup,
  findLost: async (deps, { spec }) => {
    const site = await siteOf(deps, spec);
    const { core, nodes } = await observe(site);
    if (nodes === undefined) return `The security group ${site.nodesGroupName} is gone.`;
    // That of the core is another step's.
    if (core === undefined) return undefined;
    const closed = missingLinks({ core, nodes }).map(([group, source]) => `${group.name} to ${source.name}`);
    return closed.length === 0 ? undefined : `These security groups are no longer open: ${closed.join(', ')}.`;
  },
});

async function observe(
  site: Pick<Context, 'cloud' | 'owner' | 'groupName' | 'nodesGroupName'>,
): Promise<Partial<Groups>> {
  const [core, nodes] = [await ourGroup(site), await ourGroup(asNodesGroup(site))];
  return { ...(core === undefined ? {} : { core }), ...(nodes === undefined ? {} : { nodes }) };
}

/** What is to be let in where, and is not yet. */
function missingLinks({ core, nodes }: Groups): readonly (readonly [group: CloudGroup, source: CloudGroup])[] {
  const links = [
    [nodes, core],
    [nodes, nodes],
    [core, nodes],
  ] as const;
  return links.filter(([group, source]) => !group.letsIn.includes(source.key));
}

/** What the world may reach of the nodes. */
function outerRules(spec: DeploymentSpec): readonly IngressRule[] {
  return spec.cluster?.reach === 'public' ? sshRules(spec) : [];
}

/** By now all nodes that are known of are gone. What is left was launched by a request without an answer, or by hand. */
async function deleteNodesGroup(...[deps, input, attempt]: Parameters<StepWork>): ReturnType<StepWork> {
  const { cloud, owner, groupName, nodesGroupName } = await contextOf(deps, input, attempt);
  waitOut(attempt, cloud);
  const nodes = await cloud.findGroup(nodesGroupName);
  // A foreign group of that name is not ours to delete, nor is what is in it.
  if (nodes === undefined || nodes.description !== nodesMarkOf(owner)) return NOTHING;
  const marks = `${owner}/`;
  const left = (await cloud.instancesIn(nodesGroupName, marks)).filter(
    ({ groups, owner: mark }) => groups.includes(nodesGroupName) && (mark === undefined || mark.startsWith(marks)),
  );
  await terminateAll(cloud, left);
  // EC2 keeps a group that a rule of another group names.
  const core = await cloud.findGroup(groupName);
  if (core?.description === owner && core.letsIn.includes(nodes.key)) await cloud.revokeGroup(core, nodes);
  await cloud.deleteGroup(nodes);
  return { changed: true, note: `security group ${nodesGroupName}`, known: {} };
}

function planGroup(planning: Planning): readonly PlannedAction[] {
  const { spec, owner } = planning;
  const [core, nodes] = [groupNameOf(spec.name), nodesGroupNameOf(spec.name)];
  return [
    ec2Call('CreateSecurityGroup', { GroupName: nodes, GroupDescription: nodesMarkOf(owner) }, 'unless it is there'),
    planLink(planning, nodes, core),
    planLink(planning, nodes, nodes),
    planLink(planning, core, nodes),
    ...planRules(planning, outerRules(spec), nodes),
  ];
}

function planLink({ kind }: Planning, group: string, source: string): PlannedAction {
  const ports = { IpProtocol: 'tcp', FromPort: '1', ToPort: '65535' };
  if (kind.groupRules === 'flat')
    return ec2Call('AuthorizeSecurityGroupIngress', {
      GroupName: group,
      ...ports,
      SourceSecurityGroupName: source,
      SourceSecurityGroupOwnerId: '<account>',
    });
  const permission = Object.fromEntries(Object.entries(ports).map(([key, value]) => [`IpPermissions.1.${key}`, value]));
  return ec2Call('AuthorizeSecurityGroupIngress', {
    GroupId: `<id of ${group}>`,
    ...permission,
    'IpPermissions.1.Groups.1.GroupId': `<id of ${source}>`,
  });
}
