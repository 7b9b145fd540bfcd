/** How much memory an instance type has, where the cloud tells. */

import { DescribeAvailabilityZonesCommand, DescribeInstanceTypesCommand } from '@aws-sdk/client-ec2';
import type { _InstanceType } from '@aws-sdk/client-ec2';
import { XMLParser } from 'fast-xml-parser';
import type { Cloud } from '../steps/ports';
import type { CloudKind } from '../deployment/cloud-kinds';
import type { Ec2 } from './ec2';
import { CloudFailure } from './failures';

/** MiB by type; undefined where the cloud tells nothing. */
type MemoryByType = ReadonlyMap<string, number> | undefined;

const READERS: Readonly<Record<CloudKind['typeMemory'], (ec2: Ec2, type: string) => Promise<MemoryByType>>> = {
  'verbose zones': readVerboseZones,
  'own list': readOwnList,
  'type list': readTypeList,
};

export function instanceTypes(ec2: Ec2): Pick<Cloud, 'typeMemory'> {
  return { typeMemory: (type) => typeMemory(ec2, type) };
}

async function typeMemory(ec2: Ec2, type: string): Promise<number | 'unknown' | 'missing'> {
  try {
    const memory = await READERS[ec2.capabilities.typeMemory](ec2, type);
    return memory === undefined ? 'unknown' : (memory.get(type) ?? 'missing');
  } catch (error) {
    if (error instanceof CloudFailure && error.reason === 'missing') return 'missing';
    // No reason to stop: the machine itself is asked later.
    if (error instanceof CloudFailure && (error.code === 'CLOUD_PERMISSION' || error.code === 'CLOUD_REFUSED'))
      return 'unknown';
    throw error;
  }
}

/** 3.2 lists instance types as zones with odd names, and only for the cloud's administrator. Columns: free, max, cpu, ram, disk. */
async function readVerboseZones(ec2: Ec2): Promise<MemoryByType> {
  const { AvailabilityZones = [] } = await ec2.send(new DescribeAvailabilityZonesCommand({ ZoneNames: ['verbose'] }));
  return memoryInZones(AvailabilityZones.map(({ ZoneName = '', State = '' }) => ({ name: ZoneName, state: State })));
}

export function memoryInZones(zones: readonly { readonly name: string; readonly state: string }[]): MemoryByType {
  const types = zones.flatMap(({ name, state }) => {
    const type = /^\|- (\S+)$/.exec(name)?.[1];
    const memory = /^\d+ \/ \d+\s+\d+\s+(\d+)\s+\d+$/.exec(state)?.[1];
    return type === undefined || memory === undefined ? [] : [[type, Number(memory)] as const];
  });
  return types.length === 0 ? undefined : new Map(types);
}

/** 4.x answers in a form of its own, which the SDK cannot read. */
async function readOwnList(ec2: Ec2, type: string): Promise<MemoryByType> {
  return memoryInOwnList(await ec2.sendForBody(describeType(type)));
}

const parser = new XMLParser({ ignoreAttributes: true, parseTagValue: false, isArray: (name) => name === 'item' });

/** `<…Response><instanceTypeDetails><item><name>…</name><memory>…</memory>…`; an empty element is parsed as ''. */
export function memoryInOwnList(xml: string): MemoryByType {
  const details = childrenOf(parser.parse(xml))
    .map((root) => (isElement(root) ? root['instanceTypeDetails'] : undefined))
    .find((element) => element !== undefined);
  if (details === undefined) return undefined;
  const items = isElement(details) && Array.isArray(details['item']) ? details['item'] : [];
  return new Map(
    items.filter(isElement).map(({ name, memory }) => [typeof name === 'string' ? name : '', Number(memory)]),
  );
}

function isElement(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}

function childrenOf(value: unknown): readonly unknown[] {
  return isElement(value) ? Object.values(value) : [];
}

async function readTypeList(ec2: Ec2, type: string): Promise<MemoryByType> {
  const { InstanceTypes = [] } = await ec2.send(describeType(type));
  return new Map(
    InstanceTypes.flatMap(({ InstanceType, MemoryInfo }) =>
      InstanceType === undefined || MemoryInfo?.SizeInMiB === undefined
        ? []
        : [[InstanceType, MemoryInfo.SizeInMiB] as const],
    ),
  );
}

function describeType(type: string): DescribeInstanceTypesCommand {
  // The SDK only knows the types that AWS had when it was built.
  return new DescribeInstanceTypesCommand({ InstanceTypes: [type as _InstanceType] });
}
