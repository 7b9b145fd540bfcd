/** The nodes that a deployment has, and those that a spec wants: what `up` adds, removes and replaces, and what it cannot do. */

import {
  changedSince,
  groupNameIn,
  groupOf,
  mayHoldData,
  nodesToReplace,
  unwantedNodes,
  wantedNodes,
} from '../deployment/cluster';
import { CORE } from '../deployment/facts';
import type { Facts, NodeFacts, NodeMake, NodeName } from '../deployment/facts';
import type { DeploymentView } from '../deployment/messages';
import { RELEASES } from '../deployment/releases';
import type { ReleaseName } from '../deployment/releases';
import type { DeploymentSpec } from '../deployment/spec';
import { CLOUD_KEYS, isBelow, specDifferences } from './spec-differences';

export interface NodeChanges {
  /** Wanted, and not there. */
  readonly add: readonly NodeName[];
  /** No longer wanted, the highest number first. */
  readonly remove: readonly NodeName[];
  /** There and wanted, but made with other values of these keys of the group. */
  readonly replace: readonly NodeReplacement[];
  readonly keep: readonly NodeName[];
}

export interface NodeReplacement {
  readonly node: NodeName;
  readonly why: readonly (keyof NodeMake)[];
}

/** A node whose removal loses data. */
export interface DataLoss {
  readonly node: NodeName;
  /** Empty: which roles it has is not known, so it may have data. */
  readonly services: readonly string[];
}

export interface ImpossibleChange {
  /** In the file: `nodes.data.roles`. */
  readonly path: string;
  /** A sentence. */
  readonly reason: string;
  /** What to do, beginning with a capital letter. */
  readonly remedy: string;
}

type Nodes = DeploymentView['nodes'];

export function nodeChanges(nodes: Nodes, spec: DeploymentSpec): NodeChanges {
  const facts = factsOf(nodes);
  const there = nodesThere(nodes);
  const wanted = wantedNodes(spec);
  const replace = nodesToReplace(spec, facts).flatMap((node) => {
    const group = groupOf(spec, node);
    const why = group === undefined ? [] : changedSince(facts[node] ?? {}, group);
    return there.includes(node) ? [{ node, why }] : [];
  });
  const replaced = replace.map(({ node }) => node);
  return {
    add: wanted.filter((node) => !there.includes(node)),
    remove: unwantedNodes(spec, facts),
    replace,
    keep: wanted.filter((node) => there.includes(node) && !replaced.includes(node)),
  };
}

/** `+ dea-3`, `- dea-5`, `~ type of data: needs replacement`: as `plan` prints them. */
export function changeLines({ add, remove, replace }: NodeChanges): readonly string[] {
  const keys = replace.flatMap(({ node, why }) =>
    why.map((key) => `~ ${key} of ${groupNameIn(node)}: needs replacement`),
  );
  return [...add.map((node) => `+ ${node}`), ...new Set(keys), ...remove.map((node) => `- ${node}`)];
}

/** Nodes that the workflow does not remove or replace without `--data-loss`. */
export function dataLosses(nodes: Nodes, spec: DeploymentSpec): readonly DataLoss[] {
  const facts = factsOf(nodes);
  return [...nodesToReplace(spec, facts), ...unwantedNodes(spec, facts)].flatMap((node) => {
    const known = facts[node] ?? {};
    return mayHoldData(known) ? [{ node, services: dataServicesIn(spec.release, known.made?.roles ?? []) }] : [];
  });
}

/** What the resources of a cluster do not allow, beside `impossibleChanges`. */
export function impossibleNodeChanges(
  before: DeploymentSpec,
  after: DeploymentSpec,
  facts: Facts,
  nodes: Nodes,
): readonly ImpossibleChange[] {
  const there = nodesThere(nodes);
  return [
    ...(isThere(facts.nodes.core) ? rolesTakenFromCore(before, after) : []),
    ...(there.length > 0 || facts.site.nodesGroup !== undefined || isThere(facts.nodes.core)
      ? nodesTakenOut(before, after)
      : []),
    ...(there.length > 0 ? fixedByNodes(before, after) : openedToWorld(before, after, facts)),
    ...movedServices(nodes, after),
  ];
}

function factsOf(nodes: Nodes): Readonly<Record<NodeName, NodeFacts>> {
  return Object.fromEntries(Object.entries(nodes).map(([node, { facts }]) => [node, facts]));
}

/** Nodes of which something is, or may be, in the cloud or in the list of the core. */
function nodesThere(nodes: Nodes): readonly NodeName[] {
  return Object.entries(nodes).flatMap(([node, { facts }]) => (isThere(facts) ? [node] : []));
}

function isThere({ instance, launchRequest, volume, volumeRequest, attached }: NodeFacts): boolean {
  // A given volume is not ours.
  const ours = volume?.made === true ? volume : undefined;
  return [instance, launchRequest, ours, volumeRequest, attached].some((each) => each !== undefined);
}

function dataServicesIn(release: ReleaseName, roles: readonly string[]): readonly string[] {
  return roles.filter((role) => RELEASES[release].dataServices.value.includes(role));
}

/**
 * The core comes before its nodes: a role that moves to them would run nowhere for a while, and its data would stay. A machine without nodes
 * has all roles.
 */
function rolesTakenFromCore(before: DeploymentSpec, after: DeploymentSpec): readonly ImpossibleChange[] {
  if (after.cluster === undefined) return [];
  const had = before.cluster?.coreRoles ?? RELEASES[before.release].roles.value;
  const taken = had.filter((role) => after.cluster?.coreRoles.includes(role) === false);
  if (taken.length === 0) return [];
  return [
    {
      path: 'nodes.core.roles',
      reason: `The core has the roles ${taken.join(', ')}, and what they run would stop before any node has them.`,
      remedy: `Give them to the core: nodes.core.roles: [${taken.join(', ')}]`,
    },
  ];
}

function nodesTakenOut(before: DeploymentSpec, after: DeploymentSpec): readonly ImpossibleChange[] {
  if (before.cluster === undefined || after.cluster !== undefined) return [];
  return [
    {
      path: 'nodes',
      reason: 'Without nodes in the spec nobody would look after the machines and the security group of the cluster.',
      remedy: 'Put nodes back, with count: 0 where no node is wanted',
    },
  ];
}

/** Keys that cannot change while there are nodes. */
const FIXED: readonly { readonly keys: readonly string[]; readonly reason: string }[] = [
  {
    keys: ['network', 'address'],
    reason: 'The nodes know the core by its private address, which must not change.',
  },
  { keys: ['ssh.reach'], reason: 'The machines and the security group of the nodes were made for the other way.' },
  {
    keys: ['release', 'image', 'dns.name', 'dns.zone', ...CLOUD_KEYS],
    reason: 'The nodes were made with the earlier value.',
  },
];

function fixedByNodes(before: DeploymentSpec, after: DeploymentSpec): readonly ImpossibleChange[] {
  return specDifferences(before, after).flatMap((path) =>
    FIXED.filter(({ keys }) => isBelow(path, keys)).map(({ reason }) => ({
      path,
      reason,
      remedy: 'Put back what differs, or set the counts of all groups to 0 and run up first',
    })),
  );
}

/** Rules for addresses are added to a group, and never taken out. */
function openedToWorld(before: DeploymentSpec, after: DeploymentSpec, { site }: Facts): readonly ImpossibleChange[] {
  if (site.nodesGroup === undefined || before.cluster?.reach !== 'public' || after.cluster?.reach !== 'core') return [];
  return [
    {
      path: 'ssh.reach',
      reason: 'The security group of the nodes is open to access.ssh, and would stay so.',
      remedy: `Put back ssh.reach: public, or run \`stackato-deploy down ${after.name}\` first`,
    },
  ];
}

/** New nodes come before old ones go: for a while, two would have the service. */
function movedServices(nodes: Nodes, { cluster, release }: DeploymentSpec): readonly ImpossibleChange[] {
  const wanted = cluster === undefined ? [] : [{ name: CORE, roles: cluster.coreRoles, count: 1 }, ...cluster.groups];
  return wanted.flatMap(({ name, roles, count }) =>
    nodesThere(nodes).flatMap((node): readonly ImpossibleChange[] => {
      const has = nodes[node]?.facts.made?.roles ?? [];
      const moved = dataServicesIn(release, roles).filter((role) => has.includes(role));
      if (count === 0 || groupNameIn(node) === name || moved.length === 0) return [];
      return [
        {
          path: `nodes.${name}.roles`,
          reason: `The node ${node} has ${moved.join(', ')}, and for a while two nodes would.`,
          remedy: `Run up with these roles on no node first, then with them on ${name}`,
        },
      ];
    }),
  );
}
