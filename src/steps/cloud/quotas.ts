/** Whether the account has room for what a cluster still needs. Nothing is made before this is known. */

import { nodesOf } from '../../deployment/cluster';
import { DeployError } from '../../deployment/errors';
import { nodeMarkOf, nodesMarkOf } from '../../deployment/names';
import type { DeploymentSpec, InstanceSpec } from '../../deployment/spec';
import type { CloudInstance, Room } from '../ports';
import type { Context } from '../step';
import { fits, isGone } from './instances';

type Site = Pick<Context, 'cloud' | 'owner' | 'groupName' | 'nodesGroupName'>;

/** So many instances of one type in one zone; without a zone: in any. */
interface Want {
  readonly type: string;
  readonly zone: string | undefined;
  readonly count: number;
}

/** Throws QUOTA_TOO_LOW, which says what is needed and what is free. */
export async function judgeInstances(site: Site, spec: DeploymentSpec): Promise<string> {
  const { capacity } = await site.cloud.room();
  const wants = await missingInstances(site, spec);
  const count = sum(wants);
  const needed = count === 0 ? 'no instance is missing' : `${textOf(wants)} needed`;
  if (count === 0) return needed;
  if (capacity === undefined) return `${needed}; the cloud does not tell this account how many it has room for`;
  const short = shortages(wants, capacity);
  if (short.length > 0)
    throw new DeployError('QUOTA_TOO_LOW', `The cloud has no room for the nodes: ${short.join('; ')}.`);
  return `${needed}, and the cloud has room`;
}

/** Throws QUOTA_TOO_LOW. */
export async function judgeAddressQuota(site: Site, spec: DeploymentSpec, hasAddress: boolean): Promise<string> {
  if ('ip' in spec.address || hasAddress || (await holdsAddress(site))) return 'no address is missing';
  const { addresses } = await site.cloud.room();
  if (addresses === undefined) return 'one is needed; the cloud does not tell how many more the account may have';
  if (addresses > 0) return `one is needed, ${addresses} more are allowed`;
  throw new DeployError('QUOTA_TOO_LOW', 'One address is needed, and the quota of the account is used up: 0 are free.');
}

/** By its tag, or by the instance that has it: an address that was allocated by an earlier run needs no room. */
async function holdsAddress({ cloud, owner, groupName }: Site): Promise<boolean> {
  const [addresses, core] = await Promise.all([cloud.listAddresses(), cloud.findInstances(owner, groupName)]);
  return addresses.some((each) => each.owner === owner || core.some(({ id }) => id === each.instanceId));
}

async function missingInstances(site: Site, spec: DeploymentSpec): Promise<readonly Want[]> {
  const { cloud, owner, groupName } = site;
  const core = (await cloud.findInstances(owner, groupName)).filter((each) => !isGone(each));
  const nodes = await livingNodes(site);
  const wants = [{ ...placeOf(spec.instance), count: core.length > 0 ? 0 : 1 }];
  for (const group of spec.cluster?.groups ?? []) {
    const marks = new Set(nodesOf(group).map((node) => nodeMarkOf(owner, node)));
    const there = cloud.tagsInstances
      ? nodes.filter((each) => each.owner !== undefined && marks.has(each.owner)).length
      : takeAlike(nodes, group.instance, group.count);
    wants.push({ ...placeOf(group.instance), count: Math.max(0, group.count - there) });
  }
  return merged(wants);
}

/** None, if the group is somebody else's. */
async function livingNodes({ cloud, owner, nodesGroupName }: Site): Promise<CloudInstance[]> {
  const group = await cloud.findGroup(nodesGroupName);
  if (group === undefined || group.description !== nodesMarkOf(owner)) return [];
  return (await cloud.instancesIn(nodesGroupName, `${owner}/`)).filter((each) => !isGone(each));
}

/** Where nothing tells nodes apart, they are counted by type and zone, each once. */
function takeAlike(nodes: CloudInstance[], wanted: InstanceSpec, most: number): number {
  let taken = 0;
  while (taken < most) {
    const index = nodes.findIndex((each) => fits(each, wanted));
    if (index < 0) break;
    nodes.splice(index, 1);
    taken += 1;
  }
  return taken;
}

function placeOf({ type, zone }: InstanceSpec): Pick<Want, 'type' | 'zone'> {
  return { type, zone };
}

function merged(wants: readonly Want[]): readonly Want[] {
  const places = new Map<string, Want>();
  for (const want of wants) {
    const key = JSON.stringify([want.type, want.zone]);
    places.set(key, { ...want, count: want.count + (places.get(key)?.count ?? 0) });
  }
  return [...places.values()].filter(({ count }) => count > 0);
}

/** Types share the machines' room, so this finds what surely does not fit, and not everything that does not. */
function shortages(wants: readonly Want[], capacity: NonNullable<Room['capacity']>): readonly string[] {
  const inZones = wants.flatMap(({ type, zone, count }) =>
    zone === undefined
      ? []
      : [{ type, zone, count, rows: capacity.filter((row) => row.type === type && row.zone === zone) }],
  );
  const anywhere = [...new Set(wants.map(({ type }) => type))].map((type) => ({
    type,
    zone: undefined,
    count: sum(wants.filter((want) => want.type === type)),
    rows: capacity.filter((row) => row.type === type),
  }));
  return [...inZones, ...anywhere].flatMap(({ type, zone, count, rows }) => {
    const free = rows.reduce((total, row) => total + row.free, 0);
    // A type that is not listed is another check's.
    return rows.length === 0 || free >= count
      ? []
      : [`${count} ${type}${zone === undefined ? '' : ` in ${zone}`} needed, ${free} free`];
  });
}

function sum(wants: readonly Want[]): number {
  return wants.reduce((total, { count }) => total + count, 0);
}

function textOf(wants: readonly Want[]): string {
  return wants.map(({ type, zone, count }) => `${count} ${type}${zone === undefined ? '' : ` in ${zone}`}`).join(', ');
}
