import { strict as assert } from 'node:assert';
import { CORE } from '../../src/deployment/facts';
import { STEPS } from '../../src/deployment/steps';
import type { StepActivityName } from '../../src/deployment/steps';
import { ClusterBench, on, stagesIn } from '../support/cluster-bench';
import { Held } from '../support/held';
import { clusterNamed } from '../support/specs';
import { eventually } from '../support/wait';

describe('clusters, in every way that they go', function () {
  this.timeout(60_000);
  const clusters = new ClusterBench('clusters');

  it('14: no more nodes than `parallel` are worked on at once', async () => {
    let now = 0;
    let most = 0;
    clusters.fakes.when('attachNode', async (input) => {
      most = Math.max(most, ++now);
      await new Promise((resolve) => setTimeout(resolve, 100));
      now -= 1;
      return clusters.fakes.usual('attachNode', input);
    });
    const spec = clusterNamed('brake', [{ name: 'dea', count: 6 }], { rollout: { parallel: 2, canary: 0 } });
    assert.equal((await (await clusters.bench.deploy(on('aws', spec))).result()).stage, 'ready');
    assert.equal(most, 2);
  });

  it('14: abort of one node undoes that node only, and `up` again makes it', async () => {
    clusters.fakes.failOn(['dea-2'], 'awaitAttached', 'COMMAND_NO_EFFECT');
    const spec = clusterNamed('abort-node', [{ name: 'dea', count: 2 }]);
    const deployment = await clusters.bench.deploy(spec);
    await clusters.parked(deployment, 'dea-2');
    await (await clusters.bench.node('abort-node', 'dea-2')).say('abort');
    const { stage, view } = await deployment.result();
    assert.equal(stage, 'failed');
    assert.deepEqual(clusters.fakes.namesOn('dea-2').slice(-2), ['detachNode', 'terminateInstance']);
    assert.ok(!clusters.fakes.namesOn('dea-1').includes('terminateInstance'));
    assert.equal(view.facts.nodes['dea-2']?.instance, undefined);
    clusters.fakes.recover('awaitAttached');
    const again = await (await clusters.bench.deploy(spec, (await deployment.view()).facts)).result();
    assert.deepEqual([again.stage, stagesIn(again.view)], ['ready', { 'dea-1': 'ready', 'dea-2': 'ready' }]);
  });

  it('14: of a group that grows, the first new node is the canary', async () => {
    const facts = await clusters.whole(clusterNamed('grown', [{ name: 'dea', count: 2 }]));
    clusters.fakes.failOn(['dea-3'], 'renameNode', 'COMMAND_NO_EFFECT');
    const deployment = await clusters.bench.deploy(clusterNamed('grown', [{ name: 'dea', count: 5 }]), facts);
    await deployment.until(
      'two looked at, the third parked',
      ({ nodes }) => nodes['dea-3']?.stage === 'needs-attention' && nodes['dea-2']?.stage === 'ready',
    );
    assert.deepEqual(clusters.nodesOf('launchInstance').sort(), ['core', 'dea-1', 'dea-2', 'dea-3']);
    await deployment.say('abort');
    const { view } = await deployment.result();
    assert.deepEqual(clusters.nodesOf('terminateInstance').sort(), ['core', 'dea-1', 'dea-2', 'dea-3']);
    assert.deepEqual(stagesIn(view), { 'dea-4': 'waiting', 'dea-5': 'waiting' });
  });

  it('14: a removal that fails needs attention: resume tries again, skip terminates without draining', async () => {
    const facts = await clusters.whole(clusterNamed('drain', [{ name: 'dea', count: 2 }]));
    clusters.fakes.fail('detachNode', 'COMMAND_NO_EFFECT');
    const deployment = await clusters.bench.deploy(clusterNamed('drain', []), facts);
    await clusters.parked(deployment, 'dea-2');
    const node = await clusters.bench.node('drain', 'dea-2');
    await assert.rejects(node.say('abort'));
    await assert.rejects(node.say('resume', { from: 'launch' }));
    await node.say('resume');
    await eventually('tried again', () => clusters.nodesOf('detachNode').length === 2);
    // The deployment may not have heard yet that it was tried again: only the node itself knows that it is parked anew.
    await node.untilStage('needs-attention');
    await clusters.parked(deployment, 'dea-2');
    assert.equal(await node.say('skip'), 'Going on without attach.');
    clusters.fakes.recover('detachNode');
    const { stage, view } = await deployment.result();
    assert.equal(stage, 'ready');
    assert.deepEqual(view.nodes, {});
    assert.deepEqual(clusters.nodesOf('terminateInstance'), ['dea-2', 'dea-1']);
    // Two tries, once more after the machine was gone, and dea-1.
    assert.equal(new Set(clusters.callsOf('detachNode').map(({ input }) => input.need)).size, 4);
  });

  it('14: nodes of a changed group are replaced one by one, after the new ones are ready', async () => {
    const facts = await clusters.whole(clusterNamed('replaces', [{ name: 'dea', count: 2 }]));
    const bigger = clusterNamed('replaces', [{ name: 'dea', count: 3, instance: { type: 'c1.xlarge' } }]);
    const { stage, view } = await (await clusters.bench.deploy(bigger, facts)).result();
    assert.equal(stage, 'ready');
    const order = clusters.fakes.calls
      .filter(({ name, input }) => input.node !== CORE && ['launchInstance', 'terminateInstance'].includes(name))
      .map(({ name, input }) => `${name} ${input.node} ${input.spec.instance.type}`);
    assert.deepEqual(order, [
      'launchInstance dea-3 c1.xlarge',
      'terminateInstance dea-1 c1.xlarge',
      'launchInstance dea-1 c1.xlarge',
      'terminateInstance dea-2 c1.xlarge',
      'launchInstance dea-2 c1.xlarge',
    ]);
    assert.equal(view.facts.nodes['dea-2']?.made?.type, 'c1.xlarge');
    assert.equal(clusters.callsOf('launchInstance').at(-1)?.input.known.instance, undefined);
  });

  it('14: of the nodes that go, those whose machine is gone are removed before any other is made', async () => {
    const facts = await clusters.whole(
      clusterNamed('dead-first', [
        { name: 'dea', count: 3 },
        { name: 'web', count: 1 },
      ]),
    );
    clusters.fakes.lost = ({ node, steps }) =>
      node === 'dea-2' || node === 'web-1' ? { step: steps[0]!, message: 'It is terminated.' } : undefined;
    const changed = clusterNamed('dead-first', [
      { name: 'dea', count: 1 },
      { name: 'web', count: 2, instance: { type: 'c1.xlarge' } },
    ]);
    const { stage, view } = await (await clusters.bench.deploy(changed, facts)).result();
    assert.deepEqual([stage, stagesIn(view)], ['ready', { 'dea-1': 'ready', 'web-1': 'ready', 'web-2': 'ready' }]);
    assert.deepEqual(clusters.nodesOf('detachNode'), ['dea-2', 'web-1', 'dea-3']);
    const order = clusters.fakes.calls
      .filter(({ name, input }) => input.node !== CORE && ['attachNode', 'detachNode'].includes(name))
      .map(({ name, input }) => `${name} ${input.node}`);
    assert.deepEqual(order.slice(0, 2), ['detachNode dea-2', 'detachNode web-1']);
    assert.equal(order.at(-1), 'detachNode dea-3');
  });

  it('14: a node with data is not removed or replaced unless its loss was allowed, and then nothing else is done either', async () => {
    const data = { name: 'data', count: 2, roles: ['mysql', 'redis'] };
    const facts = await clusters.whole(clusterNamed('data', [data]));
    for (const group of [
      { ...data, count: 1 },
      { ...data, instance: { type: 'c1.xlarge' } },
    ]) {
      const refused = await clusters.bench.deploy(clusterNamed('data', [group]), facts);
      await assert.rejects(refused.result(), (error: Error & { cause?: Error }) =>
        /Data would be lost with .*data-2/.test(String(error.cause?.message)),
      );
      assert.equal((await refused.view()).stage, 'failed');
      assert.deepEqual(stagesIn(await refused.view()), { 'data-1': 'waiting', 'data-2': 'waiting' });
    }
    assert.deepEqual(clusters.fakes.calls, []);
    const allowed = await clusters.bench.deploy(clusterNamed('data', [{ ...data, count: 1 }]), facts, {
      dataLoss: ['data-2'],
    });
    assert.deepEqual(stagesIn((await allowed.result()).view), { 'data-1': 'ready' });
  });

  it('14: an unchanged cluster is unchanged; one whose nodes are gone from the spec loses them', async () => {
    const spec = clusterNamed('again', [{ name: 'dea', count: 2 }]);
    const facts = await clusters.whole(spec);
    for (const name of STEPS.flatMap(({ activities }) => Object.keys(activities) as StepActivityName[]))
      clusters.fakes.when(name, () => Promise.resolve({ changed: false, note: '', known: {} }));
    const same = await (await clusters.bench.deploy(spec, facts)).result();
    assert.equal(same.unchanged, true);
    const { cluster: _, ...single } = spec;
    const alone = await (await clusters.bench.deploy(single, facts)).result();
    assert.deepEqual([alone.stage, alone.unchanged, alone.view.nodes], ['ready', false, {}]);
    assert.deepEqual(clusters.nodesOf('terminateInstance'), ['dea-2', 'dea-1']);
  });

  it('14: a launch that failed gives its turn away, and asks for another when it is resumed', async () => {
    clusters.fakes.failOn(['dea-1'], 'launchInstance', 'NO_CAPACITY');
    const spec = clusterNamed('turn-again', [{ name: 'dea', count: 2 }], { rollout: { canary: 0 } });
    const deployment = await clusters.bench.deploy(spec);
    await deployment.until(
      'one parked, one ready',
      ({ nodes }) => nodes['dea-1']?.stage === 'needs-attention' && nodes['dea-2']?.stage === 'ready',
    );
    clusters.fakes.recover('launchInstance');
    await (await clusters.bench.node('turn-again', 'dea-1')).say('resume');
    assert.equal((await deployment.result()).stage, 'ready');
    assert.deepEqual(clusters.callsOf('launchInstance').at(-1)?.input.assigned, ['i-dea-2']);
  });

  it('14: a node whose workflow is terminated from outside gives its turn away, is lost, and is made by `up`', async () => {
    const held = new Held();
    clusters.fakes.when('launchInstance', async (input) => {
      if (input.node === 'dea-1') await held.wait();
      return clusters.fakes.usual('launchInstance', input);
    });
    const spec = clusterNamed('lost', [{ name: 'dea', count: 2 }], { rollout: { canary: 0 } });
    const deployment = await clusters.bench.deploy(spec);
    await eventually('it launches', () => held.waiting);
    await (await clusters.bench.node('lost', 'dea-1')).handle.terminate('from outside');
    const { stage, message, view } = await deployment.result();
    held.release();
    assert.deepEqual([stage, stagesIn(view)], ['failed', { 'dea-1': 'lost', 'dea-2': 'ready' }]);
    assert.match(message ?? '', /dea-1 \(lost\)/);
    clusters.fakes.recover('launchInstance');
    assert.equal((await (await clusters.bench.deploy(spec, (await deployment.view()).facts)).result()).stage, 'ready');
  });

  it('14: a deployment that is terminated from outside takes its nodes along, and goes on with its memo', async () => {
    clusters.fakes.failOn(['dea-2'], 'renameNode', 'COMMAND_NO_EFFECT');
    const spec = clusterNamed('terminated', [{ name: 'dea', count: 3 }]);
    const deployment = await clusters.bench.deploy(spec);
    await clusters.parked(deployment, 'dea-2');
    await deployment.until('the third is ready', ({ nodes }) => nodes['dea-3']?.stage === 'ready');
    await deployment.handle.terminate('from outside');
    const { facts } = await deployment.view();
    assert.equal(facts.nodes['dea-2']?.hostKey, 'SHA256:abc', 'as it was when it was parked');
    clusters.fakes.recover('renameNode');
    const again = await clusters.bench.deploy(spec, facts);
    assert.equal((await again.result()).stage, 'ready');
    const launch = clusters.callsOf('launchInstance').findLast(({ input }) => input.node === 'dea-2');
    assert.equal(launch?.input.known.instance?.id, 'i-dea-2');
  });

  it('14: nothing is begun while the deployment is paused', async () => {
    const held = new Held();
    clusters.fakes.when('claimAdmin', async (input) => {
      await held.wait();
      return clusters.fakes.usual('claimAdmin', input);
    });
    const deployment = await clusters.bench.deploy(clusterNamed('pauses-all', [{ name: 'dea', count: 2 }]));
    await eventually('at work', () => held.waiting);
    await deployment.say('pause');
    held.release();
    await deployment.untilStage('paused');
    assert.deepEqual(stagesIn(await deployment.view()), { 'dea-1': 'waiting', 'dea-2': 'waiting' });
    await deployment.say('resume');
    assert.equal((await deployment.result()).stage, 'ready');
  });

  it('14: `down` terminates nodes before the core, and deletes their group after them', async () => {
    const spec = clusterNamed('down', [{ name: 'dea', count: 2 }]);
    const facts = await clusters.whole(spec);
    const view = await clusters.bench.teardown(spec, facts);
    assert.equal(view.stage, 'removed');
    assert.deepEqual(view.nodes, {});
    assert.deepEqual(clusters.fakes.names().slice(0, 2), ['terminateInstance', 'terminateInstance']);
    assert.deepEqual(clusters.nodesOf('terminateInstance').sort(), ['core', 'dea-1', 'dea-2']);
    assert.deepEqual(clusters.fakes.names().slice(-3), ['deleteNodesGroup', 'deleteSecurityGroup', 'giveBackAddress']);
    assert.ok(!clusters.fakes.names().includes('detachNode'));
  });
});
