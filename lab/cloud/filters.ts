/** Filters of the Describe calls. A filter that is not in the table is refused, not ignored. */

import { Ec2Error } from './ec2-errors';
import { listed } from './parameters';
import type { Params } from './parameters';
import type { AddressRecord, GroupRecord, InstanceRecord, Tag } from './records';

export type FilterTable<T> = Readonly<Record<string, (row: T) => readonly string[]>>;

export const INSTANCE_FILTERS: FilterTable<InstanceRecord> = {
  'instance-id': ({ id }) => [id],
  'instance-state-name': ({ state }) => [state],
  'instance-type': ({ type }) => [type],
  'image-id': ({ imageId }) => [imageId],
  'key-name': ({ keyName }) => [keyName],
  'reservation-id': ({ reservationId }) => [reservationId],
  'group-name': ({ groups }) => groups.map(({ name }) => name),
  'group-id': ({ groups }) => groups.map(({ id }) => id),
  'instance.group-name': ({ groups }) => groups.map(({ name }) => name),
  'instance.group-id': ({ groups }) => groups.map(({ id }) => id),
  'private-ip-address': ({ privateIp }) => [privateIp],
};

export const ADDRESS_FILTERS: FilterTable<AddressRecord> = {
  'public-ip': ({ publicIp }) => [publicIp],
  'allocation-id': ({ allocationId }) => [allocationId],
  'association-id': ({ associationId }) => [associationId],
  'instance-id': ({ instanceId }) => [instanceId],
  domain: ({ allocationId }) => [allocationId === '' ? 'standard' : 'vpc'],
};

export const GROUP_FILTERS: FilterTable<GroupRecord> = {
  'group-name': ({ name }) => [name],
  'group-id': ({ id }) => [id],
  description: ({ description }) => [description],
  'vpc-id': ({ vpcId }) => [vpcId],
};

/** The rows that match every filter of the request. */
export function filtered<T extends { readonly tags?: readonly Tag[] }>(
  rows: readonly T[],
  params: Params,
  table: FilterTable<T>,
): T[] {
  const tests = numbered(params).map((number) => {
    const name = params[`Filter.${number}.Name`] ?? '';
    const patterns = listed(params, `Filter.${number}.Value`).map(patternOf);
    const valuesOf = tagValues<T>(name) ?? table[name];
    if (valuesOf === undefined) throw new Ec2Error('filterUnknown', name);
    return (row: T): boolean => valuesOf(row).some((value) => patterns.some((pattern) => pattern.test(value)));
  });
  return rows.filter((row) => tests.every((test) => test(row)));
}

function tagValues<T extends { readonly tags?: readonly Tag[] }>(
  name: string,
): ((row: T) => readonly string[]) | undefined {
  if (name === 'tag-key') return ({ tags = [] }) => tags.map(({ key }) => key);
  if (!name.startsWith('tag:')) return undefined;
  return ({ tags = [] }) => tags.filter(({ key }) => key === name.slice(4)).map(({ value }) => value);
}

function numbered(params: Params): string[] {
  return [...new Set(Object.keys(params).flatMap((name) => /^Filter\.(\d+)\./.exec(name)?.[1] ?? []))];
}

/** `*` and `?` are wildcards. */
function patternOf(value: string): RegExp {
  const escaped = value.replace(/[.+^${}()|[\]\\]/g, '\\$&');
  return new RegExp(`^${escaped.replaceAll('*', '.*').replaceAll('?', '.')}$`);
}
