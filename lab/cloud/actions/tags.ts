/** Tags, on what the release lets one tag. */

import { beginning, listed } from '../parameters';
import type { Params } from '../parameters';
import { Refusal } from '../refusals';
import type { World } from '../world';
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
  await addresses.reread(...(await addresses.all()).filter(({ allocationId }) => ids.includes(allocationId)).map(({ publicIp }) => publicIp));
  return { return: true };
}
