/** In what two specs differ, and which of that cannot be changed under a deployment that has things in the cloud. */

import type { Known } from '../deployment/facts';
import type { DeploymentSpec } from '../deployment/types';

/** Paths such as `dns.zone`, in the order of the first spec; never a value. */
export function differencesOf(a: unknown, b: unknown, path: readonly string[] = []): readonly string[] {
  if (!isMapping(a) || !isMapping(b)) return JSON.stringify(a) === JSON.stringify(b) ? [] : [path.join('.')];
  const keys = new Set([...Object.keys(a), ...Object.keys(b)]);
  return [...keys].flatMap((key) => differencesOf(a[key], b[key], [...path, key]));
}

const CLOUD = ['cloud.kind', 'cloud.endpoint', 'cloud.region'];

/** What was made is looked for where the spec says, and adopted as it is: another place would orphan it, another kind would be a lie. */
const BOUND: Readonly<Record<'instance' | 'address' | 'group' | 'dns', readonly string[]>> = {
  instance: ['release', 'image', 'instance', ...CLOUD],
  address: ['address', ...CLOUD],
  group: CLOUD,
  dns: ['dns.zone', 'dns.name'],
};

export type Thing = keyof typeof BOUND;

/** What of a deployment is there. */
export function thingsIn(known: Known): readonly Thing[] {
  return (Object.keys(BOUND) as Thing[]).filter((thing) => known[thing] !== undefined);
}

/** Paths at which the new spec cannot follow the old one while its things are there. */
export function clashesOf(before: DeploymentSpec, after: DeploymentSpec, known: Known): readonly string[] {
  const bound = thingsIn(known).flatMap((thing) => BOUND[thing]);
  return differencesOf(before, after).filter((path) =>
    bound.some((prefix) => path === prefix || path.startsWith(`${prefix}.`)),
  );
}

function isMapping(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
