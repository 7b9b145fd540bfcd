/** Tags, on the resources that the release allows to be tagged. */

import type { Cloud } from '../cloud';
import { Ec2Error } from '../ec2-errors';
import { filtered } from '../filters';
import type { FilterTable } from '../filters';
import { withPrefix, listed } from '../parameters';
import type { Params } from '../parameters';
import type { Tag } from '../records';
import type { VolumeRecord } from '../volumes';
import { items, list, text } from '../xml';
import type { Branch } from '../xml';

export async function createTags(cloud: Cloud, params: Params): Promise<Branch> {
  const ids = listed(params, 'ResourceId');
  if (ids.length === 0) throw new Ec2Error('parameterMissing', 'ResourceId');
  const refused = ids.find((id) => !cloud.dialect.taggable.some((prefix) => id.startsWith(prefix)));
  if (refused !== undefined) throw new Ec2Error('tagRefused', refused);
  const volumes = ids.flatMap((id) => (id.startsWith('vol-') ? [volumeOf(cloud, id)] : []));
  for (const volume of volumes) volume.tags = [...volume.tags, ...tagsIn(params)];
  if (volumes.length === ids.length) return { return: true };
  await cloud.moto.call('CreateTags', { ...withPrefix(params, 'ResourceId.'), ...withPrefix(params, 'Tag.') });
  const { instances, addresses, groups } = cloud.cache;
  await instances.refresh(...ids.filter((id) => id.startsWith('i-')));
  await groups.refresh(...ids.filter((id) => id.startsWith('sg-')));
  await addresses.refresh(
    ...(await addresses.all()).filter(({ allocationId }) => ids.includes(allocationId)).map(({ publicIp }) => publicIp),
  );
  return { return: true };
}

function volumeOf(cloud: Cloud, id: string): VolumeRecord {
  const volume = cloud.volumes.get(id);
  if (volume === undefined) throw new Ec2Error('volumeMissing', id);
  return volume;
}

function tagsIn(params: Params): Tag[] {
  return Object.entries(params).flatMap(([name, key]) => {
    const number = /^Tag\.(\d+)\.Key$/.exec(name)?.[1];
    return number === undefined ? [] : [{ key, value: params[`Tag.${number}.Value`] ?? '' }];
  });
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
  const ofVolumes = cloud.volumes
    .all()
    .flatMap(({ id, tags }) => tags.map((tag): TagRow => ({ resourceId: id, resourceType: 'volume', ...tag })));
  return {
    tagSet: list(
      filtered<TagRow & { tags?: undefined }>([...all, ...ofVolumes], params, TAG_FILTERS).map((row) => ({ ...row })),
    ),
  };
}
