/** Rules whose source is a group, and how much room there is, in every dialect. */

import assert from 'node:assert/strict';
import { capacityInZones } from '../../src/cloud/room';
import type { Cloud, CloudGroup } from '../../src/steps/ports';
import { KINDS } from '../../lab/types';
import type { Kind } from '../../lab/types';
import { CloudFixture, QUOTA } from './fixture';
import { openCloud } from './support';

describe('rules for groups', function () {
  this.timeout(60_000);
  const fixture = new CloudFixture();
  fixture.install();

  const groupsOf = async (cloud: Cloud): Promise<{ readonly core: CloudGroup; readonly nodes: CloudGroup }> => {
    const core = await fixture.madeGroup(cloud);
    await cloud.createGroup(`${fixture.group}-nodes`, `${fixture.owner}/nodes`);
    const nodes = await cloud.findGroup(`${fixture.group}-nodes`);
    assert.ok(nodes);
    return { core, nodes };
  };
  const sent = (kind: Kind, action: string): Readonly<Record<string, string>> => {
    const params = fixture.lab.front(kind).calls.findLast((call) => call.action === action)?.params ?? {};
    return Object.fromEntries(
      Object.entries(params).filter(([name]) => /^(Group|Source|IpP|FromPort|ToPort|CidrIp)/.test(name)),
    );
  };

  for (const kind of KINDS) {
    it(`14: ${kind}: let another group in, and the group itself, once; and are taken back, after which the group can go`, async () => {
      const cloud = await fixture.open(kind);
      const { core, nodes } = await groupsOf(cloud);
      assert.deepEqual([core.letsIn, nodes.letsIn], [[], []]);
      for (let i = 0; i < 2; i += 1) {
        await cloud.authorizeGroup(core, nodes);
        await cloud.authorizeGroup(nodes, nodes);
      }
      assert.deepEqual((await cloud.findGroup(core.name))?.letsIn, [nodes.key]);
      assert.deepEqual((await cloud.findGroup(nodes.name))?.letsIn, [nodes.key]);
      assert.deepEqual((await cloud.findGroup(core.name))?.rules, [], 'nothing is open to the world');

      for (let i = 0; i < 2; i += 1) await cloud.revokeGroup(core, nodes);
      assert.deepEqual((await cloud.findGroup(core.name))?.letsIn, []);
      await cloud.deleteGroup(nodes);
      assert.equal(await cloud.findGroup(nodes.name), undefined);
      await cloud.deleteGroup(core);
    });

    it(`14: ${kind}: are sent in the form that it knows`, async () => {
      const cloud = await fixture.open(kind);
      const { core, nodes } = await groupsOf(cloud);
      await cloud.authorizeGroup(core, nodes);
      await cloud.revokeGroup(core, nodes);
      const form =
        kind === 'eucalyptus-3.2'
          ? {
              GroupName: core.name,
              IpProtocol: 'tcp',
              FromPort: '1',
              ToPort: '65535',
              SourceSecurityGroupName: nodes.name,
              SourceSecurityGroupOwnerId: nodes.ownerId,
            }
          : {
              GroupId: core.id,
              'IpPermissions.1.IpProtocol': 'tcp',
              'IpPermissions.1.FromPort': '1',
              'IpPermissions.1.ToPort': '65535',
              'IpPermissions.1.Groups.1.GroupId': nodes.id,
            };
      assert.deepEqual(sent(kind, 'AuthorizeSecurityGroupIngress'), form);
      assert.deepEqual(sent(kind, 'RevokeSecurityGroupIngress'), form);
    });

    it(`14: ${kind}: instances of a group are found with whatever tag, and those with a tag of ours`, async () => {
      const cloud = await fixture.open(kind);
      const { nodes } = await groupsOf(cloud);
      const request = fixture.request(kind, nodes, 'one');
      const marks = [`${fixture.owner}/dea-1`, `${fixture.owner}/dea-10`];
      const ids = [];
      for (const owner of marks) ids.push((await cloud.launch({ ...request, owner, clientToken: owner })).id);
      const found = await cloud.instancesIn(nodes.name, `${fixture.owner}/dea-1`);
      assert.deepEqual(new Set(found.map(({ id }) => id)), new Set(ids));
      assert.deepEqual(new Set(found.map(({ owner }) => owner)), new Set(cloud.tagsInstances ? marks : [undefined]));
    });
  }

  it('14: room: a plain user of Eucalyptus is told nothing, its administrator the capacity, AWS the addresses left', async () => {
    for (const kind of ['eucalyptus-3.2', 'eucalyptus-3.4', 'eucalyptus-4.4', 'eucalyptus-5.1'] as const) {
      assert.deepEqual(await (await fixture.open(kind)).room(), {}, kind);
      const { admin, ...access } = fixture.lab.access(kind);
      const { capacity, addresses } = await (await openCloud({ ...access, ...admin })).room();
      assert.equal(addresses, undefined, kind);
      assert.ok(
        capacity?.some(({ type, free, zone }) => type === 'm1.large' && free > 0 && zone !== ''),
        kind,
      );
    }
    const aws = await fixture.open('aws');
    assert.deepEqual(await aws.room(), { addresses: QUOTA });
    await aws.allocateAddress(fixture.owner);
    assert.deepEqual(await aws.room(), { addresses: QUOTA - 1 });
  });

  it('14: room: types are listed below their zone, in 3.2 and in 4.4', () => {
    assert.deepEqual(
      capacityInZones([
        { name: 'one', state: '10.0.0.1 arn:euca:eucalyptus:one:cluster:cc1/' },
        { name: '|- vm types', state: 'free / max   cpu   ram  disk' },
        { name: '|- m1.small', state: '0007 / 0008   1    256     5' },
        { name: 'two', state: '10.0.0.2 arn:euca:eucalyptus:two:cluster:cc2/' },
        { name: '|- m1.small', state: '0000 / 0008   1    256     5' },
        { name: '|- m1.large', state: '0001 / 0002   2   4096    10' },
      ]),
      [
        { zone: 'one', type: 'm1.small', free: 7 },
        { zone: 'two', type: 'm1.small', free: 0 },
        { zone: 'two', type: 'm1.large', free: 1 },
      ],
    );
    assert.deepEqual(capacityInZones([{ name: 'one', state: 'available' }]), []);
  });
});
