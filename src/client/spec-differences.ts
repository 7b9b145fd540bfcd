/** Where two specs differ, and which differences are impossible while the deployment has resources in the cloud. */

import type { Known } from '../deployment/facts';
import type { DeploymentSpec } from '../deployment/spec';

/** Paths such as `dns.zone`, in the order of the first spec; never a value. */
export function specDifferences(a: unknown, b: unknown, path: readonly string[] = []): readonly string[] {
  if (!isMapping(a) || !isMapping(b)) return JSON.stringify(a) === JSON.stringify(b) ? [] : [path.join('.')];
  const keys = new Set([...Object.keys(a), ...Object.keys(b)]);
  return [...keys].flatMap((key) => specDifferences(a[key], b[key], [...path, key]));
}

export type ResourceName = 'instance' | 'volume' | 'address' | 'group' | 'dns';

const CLOUD = ['cloud.kind', 'cloud.endpoint', 'cloud.region'];

/**
 * A resource is looked for where the spec says, and adopted as it is. In another place it would be orphaned, and one of another kind
 * would not be what the spec says.
 */
const FIXED_KEYS: Readonly<Record<ResourceName, readonly string[]>> = {
  instance: ['release', 'image', 'instance', 'storage', ...CLOUD],
  volume: ['storage', ...CLOUD],
  address: ['address', ...CLOUD],
  group: CLOUD,
  dns: ['dns.zone', 'dns.name'],
};

/** The resources that a deployment has. */
export function resourceNames({ instance, volume, address, group, dns }: Known): readonly ResourceName[] {
  // A given volume is not ours to keep once the instance is gone.
  const ours = volume?.made === true ? volume : undefined;
  const all: Readonly<Record<ResourceName, unknown>> = { instance, volume: ours, address, group, dns };
  return (['instance', 'volume', 'address', 'group', 'dns'] as const).filter((name) => all[name] !== undefined);
}

/** Paths of the new spec that cannot change while the resources made by the old one exist. */
export function impossibleChanges(before: DeploymentSpec, after: DeploymentSpec, known: Known): readonly string[] {
  const fixed = resourceNames(known).flatMap((name) => FIXED_KEYS[name]);
  return specDifferences(before, after).filter((path) =>
    fixed.some((prefix) => path === prefix || path.startsWith(`${prefix}.`)),
  );
}

function isMapping(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
