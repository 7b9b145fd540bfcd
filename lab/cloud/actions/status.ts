/** How instances are, said shortly: those that run, or all. */

import { filtered } from '../filters';
import type { FilterTable } from '../filters';
import type { Params } from '../parameters';
import type { InstanceRecord } from '../records';
import type { World } from '../world';
import { list } from '../xml';
import type { Branch } from '../xml';
import { codeOf, named, stateOf } from './common';

export async function describeInstanceStatus(world: World, params: Params): Promise<Branch> {
  const [zone = ''] = world.dialect.zones;
  const table: FilterTable<InstanceRecord> = {
    'availability-zone': () => [zone],
    'instance-state-name': ({ state }) => [state],
    'instance-state-code': ({ state }) => [String(codeOf(state))],
    'instance-status.status': ({ state }) => [healthOf(state)],
    'system-status.status': ({ state }) => [healthOf(state)],
  };
  const all = named(world, await world.instances(), params, { InstanceId: ({ id }) => id }, 'instanceMissing');
  const shown = filtered(all, params, table).filter(
    ({ state }) => state === 'running' || params['IncludeAllInstances'] === 'true',
  );
  return {
    instanceStatusSet: list(
      shown.map(({ id, state }) => ({
        instanceId: id,
        availabilityZone: zone,
        instanceState: stateOf(state),
        systemStatus: { status: healthOf(state) },
        instanceStatus: { status: healthOf(state) },
      })),
    ),
  };
}

function healthOf(state: string): string {
  return state === 'running' ? 'ok' : 'not-applicable';
}
