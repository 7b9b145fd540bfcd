/** Read-only data: key pairs, regions, zones, instance types. */

import type { Cloud } from '../cloud';
import type { InstanceType } from '../dialects';
import { Ec2Error } from '../ec2-errors';
import { filtered } from '../filters';
import type { FilterTable } from '../filters';
import { listed } from '../parameters';
import type { Params } from '../parameters';
import type { Account } from '../signatures';
import { items, list, text } from '../xml';
import type { Branch } from '../xml';
import { selected } from './common';

export async function describeKeyPairs(cloud: Cloud, params: Params): Promise<Branch> {
  const names = selected(
    cloud,
    (await keyPairNames(cloud)).map((name) => ({ name })),
    params,
    { KeyName: ({ name }) => name },
    'keyMissing',
  );
  return {
    keySet: list(
      names.map(({ name }) => ({ keyName: name, keyFingerprint: '00:01:02:03:04:05:06:07:08:09:0a:0b:0c:0d:0e:0f' })),
    ),
  };
}

export async function keyPairNames(cloud: Cloud): Promise<string[]> {
  return items(await cloud.moto.call('DescribeKeyPairs', {}), 'keySet').map((key) => text(key, 'keyName'));
}

interface RegionRow {
  readonly regionName: string;
  readonly regionEndpoint: string;
}

const REGION_FILTERS: FilterTable<RegionRow> = {
  'region-name': ({ regionName }) => [regionName],
  endpoint: ({ regionEndpoint }) => [regionEndpoint],
};

/** 3.2 lists its S3 as a region. The endpoint of `aws` is the lab's too, so that no client ends up at the real one. */
export function describeRegions({ dialect, options: { endpoints } }: Cloud, params: Params): Branch {
  const all: RegionRow[] = [
    { regionName: dialect.region, regionEndpoint: endpoints.ec2 },
    ...(dialect.kind === 'eucalyptus-3.2' ? [{ regionName: 'walrus', regionEndpoint: endpoints.s3 }] : []),
  ];
  const wanted = listed(params, 'RegionName');
  const absent = wanted.find((name) => !all.some(({ regionName }) => regionName === name));
  if (absent !== undefined && !dialect.eucalyptus) throw new Ec2Error('regionMissing', absent);
  const rows = all.filter(({ regionName }) => wanted.length === 0 || wanted.includes(regionName));
  return {
    regionInfo: list(
      filtered<RegionRow & { tags?: undefined }>(rows, params, REGION_FILTERS).map((row) => ({ ...row })),
    ),
  };
}

interface ZoneRow {
  readonly zoneName: string;
  readonly zoneState: string;
  readonly regionName: string;
}

/** Filters that a release accepts without having the value match nothing. */
function zoneFilters({ showsZoneState: tells }: Cloud['dialect']): FilterTable<ZoneRow> {
  return {
    'zone-name': ({ zoneName }) => [zoneName],
    message: () => [],
    state: ({ zoneState }) => (tells ? [zoneState] : []),
    'region-name': ({ regionName }) => (tells ? [regionName] : []),
  };
}

/**
 * On Eucalyptus, `verbose` instead of a zone name gives the administrator the instance types, as zones. Other users get
 * the zones.
 */
export async function describeAvailabilityZones(cloud: Cloud, params: Params, caller: Account): Promise<Branch> {
  const { dialect, settings } = cloud;
  const running = (await cloud.instances()).filter(({ state }) => state !== 'terminated').length;
  const room = { free: Math.max(0, settings.capacity - running), max: settings.capacity };
  const { eucalyptus, showsZoneState, zones } = dialect;
  const asked = listed(params, 'ZoneName');
  const wanted = eucalyptus ? asked.filter((name) => name !== 'verbose') : asked;
  const types = wanted.length < asked.length && caller.admin;
  const absent = wanted.find((name) => !zones.includes(name));
  if (absent !== undefined && showsZoneState && !types) throw new Ec2Error('zoneMissing', absent);
  // 3.2 and 3.4 then list all zones, even if the request names some.
  const all = wanted.length === 0 || (types && !showsZoneState);
  const rows = zones
    .filter((name) => all || wanted.includes(name))
    .map((zoneName): ZoneRow => ({ zoneName, zoneState: 'available', regionName: eucalyptus ? '' : dialect.region }));
  const left =
    types && !showsZoneState ? rows : filtered<ZoneRow & { tags?: undefined }>(rows, params, zoneFilters(dialect));
  return {
    availabilityZoneInfo: list(
      left.flatMap((row) => [
        showsZoneState && !types
          ? { ...row }
          : { ...row, zoneState: `127.0.0.1 arn:euca:eucalyptus:${row.zoneName}:cluster:CC_01/` },
        ...(types ? [HEADING, ...Object.entries(dialect.types).map((type) => typeAsZone(type, room))] : []),
      ]),
    ),
  };
}

/** The format of Eucalyptus is its own; clients made for AWS find nothing in it. */
export function describeInstanceTypes({ dialect }: Cloud, params: Params): Branch {
  const wanted = listed(params, 'InstanceType');
  const all = Object.entries(dialect.types);
  const rows = all.filter(([name]) => wanted.length === 0 || wanted.includes(name));
  if (dialect.eucalyptus) return { instanceTypeDetails: list(rows.map(eucalyptusType)) };
  const absent = wanted.filter((name) => dialect.types[name] === undefined);
  if (absent.length > 0) throw new Ec2Error('typesMissing', absent.join(', '));
  return { instanceTypeSet: list(rows.map(awsType)) };
}

/** Eucalyptus tells no limits (ComputeService.java of 4.4), AWS some of its old ones. */
export async function describeAccountAttributes(cloud: Cloud, params: Params): Promise<Branch> {
  const { dialect, settings } = cloud;
  const vpcId = (await cloud.groups()).find(({ name }) => name === 'default')?.vpcId ?? '';
  const limits = {
    'max-instances': settings.instances,
    'max-elastic-ips': settings.addresses,
    'vpc-max-elastic-ips': settings.addresses,
  };
  const all = {
    'supported-platforms': dialect.vpc ? 'VPC' : 'EC2',
    'default-vpc': dialect.vpc ? vpcId : 'none',
    ...(dialect.eucalyptus ? {} : limits),
  };
  const wanted = listed(params, 'AttributeName');
  return {
    accountAttributeSet: list(
      Object.entries(all)
        .filter(([name]) => wanted.length === 0 || wanted.includes(name))
        .map(([attributeName, value]) => ({
          attributeName,
          attributeValueSet: list([{ attributeValue: String(value) }]),
        })),
    ),
  };
}

const HEADING = { zoneName: '|- vm types', zoneState: 'free / max   cpu   ram  disk', regionName: '' };

function typeAsZone(
  [name, { cpu, memory, disk }]: readonly [string, InstanceType],
  { free, max }: { readonly free: number; readonly max: number },
): Branch {
  const digits = (value: number): string => String(value).padStart(4, '0');
  const pad = (value: number, width: number): string => String(value).padStart(width);
  return {
    zoneName: `|- ${name}`,
    zoneState: `${digits(free)} / ${digits(max)} ${pad(cpu, 3)} ${pad(memory, 6)} ${pad(disk, 5)}`,
    regionName: '',
  };
}

function eucalyptusType([name, { cpu, memory, disk }]: readonly [string, InstanceType]): Branch {
  return { name, cpu, disk, memory, networkInterfaces: 1, availability: '', ephemeralDisk: '' };
}

function awsType([name, { cpu, memory }]: readonly [string, InstanceType]): Branch {
  return {
    instanceType: name,
    currentGeneration: true,
    vCpuInfo: { defaultVCpus: cpu },
    memoryInfo: { sizeInMiB: memory },
  };
}
