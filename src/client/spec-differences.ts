/** Where two specs differ, and which differences are impossible while the deployment has resources in the cloud. */

import type { Known } from '../deployment/facts';
import type { DeploymentSpec, NodeGroup } from '../deployment/spec';

/** Paths as in the file, such as `dns.zone` or `nodes.dea.count`, in the order of the first spec; never a value. */
export function specDifferences(a: DeploymentSpec, b: DeploymentSpec): readonly string[] {
  const paths = differences(asWritten(a), asWritten(b));
  // They come and go with `nodes`.
  return paths.includes('nodes') ? paths.filter((path) => path !== 'rollout' && path !== 'ssh.reach') : paths;
}

function differences(a: unknown, b: unknown, path: readonly string[] = []): readonly string[] {
  if (!isMapping(a) || !isMapping(b)) return JSON.stringify(a) === JSON.stringify(b) ? [] : [path.join('.')];
  const keys = new Set([...Object.keys(a), ...Object.keys(b)]);
  return [...keys].flatMap((key) => differences(a[key], b[key], [...path, key]));
}

/** The file has no key `cluster`. */
function asWritten({ cluster, ...spec }: DeploymentSpec): object {
  if (cluster === undefined) return spec;
  const groups = cluster.groups.map((group) => [group.name, groupAsWritten(group)] as const);
  return {
    ...spec,
    ssh: { ...spec.ssh, reach: cluster.reach },
    nodes: { core: { roles: cluster.coreRoles }, ...Object.fromEntries(groups) },
    rollout: cluster.rollout,
  };
}

function groupAsWritten({ roles, count, instance, storage }: NodeGroup) {
  const { type, zone, keyName, userData, cloudInit } = instance;
  return { roles, count, type, zone, key: keyName, userData, cloudInit, storage };
}

export type ResourceName = 'instance' | 'volume' | 'address' | 'group' | 'dns';

export const CLOUD_KEYS = ['cloud.kind', 'cloud.endpoint', 'cloud.region'];

/**
 * A resource is looked for where the spec says, and adopted as it is. In another place it would be orphaned, and one of another kind
 * would not be what the spec says.
 */
const FIXED_KEYS: Readonly<Record<ResourceName, readonly string[]>> = {
  instance: ['release', 'image', 'instance', 'storage', ...CLOUD_KEYS],
  volume: ['storage', ...CLOUD_KEYS],
  address: ['address', ...CLOUD_KEYS],
  group: CLOUD_KEYS,
  dns: ['dns.zone', 'dns.name'],
};

/** The resources that a deployment has, without those of its nodes (node-differences.ts). */
export function resourceNames({ instance, volume, address, group, dns }: Known): readonly ResourceName[] {
  // A given volume is not ours to keep once the instance is gone.
  const ours = volume?.made === true ? volume : undefined;
  const all: Readonly<Record<ResourceName, unknown>> = { instance, volume: ours, address, group, dns };
  return (['instance', 'volume', 'address', 'group', 'dns'] as const).filter((name) => all[name] !== undefined);
}

/** Paths of the new spec that cannot change while the resources made by the old one exist. */
export function impossibleChanges(before: DeploymentSpec, after: DeploymentSpec, known: Known): readonly string[] {
  const fixed = resourceNames(known).flatMap((name) => FIXED_KEYS[name]);
  return specDifferences(before, after).filter((path) => isBelow(path, fixed));
}

/** Whether the path is one of these, or below one. */
export function isBelow(path: string, keys: readonly string[]): boolean {
  return keys.some((key) => path === key || path.startsWith(`${key}.`));
}

function isMapping(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
