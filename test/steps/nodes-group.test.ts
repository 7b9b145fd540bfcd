/** The nodes' security group: who is let in, whose it is, and what is swept out of it at the end. */

import assert from 'node:assert/strict';
import { nodesGroup } from '../../src/steps/nodes-group';
import type { StepInput } from '../../src/deployment/activities';
import { Attempts } from '../activities/attempts';
import { clusterNamed } from '../support/specs';
import { ClusterCloud, NODES_GROUP, OWNER } from './cluster-cloud';
import { inputOf } from './support';

const GROUPS = [{ name: 'dea', count: 2 }];
const input = (reach: 'core' | 'public' = 'core'): StepInput => {
  const spec = clusterNamed('dev', GROUPS);
  return inputOf({
    spec: { ...spec, access: { ssh: ['192.0.2.0/24'], console: [] }, cluster: { ...spec.cluster!, reach } },
  });
};
const ensured = (cloud: ClusterCloud, reach?: 'core' | 'public') =>
  new Attempts((attempt) => nodesGroup.activities.ensureNodesGroup(cloud.deps, input(reach), attempt)).next();
const undoing = (cloud: ClusterCloud) => new Attempts((attempt) => nodesGroup.undo(cloud.deps, input(), attempt));

describe("the nodes' security group", () => {
  it('14: lets in the core and itself, the core lets it in, and nothing is open to the world; again: nothing changes', async () => {
    const cloud = new ClusterCloud('at once');
    const { groups } = cloud.account;
    const first = await ensured(cloud);
    assert.deepEqual([first.result?.changed, first.result?.known], [true, { nodesGroup: { name: NODES_GROUP } }]);
    assert.equal(groups.get(NODES_GROUP)?.description, `${OWNER}/nodes`);
    assert.deepEqual(groups.get(NODES_GROUP)?.letsIn, ['stackato-dev', NODES_GROUP]);
    assert.deepEqual(groups.get('stackato-dev')?.letsIn, [NODES_GROUP]);
    assert.deepEqual(groups.get(NODES_GROUP)?.rules, []);
    assert.equal((await ensured(cloud)).result?.changed, false);
    assert.equal(groups.get(NODES_GROUP)?.letsIn.length, 2);
  });

  it('14: opens ssh to access.ssh where nodes are reached at public addresses', async () => {
    const cloud = new ClusterCloud('at once');
    await ensured(cloud, 'public');
    assert.deepEqual(cloud.account.groups.get(NODES_GROUP)?.rules, [{ port: 22, cidr: '192.0.2.0/24' }]);
  });

  it("14: a stranger's group of that name is refused, and neither it nor its instances are touched at the end", async () => {
    const cloud = new ClusterCloud('none');
    const stranger = {
      name: NODES_GROUP,
      description: 'stackato-deploy/test/dev-nodes',
      rules: [],
      key: 'x',
      letsIn: [],
    };
    cloud.account.groups.set(NODES_GROUP, stranger);
    cloud.add();
    assert.equal((await ensured(cloud)).failure?.type, 'GROUP_FOREIGN');
    assert.equal((await undoing(cloud).next()).result?.changed, false);
    assert.deepEqual(cloud.account.groups.get(NODES_GROUP), stranger);
    assert.deepEqual(cloud.alive(), ['i-1']);
  });

  it("14: the end sweeps out what is left in it, revokes the core's rule first, and deletes it", async () => {
    const cloud = new ClusterCloud('at once');
    await ensured(cloud);
    cloud.add({ owner: `${OWNER}/dea-1` });
    cloud.add();
    cloud.add({ owner: 'somebody else' });
    cloud.add({ groups: ['stackato-dev'], owner: OWNER });
    const undo = undoing(cloud);
    assert.match((await undo.next()).failure?.message ?? '', /^Terminating i-1, i-2\.$/);
    assert.equal((await undo.next()).result?.changed, true);
    assert.deepEqual(cloud.alive(), ['i-3', 'i-4']);
    assert.deepEqual(cloud.account.groups.get('stackato-dev')?.letsIn, []);
    assert.equal(cloud.account.groups.has(NODES_GROUP), false);
    assert.equal((await undoing(cloud).next()).result?.changed, false);
  });

  it('14: a rule that is gone is noticed', async () => {
    const cloud = new ClusterCloud('at once');
    await ensured(cloud);
    const lost = () => nodesGroup.findLost?.(cloud.deps, input());
    assert.equal(await lost(), undefined);
    const core = cloud.account.groups.get('stackato-dev')!;
    cloud.account.groups.set('stackato-dev', { ...core, letsIn: [] });
    assert.match((await lost()) ?? '', /stackato-dev to stackato-dev-nodes/);
    cloud.account.groups.delete(NODES_GROUP);
    assert.match((await lost()) ?? '', /stackato-dev-nodes is gone/);
  });
});
