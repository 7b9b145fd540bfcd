/** How much memory an instance type has, as far as the cloud tells. */

import { DescribeAvailabilityZonesCommand, DescribeInstanceTypesCommand } from '@aws-sdk/client-ec2';
import type { _InstanceType } from '@aws-sdk/client-ec2';
import { XMLParser } from 'fast-xml-parser';
import type { CloudKind } from '../deployment/cloud-kinds';
import type { Ec2 } from './ec2';
import { CloudFailure } from './failures';

/** MiB by type; undefined where the cloud tells nothing. */
type Memories = ReadonlyMap<string, number> | undefined;

const READERS: Readonly<Record<CloudKind['typeMemory'], (ec2: Ec2, type: string) => Promise<Memories>>> = {
  'verbose zones': readVerboseZones,
  'own list': readOwnList,
  'type list': readTypeList,
};

export async function typeMemory(ec2: Ec2, type: string): Promise<number | 'unknown' | 'missing'> {
  try {
    const memories = await READERS[ec2.can.typeMemory](ec2, type);
    return memories === undefined ? 'unknown' : (memories.get(type) ?? 'missing');
  } catch (error) {
    if (error instanceof CloudFailure && error.sort === 'missing') return 'missing';
    // The machine is asked later, so whoever may not ask the cloud may deploy all the same.
    if (error instanceof CloudFailure && (error.code === 'CLOUD_PERMISSION' || error.code === 'CLOUD_REFUSED'))
      return 'unknown';
    throw error;
  }
}

/** 3.2: instance types are zones of odd names, and only for the cloud's administrator. Numbers: free, max, cpu, ram, disk. */
async function readVerboseZones(ec2: Ec2): Promise<Memories> {
  const { AvailabilityZones = [] } = await ec2.send(new DescribeAvailabilityZonesCommand({ ZoneNames: ['verbose'] }));
  return memoriesInZones(AvailabilityZones.map(({ ZoneName = '', State = '' }) => ({ name: ZoneName, state: State })));
}

export function memoriesInZones(zones: readonly { readonly name: string; readonly state: string }[]): Memories {
  const types = zones.flatMap(({ name, state }) => {
    const type = /^\|- (\S+)$/.exec(name)?.[1];
    const memory = /^\d+ \/ \d+\s+\d+\s+(\d+)\s+\d+$/.exec(state)?.[1];
    return type === undefined || memory === undefined ? [] : [[type, Number(memory)] as const];
  });
  return types.length === 0 ? undefined : new Map(types);
}

/** 4.x: an answer in a form of its own, in which the SDK reads nothing. */
async function readOwnList(ec2: Ec2, type: string): Promise<Memories> {
  return memoriesInOwnList(await ec2.sendForBody(described(type)));
}

const parser = new XMLParser({ ignoreAttributes: true, parseTagValue: false, isArray: (name) => name === 'item' });

interface OwnList {
  readonly instanceTypeDetails?:
    '' | { readonly item?: readonly { readonly name?: string; readonly memory?: string }[] };
}

export function memoriesInOwnList(xml: string): Memories {
  const roots = Object.values(parser.parse(xml) as Readonly<Record<string, '' | OwnList>>);
  const details = roots.flatMap((root) =>
    root === '' || root.instanceTypeDetails === undefined ? [] : [root.instanceTypeDetails],
  )[0];
  if (details === undefined) return undefined;
  return new Map((details === '' ? [] : (details.item ?? [])).map(({ name = '', memory }) => [name, Number(memory)]));
}

async function readTypeList(ec2: Ec2, type: string): Promise<Memories> {
  const { InstanceTypes = [] } = await ec2.send(described(type));
  return new Map(
    InstanceTypes.flatMap(({ InstanceType, MemoryInfo }) =>
      InstanceType === undefined || MemoryInfo?.SizeInMiB === undefined
        ? []
        : [[InstanceType, MemoryInfo.SizeInMiB] as const],
    ),
  );
}

function described(type: string): DescribeInstanceTypesCommand {
  // The SDK's list of types is that of the day it was made.
  return new DescribeInstanceTypesCommand({ InstanceTypes: [type as _InstanceType] });
}
