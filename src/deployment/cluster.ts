/** The nodes of a cluster, as the spec wants them: names, roles, and the spec of a single node. */

import { CLOUD_KINDS } from './cloud-kinds';
import { CORE } from './facts';
import type { Facts, NodeFacts, NodeMake, NodeName } from './facts';
import type { CloudKindName, DeploymentSpec, DnsSpec, NodeGroup } from './spec';

/** `<group>-<number>`, counted from 1. When a group shrinks, the highest numbers go. */
export function nodeNameOf({ name }: Pick<NodeGroup, 'name'>, number: number): NodeName {
  return `${name}-${number}`;
}

/** The nodes of a group, in the order in which they come. */
export function nodesOf(group: NodeGroup): readonly NodeName[] {
  return Array.from({ length: group.count }, (_, index) => nodeNameOf(group, index + 1));
}

/** All nodes that the spec wants, without the core. */
export function wantedNodes({ cluster }: Pick<DeploymentSpec, 'cluster'>): readonly NodeName[] {
  return cluster?.groups.flatMap(nodesOf) ?? [];
}

/** Whether a deployment has, or may have, nodes other than the core. */
export function hasNodes({ cluster }: Pick<DeploymentSpec, 'cluster'>, { nodes }: Facts): boolean {
  return cluster !== undefined || Object.keys(nodes).some((node) => node !== CORE);
}

/** The group that the name of a node tells. */
export function groupNameIn(node: NodeName): string {
  return node.replace(/-\d+$/, '');
}

/** The group of a node; undefined for the core, and for a node of a group that the spec no longer has. */
export function groupOf({ cluster }: Pick<DeploymentSpec, 'cluster'>, node: NodeName): NodeGroup | undefined {
  return node === CORE ? undefined : cluster?.groups.find(({ name }) => name === groupNameIn(node));
}

/** The spec for the steps of that node: `instance` and `storage` are those of its group. */
export function specOfNode(spec: DeploymentSpec, node: NodeName): DeploymentSpec {
  const group = groupOf(spec, node);
  if (group === undefined) return spec;
  const { storage: _ofTheCore, ...rest } = spec;
  return { ...rest, instance: group.instance, ...(group.storage === undefined ? {} : { storage: group.storage }) };
}

/** The host name of a node: the core has the name of the deployment, every other node one of its own below it. */
export function hostOf({ dns }: { readonly dns: Pick<DnsSpec, 'name'> }, node: NodeName): string {
  return node === CORE ? dns.name : `${node}.${dns.name}`;
}

/** Roles that keep data, in all releases. */
const DATA_ROLES: readonly string[] = [
  'filesystem',
  'harbor',
  'memcached',
  'mongodb',
  'mysql',
  'postgresql',
  'rabbit',
  'rabbit3',
  'redis',
];

/** Whether data may be lost with the node. True for one of which it is not known what it was made with. */
export function mayHoldData({ made }: NodeFacts): boolean {
  return made?.roles.some((role) => DATA_ROLES.includes(role)) ?? true;
}

export function makeOf({ instance: { type, zone }, roles, storage }: NodeGroup): NodeMake {
  return {
    type,
    ...(zone === undefined ? {} : { zone }),
    roles: [...roles].sort(),
    ...(storage === undefined ? {} : { storage }),
  };
}

/** Where a node that was made is not as its group is now. It must be replaced then. */
export function changedSince({ made }: NodeFacts, group: NodeGroup): readonly (keyof NodeMake)[] {
  if (made === undefined) return [];
  const wanted = makeOf(group);
  return (['type', 'zone', 'roles', 'storage'] as const).filter(
    (key) => JSON.stringify(made[key]) !== JSON.stringify(wanted[key]),
  );
}

/** The nodes that a deployment has or may have, and that the spec does not want; of each group the highest number first. */
export function unwantedNodes(
  spec: Pick<DeploymentSpec, 'cluster'>,
  nodes: Readonly<Record<NodeName, NodeFacts>>,
): readonly NodeName[] {
  const wanted = new Set([CORE, ...wantedNodes(spec)]);
  return Object.keys(nodes)
    .filter((node) => !wanted.has(node) && !isNothing(nodes[node]))
    .sort((a, b) => numberIn(b) - numberIn(a));
}

/** The nodes of groups that have changed since they were made. */
export function nodesToReplace(
  spec: Pick<DeploymentSpec, 'cluster'>,
  nodes: Readonly<Record<NodeName, NodeFacts>>,
): readonly NodeName[] {
  return (spec.cluster?.groups ?? []).flatMap((group) =>
    nodesOf(group).filter((node) => changedSince(nodes[node] ?? {}, group).length > 0),
  );
}

/** Whether nothing of the node exists, as far as is known. */
export function isNothing(facts: NodeFacts | undefined): boolean {
  return facts === undefined || Object.keys(facts).length === 0;
}

function numberIn(node: NodeName): number {
  return Number(/\d+$/.exec(node)?.[0] ?? 0);
}

/** Whether nodes are launched one at a time, because an instance does not tell which node it is. */
export function launchesInTurn(kind: CloudKindName): boolean {
  return CLOUD_KINDS[kind].instanceTags === 'none';
}
