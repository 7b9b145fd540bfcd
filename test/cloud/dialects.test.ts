/** What only some kinds of cloud do, against the lab's clouds. */

import assert from 'node:assert/strict';
import { refusal } from '../../src/cloud/failures';
import { signedForm } from '../../src/cloud/signature-v2';
import { post } from '../lab/support';
import { CloudFixture } from './fixture';
import { codeOf, openCloud } from './support';

describe('clouds: dialects', function () {
  this.timeout(60_000);
  const fixture = new CloudFixture();
  fixture.install();

  describe('eucalyptus-3.2', () => {
    it('takes many equal calls of one moment', async () => {
      const cloud = await fixture.open('eucalyptus-3.2');
      await Promise.all(Array.from({ length: 20 }, () => cloud.checkAccess()));
    });

    it('shows its administrator the memory of types', async () => {
      const { admin, ...access } = fixture.lab.access('eucalyptus-3.2');
      const cloud = await openCloud({ ...access, ...admin });
      assert.deepEqual(
        [await cloud.typeMemory('m1.small'), await cloud.typeMemory('m1.large'), await cloud.typeMemory('z9.huge')],
        [256, 4096, 'missing'],
      );
    });

    it('counts for its administrator the addresses of the own account only', async () => {
      const { admin, ...access } = fixture.lab.access('eucalyptus-3.2');
      const [cloud, user] = [await openCloud({ ...access, ...admin }), await fixture.open('eucalyptus-3.2')];
      assert.deepEqual(await cloud.listAddresses(), [], "the 250 that nobody has are nobody's");
      const free = await cloud.allocateAddress(fixture.owner);
      const used = await cloud.allocateAddress(fixture.owner);
      const { id } = await user.launch(fixture.request('eucalyptus-3.2', await fixture.madeGroup(user)));
      await cloud.associateAddress(used, id);
      assert.deepEqual(await cloud.listAddresses(), [free, { ...used, instanceId: id }]);
    });

    it('is asked in the API version that it answers in its own layout', async () => {
      await (await fixture.open('eucalyptus-3.2')).checkAccess();
      assert.equal(fixture.lab.front('eucalyptus-3.2').calls.at(-1)?.params['Version'], '2012-10-01');
    });

    it('refuses another time and a signature twice, in words that are understood', async () => {
      const { endpoint, accessKey, secretKey } = fixture.lab.access('eucalyptus-3.2');
      const { host, pathname } = new URL(endpoint);
      const call = {
        method: 'POST',
        host,
        path: pathname,
        params: { Action: 'DescribeAddresses', Version: '2012-10-01' },
      };
      const means = async (form: string): Promise<string> => {
        const { status, code, message } = await post(endpoint, form);
        return status === 200 ? 'fine' : refusal('DescribeAddresses', { status, code, message }).code;
      };
      const signed = (offset: number): string =>
        signedForm(call, { accessKey, secretKey }, new Date(Date.now() + offset).toISOString());
      const now = signed(0);
      assert.deepEqual([await means(now), await means(now)], ['fine', 'CLOUD_THROTTLED']);
      assert.deepEqual(
        [await means(signed(3_600_000)), await means(signed(-3_600_000))],
        ['CLOUD_CLOCK', 'CLOUD_CLOCK'],
      );
    });
  });

  for (const kind of ['eucalyptus-3.4', 'eucalyptus-4.4', 'eucalyptus-5.1', 'aws'] as const) {
    describe(kind, () => {
      it('launches once for one token', async () => {
        const cloud = await fixture.open(kind);
        const request = fixture.request(kind, await fixture.madeGroup(cloud));
        const [first, second] = [await cloud.launch(request), await cloud.launch(request)];
        assert.equal(first.id, second.id);
      });

      if (kind !== 'eucalyptus-3.4')
        it('reads a list of several pages', async () => {
          const cloud = fixture.altered(kind, { page: 1 });
          const group = await fixture.madeGroup(cloud);
          const ids = [];
          for (const token of ['nine', 'ten', 'eleven'])
            ids.push((await cloud.launch(fixture.request(kind, group, token))).id);
          const found = (await cloud.findInstances(fixture.owner, fixture.group)).filter(
            ({ state }) => state !== 'terminated',
          );
          assert.deepEqual(new Set(found.map(({ id }) => id)), new Set(ids));
        });
    });
  }

  describe('eucalyptus-4.4', () => {
    it('finds an instance whose tag never came', async () => {
      const cloud = await fixture.open('eucalyptus-4.4');
      const group = await fixture.madeGroup(cloud);
      fixture.lab.faults.add({ kind: 'eucalyptus-4.4', action: 'CreateTags', what: 'error', times: 1 });
      const { id } = await cloud.launch(fixture.request('eucalyptus-4.4', group));
      const found = (await cloud.findInstances(fixture.owner, fixture.group)).filter(
        ({ state }) => state !== 'terminated',
      );
      assert.deepEqual(
        found.map((instance) => [instance.id, instance.owner]),
        [[id, undefined]],
      );
      assert.deepEqual(await cloud.findInstances('somebody else', fixture.group), []);
    });
  });

  describe('eucalyptus-5.1', () => {
    it('keeps an address whose tag never came, and tags by its allocation id', async () => {
      const cloud = await fixture.open('eucalyptus-5.1');
      fixture.lab.faults.add({ kind: 'eucalyptus-5.1', action: 'CreateTags', what: 'error', times: 1 });
      const untagged = await cloud.allocateAddress(fixture.owner);
      const tagged = await cloud.allocateAddress(fixture.owner);
      assert.deepEqual([untagged.owner, tagged.owner], [undefined, fixture.owner]);
      const owners = new Map((await cloud.listAddresses()).map(({ publicIp, owner }) => [publicIp, owner]));
      assert.deepEqual([owners.get(untagged.publicIp), owners.get(tagged.publicIp)], [undefined, fixture.owner]);
      assert.equal(
        fixture.lab.front('eucalyptus-5.1').calls.findLast(({ action }) => action === 'CreateTags')?.params[
          'ResourceId.1'
        ],
        tagged.allocationId,
      );
    });
  });

  describe('eucalyptus-3.4', () => {
    it('never signs two calls alike, nor takes an address from another instance', async () => {
      const cloud = await fixture.open('eucalyptus-3.4');
      await Promise.all(Array.from({ length: 10 }, () => cloud.checkAccess()));
      const group = await fixture.madeGroup(cloud);
      const ids = [];
      for (const token of ['five', 'six'])
        ids.push((await cloud.launch(fixture.request('eucalyptus-3.4', group, token))).id);
      for (const id of ids) await fixture.inState(cloud, id, 'running');
      const address = await cloud.allocateAddress(fixture.owner);
      await cloud.associateAddress(address, ids[0]!);
      assert.equal(await codeOf(cloud.associateAddress(address, ids[1]!)), 'ADDRESS_IN_USE');
    });
  });

  describe('aws', () => {
    it('tells a launch whose token led to an instance that is gone', async () => {
      const cloud = await fixture.open('aws');
      const request = fixture.request('aws', await fixture.madeGroup(cloud));
      const { id } = await cloud.launch(request);
      await cloud.terminate(id);
      await fixture.inState(cloud, id, 'terminated');
      assert.equal(await codeOf(cloud.launch(request)), 'INSTANCE_FAILED');
    });

    it('never takes an address from another instance', async () => {
      const cloud = await fixture.open('aws');
      const group = await fixture.madeGroup(cloud);
      const ids = [];
      for (const token of ['seven', 'eight']) ids.push((await cloud.launch(fixture.request('aws', group, token))).id);
      for (const id of ids) await fixture.inState(cloud, id, 'running');
      const address = await cloud.allocateAddress(fixture.owner);
      await cloud.associateAddress(address, ids[0]!);
      assert.equal(await codeOf(cloud.associateAddress(address, ids[1]!)), 'ADDRESS_IN_USE');
      assert.equal((await cloud.listAddresses())[0]?.instanceId, ids[0]);
    });

    it('does not associate with an instance that is pending', async () => {
      const cloud = await fixture.open('aws');
      const finish = fixture.hold();
      const { id } = await cloud.launch(fixture.request('aws', await fixture.madeGroup(cloud)));
      const address = await cloud.allocateAddress(fixture.owner);
      assert.equal(await codeOf(cloud.associateAddress(address, id)), 'NOT_YET');
      finish();
    });
  });
});
