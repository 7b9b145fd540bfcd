/** Clusters that are changed by editing their specs, side by side in one lab: exactly the difference happens. */

import assert from 'node:assert/strict';
import type { CloudCall } from '../../lab/types';
import type { DeploymentStatus } from '../../src/client/status';
import { LabCluster, RELEASE_ON } from '../support/lab-cluster';
import type { ClusterKind } from '../support/lab-cluster';
import { SideBySide } from '../support/side-by-side';
import { Site } from '../support/site';
import type { SpecChange } from '../support/site';
import { eventually } from '../support/wait';
import { openCloud } from '../cloud/support';

const KINDS = Object.keys(RELEASE_ON) as ClusterKind[];
/** Number of clusters at the same time. */
const LANES = 8;
/** Makes it visible in which order things happen. */
const SLOW = { katoTakes: 1_500 };
/** A machine that is gone does not take long to be noticed. */
const SOON = { poll: '500ms', rebootWait: '1s', deadline: { command: '40s' } };
const ALL_AT_ONCE = { rollout: { parallel: 5, canary: 0 } };

describe('a cluster whose spec is edited', function () {
  this.timeout(600_000);
  let site: Site;
  const sideBySide = new SideBySide(LANES);

  before(async () => {
    site = await Site.open();
    await Promise.all(KINDS.map((kind) => site.worker(kind, kind)));
    sideBySide.begin();
  });
  after(() => site.close());

  const open = (name: string, kind: ClusterKind, knobs = {}): Promise<LabCluster> =>
    LabCluster.open(site, name, kind, kind, knobs);
  const callsAbout = (kind: ClusterKind, id: string): CloudCall[] =>
    site.lab.calls(kind).filter(({ params }) => Object.values(params).includes(id));
  const terminationOf = (kind: ClusterKind, id: string): number => {
    const [first, ...more] = callsAbout(kind, id).filter(({ action }) => action === 'TerminateInstances');
    assert.ok(first !== undefined && more.length === 0, `${id} is terminated once`);
    return first.at;
  };
  const launchOf = (kind: ClusterKind, id: string): number =>
    site.lab.calls(kind).find(({ action, made }) => action === 'RunInstances' && made.includes(id))?.at ??
    assert.fail(`${id} was not launched`);
  const instanceOf = ({ nodes }: DeploymentStatus, node: string): { id: string; ip: string } => {
    const instance = nodes.find(({ name }) => name === node)?.instance;
    return { id: instance?.id ?? '', ip: instance?.privateIp ?? '' };
  };
  const deas = (count: number): Record<string, readonly string[]> =>
    Object.fromEntries(Array.from({ length: count }, (_, i) => [`dea-${i + 1}`, ['dea']]));
  /** As somebody else would. */
  const terminate = async (kind: ClusterKind, id: string): Promise<void> => {
    await (await openCloud(site.lab.cloud(kind))).terminate(id);
  };

  for (const kind of KINDS) {
    sideBySide.it(`14: 2 → 5 → 1 DEA by editing, on ${kind}: exactly the difference happens`, async () => {
      const cluster = await open(`edit-${kind.replace(/\W/g, '')}`, kind, SLOW);
      const two = await cluster.up(cluster.deas(2));
      await cluster.assertWhole(two, deas(2), 2);
      const core = LabCluster.changesOn(cluster.core);
      const again = await cluster.up(cluster.deas(2));
      assert.ok(again.unchanged, JSON.stringify([again.steps, again.nodes]));

      const changes = await cluster.deployments.changes(cluster.deas(5));
      assert.deepEqual([changes?.lines, changes?.refused], [['+ dea-3', '+ dea-4', '+ dea-5'], undefined]);
      const growing = cluster.up(cluster.deas(5));
      await eventually('it grows', async () => (await cluster.view('dea-3')) !== undefined, 120_000);
      await assert.rejects(cluster.deployments.up(cluster.deas(4)), {
        code: 'SPEC_DIFFERS',
        message: /under way with another spec\. It differs in nodes\.dea\.count\./,
      });
      const five = await growing;
      await cluster.assertWhole(five, deas(5), 5);
      assert.deepEqual(LabCluster.changesOn(cluster.core), core, 'nothing on the core');
      for (const node of ['dea-1', 'dea-2']) assert.deepEqual(instanceOf(five, node), instanceOf(two, node));

      const fewer = await cluster.deployments.changes(cluster.deas(1));
      assert.deepEqual(fewer?.lines, ['- dea-5', '- dea-4', '- dea-3', '- dea-2']);
      const removed = ['dea-5', 'dea-4', 'dea-3', 'dea-2'];
      const machines = removed.map((node) => cluster.machine(five, node));
      const one = await cluster.up(cluster.deas(1));
      await cluster.assertWhole(one, deas(1), 5);
      assert.deepEqual(one.removedNodes, [...removed].sort());
      assert.deepEqual(
        LabCluster.changesOn(cluster.core),
        [...core, ...removed.map((node) => `node remove ${instanceOf(five, node).ip}`)],
        'one after the other, the highest first',
      );
      const times = removed.flatMap((node, i) => {
        const machine = machines[i] ?? assert.fail(node);
        assert.deepEqual(LabCluster.changesOn(machine), [...cluster.making(five, node), cluster.draining()], node);
        const { id, ip } = instanceOf(five, node);
        const at = (from: LabCluster['core'], line: string): number =>
          from.invocations().find(({ program, args }) => program === 'kato' && args.join(' ') === line)?.at ??
          assert.fail(line);
        return [at(machine, cluster.draining()), at(cluster.core, `node remove ${ip}`), terminationOf(kind, id)];
      });
      assert.deepEqual(
        times,
        [...times].sort((a, b) => a - b),
        'drained, removed, terminated: one node after the other',
      );
      await cluster.down();
    });
  }

  for (const kind of ['eucalyptus-3.2', 'eucalyptus-4.4'] as const) {
    sideBySide.it(
      `14: on ${kind}, a node terminated by somebody in the middle parks, says so, and is made again by resume --from launch; one that died is replaced by up`,
      async () => {
        const cluster = await open(`dies-${kind.slice(-1)}`, kind);
        // What follows the attach takes so long that it is terminated meanwhile.
        site.lab.plan(`${cluster.name}-nodes`, { katoTakes: 4_000 }, 2);
        await cluster.start(cluster.deas(2, { timing: SOON }));
        const [, second] = await eventually(
          'the core lists the second node',
          () => {
            const machines = cluster.launched();
            const listed = machines.length === 2 && cluster.core.clusterList().length === 3;
            return listed ? machines : undefined;
          },
          300_000,
          20,
        );
        assert.ok(second !== undefined);
        await terminate(kind, second.instanceId);
        const parked = await cluster.parked();
        const [one, two] = parked.nodes;
        assert.deepEqual([one?.stage, two?.stage], ['ready', 'needs-attention']);
        const named = await eventually('the cause is named', async () => {
          const { nodes } = await cluster.deployments.status(cluster.name);
          return nodes[1]?.error?.from === undefined ? undefined : nodes[1].error;
        });
        assert.equal(named.from, 'launch');
        assert.match(named.message, new RegExp(`The instance ${second.instanceId} is (shutting-down|terminated)`));
        const gone = instanceOf(parked, 'dea-2');
        assert.ok(
          cluster.core.clusterList().some(({ ip }) => ip === gone.ip),
          'the core still lists it',
        );
        await cluster.deployments.resume(cluster.name, { node: 'dea-2', from: 'launch' });
        const whole = await cluster.over();
        await cluster.assertWhole(whole, deas(2), 3);
        assert.notEqual(instanceOf(whole, 'dea-2').id, gone.id);
        assert.ok(LabCluster.changesOn(cluster.core).includes(`node remove ${gone.ip}`));

        const dead = instanceOf(whole, 'dea-1');
        await terminate(kind, dead.id);
        const replaced = await cluster.up(cluster.deas(2));
        await cluster.assertWhole(replaced, deas(2), 4);
        assert.notEqual(instanceOf(replaced, 'dea-1').id, dead.id);
        assert.deepEqual(instanceOf(replaced, 'dea-2'), instanceOf(whole, 'dea-2'));
        assert.deepEqual(
          LabCluster.changesOn(cluster.core).slice(-2),
          [gone, dead].map(({ ip }) => `node remove ${ip}`),
        );
      },
    );

    sideBySide.it(
      `14: on ${kind}, the core reboots while five attach: all five are ready, and listed once each`,
      async () => {
        const cluster = await open(`reboots-${kind.slice(-1)}`, kind);
        await cluster.start(cluster.deas(5, ALL_AT_ONCE));
        const attaches = (): boolean[] =>
          cluster.launched().map((machine) => LabCluster.changesOn(machine).some((line) => line.includes('attach -e')));
        await eventually(
          'five attach',
          () => {
            // From their reboot on, so that those that come first wait for the others.
            for (const machine of cluster.launched())
              if (machine.boots() === 2) machine.setKnobs({ katoTakes: 12_000 });
            return attaches().filter(Boolean).length === 5;
          },
          240_000,
        );
        const attached = cluster.core.clusterList().length - 1;
        assert.ok(attached < 5, 'not all are attached already');
        cluster.core.setKnobs({ downFor: 14_000, readyDelay: 3_000 });
        cluster.core.restart();
        await eventually('it is down', () => cluster.core.boots() === 3, 60_000);
        for (const machine of cluster.launched()) machine.setKnobs({ katoTakes: 300 });
        const status = await cluster.over();
        assert.deepEqual([status.stage, status.nodes.map(({ stage }) => stage)], ['ready', Array(5).fill('ready')]);
        const ips = status.nodes.map(({ instance }) => instance?.privateIp ?? '');
        assert.deepEqual(
          cluster.core
            .clusterList()
            .map(({ ip }) => ip)
            .sort(),
          [status.resources.instance?.privateIp, ...ips].sort(),
        );
        assert.equal(cluster.launched().length, 5);
        const counts = cluster
          .launched()
          .map((machine) => LabCluster.changesOn(machine).filter((line) => line.includes('attach -e')).length);
        assert.ok(
          counts.every((count) => count === 1 || count === 2),
          `once for each boot of the core: ${counts.join()}`,
        );
        const again = await cluster.up(cluster.deas(5, ALL_AT_ONCE));
        assert.ok(again.unchanged);
      },
    );
  }

  sideBySide.it(
    '14: a node with data services is not removed without --data-loss, and a changed type replaces nodes one by one',
    async () => {
      const kind = 'eucalyptus-4.4';
      const cluster = await open('alters', kind);
      const spec = (data: SpecChange, dea: SpecChange = {}): ReturnType<LabCluster['spec']> =>
        cluster.spec({ dea: { roles: ['dea'], count: 2, ...dea }, data: { roles: ['mysql', 'redis'], ...data } });
      const all = { ...deas(2), 'data-1': ['mysql', 'redis'] };
      const first = await cluster.up(spec({}));
      await cluster.assertWhole(first, all, 3);
      const typed = LabCluster.changesOn(cluster.core);

      for (const data of [{ count: 0 }, { type: 'c1.xlarge' }]) {
        await assert.rejects(cluster.deployments.up(spec(data)), {
          code: 'DATA_LOSS',
          message: /data-1 would be (removed|replaced), with the data of mysql, redis/,
        });
        await assert.rejects(cluster.deployments.up(spec(data), { dataLoss: ['dea-1'] }), { code: 'DATA_LOSS' });
      }
      assert.equal((await cluster.deployments.status(cluster.name)).runId, first.runId, 'nothing was started');

      const exchanged = await cluster.up(spec({ type: 'c1.xlarge' }), { dataLoss: ['data-1'] });
      await cluster.assertWhole(exchanged, all, 4);
      assert.notEqual(instanceOf(exchanged, 'data-1').id, instanceOf(first, 'data-1').id);
      for (const node of ['dea-1', 'dea-2']) assert.deepEqual(instanceOf(exchanged, node), instanceOf(first, node));

      const machine = cluster.machine(exchanged, 'data-1');
      const without = await cluster.up(spec({ count: 0 }), { dataLoss: ['data-1'] });
      await cluster.assertWhole(without, deas(2), 4);
      assert.equal(LabCluster.changesOn(machine).at(-1), cluster.draining(['mysql', 'redis']));
      terminationOf(kind, machine.instanceId);

      const larger = { type: 'c1.xlarge' };
      const changes = await cluster.deployments.changes(spec({ count: 0 }, larger));
      assert.deepEqual(changes?.lines, ['~ type of dea: needs replacement']);
      const replaced = await cluster.up(spec({ count: 0 }, larger));
      await cluster.assertWhole(replaced, deas(2), 6);
      const order = ['dea-1', 'dea-2'].flatMap((node) => [
        terminationOf(kind, instanceOf(without, node).id),
        launchOf(kind, instanceOf(replaced, node).id),
      ]);
      assert.deepEqual(
        order,
        [...order].sort((a, b) => a - b),
        'one by one',
      );
      const removed = [first, exchanged].map((status) => instanceOf(status, 'data-1').ip);
      const old = ['dea-1', 'dea-2'].map((node) => instanceOf(without, node).ip);
      assert.deepEqual(LabCluster.changesOn(cluster.core), [
        ...typed,
        ...[...removed, ...old].map((ip) => `node remove ${ip}`),
      ]);
    },
  );
});
