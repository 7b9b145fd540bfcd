/** Tags, on the resources that the release allows to be tagged. */

import type { Cloud } from '../cloud';
import { Ec2Error } from '../ec2-errors';
import { filtered } from '../filters';
import type { FilterTable } from '../filters';
import { withPrefix, listed } from '../parameters';
import type { Params } from '../parameters';
import { items, list, text } from '../xml';
import type { Branch } from '../xml';

export async function createTags(cloud: Cloud, params: Params): Promise<Branch> {
  const ids = listed(params, 'ResourceId');
  if (ids.length === 0) throw new Ec2Error('parameterMissing', 'ResourceId');
  const refused = ids.find((id) => !cloud.dialect.taggable.some((prefix) => id.startsWith(prefix)));
  if (refused !== undefined) throw new Ec2Error('tagRefused', refused);
  await cloud.moto.call('CreateTags', { ...withPrefix(params, 'ResourceId.'), ...withPrefix(params, 'Tag.') });
  const { instances, addresses, groups } = cloud.cache;
  await instances.refresh(...ids.filter((id) => id.startsWith('i-')));
  await groups.refresh(...ids.filter((id) => id.startsWith('sg-')));
  await addresses.refresh(
    ...(await addresses.all()).filter(({ allocationId }) => ids.includes(allocationId)).map(({ publicIp }) => publicIp),
  );
  return { return: true };
}

interface TagRow {
  readonly resourceId: string;
  readonly resourceType: string;
  readonly key: string;
  readonly value: string;
}

const TAG_FILTERS: FilterTable<TagRow> = {
  'resource-id': ({ resourceId }) => [resourceId],
  'resource-type': ({ resourceType }) => [resourceType],
  key: ({ key }) => [key],
  value: ({ value }) => [value],
};

export async function describeTags(cloud: Cloud, params: Params): Promise<Branch> {
  const all = items(await cloud.moto.call('DescribeTags', {}), 'tagSet').map((tag): TagRow => ({
    resourceId: text(tag, 'resourceId'),
    resourceType: text(tag, 'resourceType'),
    key: text(tag, 'key'),
    value: text(tag, 'value'),
  }));
  return { tagSet: list(filtered<TagRow & { tags?: undefined }>(all, params, TAG_FILTERS).map((row) => ({ ...row }))) };
}
