/** Nodes share a security group: no launch takes another node's instance, none is doubled, and no undo ends another's. */

import assert from 'node:assert/strict';
import { launch } from '../../src/steps/launch';
import { specOfNode } from '../../src/deployment/cluster';
import type { StepInput } from '../../src/deployment/activities';
import type { Known } from '../../src/deployment/facts';
import type { ClusterSpec } from '../../src/deployment/spec';
import { Attempts } from '../activities/attempts';
import { clusterNamed } from '../support/specs';
import { ClusterCloud, LATE_EFFECT, NODES_GROUP, OWNER } from './cluster-cloud';
import { inputOf } from './support';

const { launchInstance, awaitRunning } = launch.activities;
const BASE: Known = { group: { name: 'stackato-dev' }, nodesGroup: { name: NODES_GROUP } };

function inputFor(node: string, change: Partial<StepInput> = {}, reach: ClusterSpec['reach'] = 'core'): StepInput {
  const spec = clusterNamed('dev', [
    { name: 'dea', count: 20 },
    { name: 'data', count: 1, instance: { type: 'm1.xlarge', zone: 'two' } },
  ]);
  const cluster: ClusterSpec = { ...spec.cluster!, reach };
  const { known, ...rest } = change;
  return inputOf({ spec: specOfNode({ ...spec, cluster }, node), node, known: { ...BASE, ...known }, ...rest });
}

const run = (cloud: ClusterCloud, input: StepInput, work = launchInstance) =>
  new Attempts((attempt) => work(cloud.deps, input, attempt));
const idOf = async (cloud: ClusterCloud, input: StepInput): Promise<string | undefined> =>
  (await run(cloud, input).next()).result?.known.instance?.id;
const passes = (ms: number): Promise<void> =>
  new Promise((resolve) => {
    setTimeout(resolve, ms);
  });

describe('launches of nodes', () => {
  for (const tags of ['at once', 'lost', 'none'] as const) {
    it(`14: tags ${tags}: each gets an instance of its own, in the group of the nodes, and finds it again`, async () => {
      const cloud = new ClusterCloud(tags);
      const assigned: string[] = [];
      const nodes = ['dea-1', 'dea-10', 'data-1'];
      for (const node of nodes) assigned.push((await idOf(cloud, inputFor(node, { assigned: [...assigned] })))!);
      assert.deepEqual(assigned, ['i-1', 'i-2', 'i-3']);
      for (const [index, node] of nodes.entries()) {
        const known = { instance: { id: assigned[index]! } };
        const input = inputFor(node, {
          assigned: assigned.filter((id) => id !== assigned[index]),
          known,
          need: 'run2-1',
        });
        assert.equal(await idOf(cloud, input), assigned[index], node);
      }
      assert.equal(cloud.requests.length, 3);
      assert.deepEqual(
        cloud.requests.map(({ group, owner, type, zone }) => [group.name, owner, type, zone]),
        [
          [NODES_GROUP, `${OWNER}/dea-1`, 'm1.large', undefined],
          [NODES_GROUP, `${OWNER}/dea-10`, 'm1.large', undefined],
          [NODES_GROUP, `${OWNER}/data-1`, 'm1.xlarge', 'two'],
        ],
      );
    });

    it(`14: tags ${tags}: what a launch without an answer made is adopted by another need, not doubled`, async () => {
      const cloud = new ClusterCloud(tags);
      cloud.lost = 1;
      assert.equal((await run(cloud, inputFor('dea-1', { assigned: [] })).next()).failure?.type, 'CLOUD_UNREACHABLE');
      assert.equal(await idOf(cloud, inputFor('dea-1', { assigned: [], need: 'run1-2' })), 'i-1');
      assert.deepEqual(cloud.alive(), ['i-1']);
    });
  }

  it('14: no two nodes have one client token, and it fits into 64 characters', async () => {
    const cloud = new ClusterCloud('at once');
    for (const node of ['core', 'dea-1', 'dea-2', 'dea-10', 'dea-11']) await idOf(cloud, inputFor(node));
    const tokens = cloud.requests.map(({ clientToken }) => clientToken);
    assert.equal(new Set(tokens).size, 5);
    assert.ok(tokens.every((token) => token.length <= 64));
  });

  it("14: an instance with another node's tag is not taken, even if it is the one that was known", async () => {
    const cloud = new ClusterCloud('at once');
    const { id } = cloud.add({ owner: `${OWNER}/dea-2` });
    assert.equal(await idOf(cloud, inputFor('dea-1', { known: { instance: { id } } })), 'i-2');
    assert.deepEqual(cloud.alive(), ['i-1', 'i-2']);
  });

  it('14: an instance whose tag never came gets it when it is found', async () => {
    const lost = new ClusterCloud('lost');
    await idOf(lost, inputFor('dea-1'));
    const cloud = new ClusterCloud('at once');
    cloud.add({ clientToken: lost.requests[0]!.clientToken });
    assert.equal(await idOf(cloud, inputFor('dea-1', { need: 'another' })), 'i-1');
    assert.equal(cloud.all[0]?.owner, `${OWNER}/dea-1`);
    assert.equal(await idOf(cloud, inputFor('dea-2')), 'i-2', "it is not dea-2's");
  });

  it('14: without tags, only an unassigned living instance of the wanted type and zone is adopted', async () => {
    const cloud = new ClusterCloud('none');
    cloud.add({ type: 'm1.xlarge', zone: 'one' });
    cloud.add({ type: 'm1.large', zone: 'two' });
    cloud.add({ type: 'm1.xlarge', zone: 'two', state: 'terminated' });
    cloud.add({ type: 'm1.xlarge', zone: 'two' });
    cloud.add({ type: 'm1.xlarge', zone: 'two' });
    cloud.add({ type: 'm1.xlarge', zone: 'two', groups: ['stackato-other'] });
    assert.equal(await idOf(cloud, inputFor('data-1', { assigned: ['i-4'] })), 'i-5');
    assert.equal(await idOf(cloud, inputFor('data-1', { assigned: ['i-4', 'i-5'] })), 'i-7');
  });

  it('14: without tags, an instance that another node has adopted is left to it, even by the node that launched it', async () => {
    const cloud = new ClusterCloud('none');
    const { id } = cloud.add();
    const known = { instance: { id } };
    assert.equal(await idOf(cloud, inputFor('dea-1', { known, assigned: [id] })), 'i-2');
    assert.equal(await idOf(cloud, inputFor('dea-2', { known, assigned: ['i-2'] })), id);
  });

  it('14: without tags, and without the list of other nodes, nothing is launched', async () => {
    const cloud = new ClusterCloud('none');
    assert.equal((await run(cloud, inputFor('dea-1')).next()).failure?.type, 'INTERNAL');
    assert.deepEqual(cloud.requests, []);
  });

  it('14: without tags, a launch is not repeated while the one before may come late', async () => {
    const cloud = new ClusterCloud('none');
    cloud.lost = 1;
    const attempts = run(cloud, inputFor('dea-1', { assigned: ['i-1'] }));
    assert.equal((await attempts.next()).failure?.type, 'CLOUD_UNREACHABLE');
    assert.equal((await attempts.next()).failure?.type, 'NOT_YET');
    await passes(LATE_EFFECT);
    assert.equal((await attempts.next()).result?.known.instance?.id, 'i-2');
  });

  for (const tags of ['at once', 'lost', 'none'] as const) {
    it(`14: tags ${tags}: undo terminates the instance of the node and no other`, async () => {
      const cloud = new ClusterCloud(tags);
      for (const [index, node] of ['dea-1', 'dea-10', 'dea-2'].entries())
        await idOf(cloud, inputFor(node, { assigned: ['i-1', 'i-2', 'i-3'].slice(0, index) }));
      const undo = run(cloud, inputFor('dea-1', { known: { instance: { id: 'i-1' } } }), launch.undo);
      assert.match((await undo.next()).failure?.message ?? '', /Terminating i-1\.$/);
      assert.deepEqual((await undo.next()).result?.changed, true);
      assert.deepEqual(cloud.alive(), ['i-2', 'i-3']);
      const nothing = run(cloud, inputFor('dea-3'), launch.undo);
      assert.equal((await nothing.next()).result?.changed, false);
      assert.deepEqual(cloud.alive(), ['i-2', 'i-3']);
    });
  }

  it('14: an instance that is gone is noticed, by its own tag', async () => {
    const cloud = new ClusterCloud('at once');
    const input = inputFor('dea-1', { known: { instance: { id: 'i-1' } } });
    await idOf(cloud, inputFor('dea-1'));
    assert.equal(await launch.findLost?.(cloud.deps, input), undefined);
    // Terminated instances have no groups.
    cloud.turn('i-1', { state: 'terminated', groups: [], reason: 'Client.UserInitiatedShutdown' });
    assert.match((await launch.findLost?.(cloud.deps, input)) ?? '', /i-1 is terminated/);
    assert.equal((await run(cloud, input, awaitRunning).next()).failure?.type, 'INSTANCE_FAILED');
    assert.equal(await idOf(cloud, { ...input, need: 'run1-2' }), 'i-2');
  });

  it('14: addresses are waited for: the private one, and the public one where nodes are reached there', async () => {
    const cloud = new ClusterCloud('at once');
    await idOf(cloud, inputFor('dea-1'));
    const known = { instance: { id: 'i-1' } };
    const seen = async (reach: ClusterSpec['reach']) =>
      run(cloud, inputFor('dea-1', { known }, reach), awaitRunning).next();
    assert.deepEqual((await seen('core')).result?.known.instance, { id: 'i-1', privateIp: '10.1.0.1' });
    const { failure } = await seen('public');
    assert.deepEqual([failure?.type, /no public address/.test(failure?.message ?? '')], ['NOT_YET', true]);
    cloud.turn('i-1', { publicIp: '192.0.2.9' });
    assert.deepEqual((await seen('public')).result?.known.instance, {
      id: 'i-1',
      privateIp: '10.1.0.1',
      publicIp: '192.0.2.9',
    });
  });
});
