/** What does not change: key pairs, zones, instance types. */

import type { TypeRow } from '../dialects';
import { listed } from '../parameters';
import type { Params } from '../parameters';
import { Refusal } from '../refusals';
import type { Account } from '../signatures';
import type { World } from '../world';
import { items, list, text } from '../xml';
import type { Branch } from '../xml';
import { named } from './common';

export async function describeKeyPairs(world: World, params: Params): Promise<Branch> {
  const names = named(world, (await keyPairNames(world)).map((name) => ({ name })), params, { KeyName: ({ name }) => name }, 'keyMissing');
  return { keySet: list(names.map(({ name }) => ({ keyName: name, keyFingerprint: '00:01:02:03:04:05:06:07:08:09:0a:0b:0c:0d:0e:0f' }))) };
}

export async function keyPairNames(world: World): Promise<string[]> {
  return items(await world.moto.call('DescribeKeyPairs', {}), 'keySet').map((key) => text(key, 'keyName'));
}

/** On 3.2 `verbose` instead of a zone's name gives the administrator the instance types, as zones. Others get the zones. */
export function describeAvailabilityZones({ dialect }: World, params: Params, caller: Account): Branch {
  const wanted = listed(params, 'ZoneName');
  const verbose = dialect.kind === 'eucalyptus-3.2' && wanted.includes('verbose');
  const names = verbose || wanted.length === 0 ? dialect.zones : dialect.zones.filter((name) => wanted.includes(name));
  const rows = names.map((zoneName) => ({ zoneName, zoneState: dialect.eucalyptus ? '127.0.0.1 arn:euca:eucalyptus:PARTI00:cluster:CC_01/' : 'available', regionName: dialect.region }));
  const types = verbose && caller.admin ? [HEADING, ...Object.entries(dialect.types).map(typeAsZone)] : [];
  return { availabilityZoneInfo: list([...rows, ...types]) };
}

/** Eucalyptus' own reply; clients made for AWS read nothing in it. */
export function describeInstanceTypes({ dialect }: World, params: Params): Branch {
  const wanted = listed(params, 'InstanceType');
  const all = Object.entries(dialect.types);
  const rows = all.filter(([name]) => wanted.length === 0 || wanted.includes(name));
  if (dialect.eucalyptus) return { instanceTypeDetails: list(rows.map(eucalyptusType)) };
  const absent = wanted.filter((name) => dialect.types[name] === undefined);
  if (absent.length > 0) throw new Refusal('typesMissing', absent.join(', '));
  return { instanceTypeSet: list(rows.map(awsType)) };
}

const HEADING = { zoneName: '|- vm types', zoneState: 'free / max   cpu   ram  disk', regionName: '' };

function typeAsZone([name, { cpu, memory, disk }]: readonly [string, TypeRow]): Branch {
  const pad = (value: number, width: number): string => String(value).padStart(width);
  return { zoneName: `|- ${name}`, zoneState: `0064 / 0064 ${pad(cpu, 3)} ${pad(memory, 6)} ${pad(disk, 5)}`, regionName: '' };
}

function eucalyptusType([name, { cpu, memory, disk }]: readonly [string, TypeRow]): Branch {
  return { name, cpu, disk, memory, networkInterfaces: 1, availability: '', ephemeralDisk: '' };
}

function awsType([name, { cpu, memory }]: readonly [string, TypeRow]): Branch {
  return { instanceType: name, currentGeneration: true, vCpuInfo: { defaultVCpus: cpu }, memoryInfo: { sizeInMiB: memory } };
}
