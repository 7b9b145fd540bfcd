/** The nodes of a cluster, as the spec wants them: names, roles, and the spec of a single node. */

import { CORE } from './facts';
import type { NodeName } from './facts';
import type { DeploymentSpec, NodeGroup } from './spec';

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
export function hostOf({ dns }: Pick<DeploymentSpec, 'dns'>, node: NodeName): string {
  return node === CORE ? dns.name : `${node}.${dns.name}`;
}
