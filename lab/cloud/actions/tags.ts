/** Tags, on what the release lets one tag. */

import { filtered } from '../filters';
import type { FilterTable } from '../filters';
import { beginning, listed } from '../parameters';
import type { Params } from '../parameters';
import { Refusal } from '../refusals';
import type { World } from '../world';
import { items, list, text } from '../xml';
import type { Branch } from '../xml';

export async function createTags(world: World, params: Params): Promise<Branch> {
  const ids = listed(params, 'ResourceId');
  if (ids.length === 0) throw new Refusal('parameterMissing', 'ResourceId');
  const refused = ids.find((id) => !world.dialect.taggable.some((prefix) => id.startsWith(prefix)));
  if (refused !== undefined) throw new Refusal('tagRefused', refused);
  await world.moto.call('CreateTags', { ...beginning(params, 'ResourceId.'), ...beginning(params, 'Tag.') });
  const { instances, addresses, groups } = world.kept;
  await instances.reread(...ids.filter((id) => id.startsWith('i-')));
  await groups.reread(...ids.filter((id) => id.startsWith('sg-')));
  await addresses.reread(
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

export async function describeTags(world: World, params: Params): Promise<Branch> {
  const all = items(await world.moto.call('DescribeTags', {}), 'tagSet').map((tag): TagRow => ({
    resourceId: text(tag, 'resourceId'),
    resourceType: text(tag, 'resourceType'),
    key: text(tag, 'key'),
    value: text(tag, 'value'),
  }));
  return { tagSet: list(filtered<TagRow & { tags?: undefined }>(all, params, TAG_FILTERS).map((row) => ({ ...row }))) };
}
