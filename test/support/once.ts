/** By the appliance's own log: what a deployment may do once, it did once. */

import assert from 'node:assert/strict';
import type { Appliance, Invocation, Kind } from '../../lab/types';
import type { Site } from './site';

/** kato commands that change something. */
const CHANGING = [
  /^op static_ip/,
  /^(node )?rename /,
  /^(disable|role remove) mdns/,
  /^(node )?setup core /,
  /^(enable|role add) --all-but mdns/,
];

export function changingCommands(invocations: readonly Invocation[]): string[] {
  return invocations
    .filter(({ program }) => program === 'kato')
    .map(({ args }) => args.join(' '))
    .filter((line) => CHANGING.some((pattern) => pattern.test(line)));
}

export function expectedCommands(name: string, zone: string, mode: 'static' | 'dhcp' = 'static'): string[] {
  const host = `${name}.${zone}`;
  return [
    ...(mode === 'static' ? ['op static_ip'] : []),
    `rename ${host}`,
    'disable mdns',
    `setup core api.${host}`,
    'enable --all-but mdns',
  ];
}

/** One instance, one address, one reboot, each kato command once and in order. */
export async function assertOnce(
  site: Site,
  name: string,
  kind: Kind,
  mode: 'static' | 'dhcp' = 'static',
): Promise<Appliance> {
  const { instances, addresses, groups } = await site.lab.inventory(kind);
  const group = `stackato-${name}`;
  const mine = instances.filter((instance) => instance.groups.includes(group));
  assert.equal(mine.length, 1, `one instance of ${name}, not ${JSON.stringify(mine)}`);
  assert.equal(addresses.filter(({ instanceId }) => instanceId === mine[0]?.id).length, 1, 'one address');
  assert.equal(groups.filter((each) => each.name === group).length, 1, 'one group');
  const appliance = site.appliance(name);
  assert.deepEqual(changingCommands(appliance.invocations()), expectedCommands(name, site.lab.state.dns.zone, mode));
  assert.equal(appliance.invocations().filter(({ program }) => program === 'reboot').length, 1, 'one reboot asked for');
  assert.equal(appliance.boots(), 2, 'one boot more than the first');
  return appliance;
}
