import { strict as assert } from 'node:assert';
import { CLOUD_KINDS } from '../../src/deployment/cloud-kinds';
import { launchesInTurn } from '../../src/deployment/cluster';
import { CORE } from '../../src/deployment/facts';
import type { Facts } from '../../src/deployment/facts';
import type { CloudKindName } from '../../src/deployment/spec';
import { ClusterBench, on, stagesIn } from '../support/cluster-bench';
import type { Deployment } from '../support/deployment';
import { Held } from '../support/held';
import { clusterNamed } from '../support/specs';
import { eventually } from '../support/wait';

describe('clusters', function () {
  this.timeout(60_000);
  const clusters = new ClusterBench('cluster');

  it('14: the core first, then every node with the machine of its group, reached through the core, each step once', async () => {
    const spec = on(
      'eucalyptus-4.4',
      clusterNamed('grows', [
        { name: 'dea', count: 2 },
        { name: 'data', count: 1, roles: ['mysql'], instance: { type: 'c1.xlarge' } },
      ]),
    );
    const deployment = await clusters.bench.deploy(spec);
    const { stage, view } = await deployment.result();
    assert.equal(stage, 'ready');
    assert.deepEqual(stagesIn(view), { 'dea-1': 'ready', 'dea-2': 'ready', 'data-1': 'ready' });
    const names = clusters.fakes.calls.map(({ name, input }) => `${input.node} ${name}`);
    assert.equal(new Set(names).size + 1, names.length, 'awaitKato twice on the core, nothing else');
    assert.ok(names.indexOf('core ensureSecurityGroup') < names.indexOf('core ensureNodesGroup'));
    const first = names.findIndex((name) => name.endsWith(' launchInstance') && !name.startsWith(CORE));
    assert.ok(first > names.indexOf('core claimAdmin'), 'no node before the core');
    assert.ok(names.indexOf('core openConsole') > names.indexOf('data-1 putResolverFirst'));
    const attach = clusters.callsOf('attachNode').find(({ input }) => input.node === 'data-1')?.input;
    assert.equal(attach?.spec.instance.type, 'c1.xlarge');
    assert.equal(attach?.core?.instance?.id, 'i-1');
    assert.equal(attach?.known.instance?.id, 'i-data-1');
    assert.deepEqual(attach?.known.attached, { ip: '10.0.0.9' });
    assert.ok(
      !clusters.fakes.namesOn('dea-1').some((name) => ['associateAddress', 'setUpCore', 'claimAdmin'].includes(name)),
    );
    assert.deepEqual(view.facts.nodes['data-1']?.made, { type: 'c1.xlarge', roles: ['mysql'] });
    // What the next run gets is in the memo, with no worker.
    const seen = await deployment.view();
    assert.deepEqual(seen.facts.nodes['dea-2'], view.facts.nodes['dea-2']);
    assert.deepEqual(seen.nodes['dea-2']?.group, 'dea');
  });

  it('14: a canary that fails leaves one machine; aborted, the rest of its group is held, and the cluster is not whole', async () => {
    clusters.fakes.failOn(['dea-1'], 'attachNode', 'COMMAND_NO_EFFECT');
    const spec = clusterNamed('canary', [
      { name: 'dea', count: 20 },
      { name: 'web', count: 2 },
    ]);
    const deployment = await clusters.bench.deploy(spec, undefined);
    await clusters.parked(deployment, 'dea-1');
    await deployment.until('the other group is ready', ({ nodes }) => nodes['web-2']?.stage === 'ready');
    assert.deepEqual(clusters.nodesOf('launchInstance').sort(), ['core', 'dea-1', 'web-1', 'web-2']);
    await (await clusters.bench.node('canary', 'dea-1')).say('abort');
    const { stage, view, message } = await deployment.result();
    assert.equal(stage, 'failed');
    assert.equal((await deployment.view()).stage, 'failed');
    assert.equal(stagesIn(view)['dea-1'], 'aborted');
    assert.equal(stagesIn(view)['dea-20'], 'held');
    assert.match(message ?? '', /Not ready: dea-1 \(aborted\), dea-2 \(held\).*`stackato-deploy up`/);
    assert.deepEqual(clusters.nodesOf('launchInstance').sort(), ['core', 'dea-1', 'web-1', 'web-2']);
    assert.deepEqual(clusters.nodesOf('terminateInstance'), ['dea-1']);
  });

  it('14: a parked node does not stop the others, however few are worked on at once; it is resumed in its own workflow', async () => {
    clusters.fakes.failOn(['dea-2'], 'renameNode', 'COMMAND_NO_EFFECT');
    const spec = clusterNamed('parked-node', [{ name: 'dea', count: 4 }], { rollout: { parallel: 1 } });
    const deployment = await clusters.bench.deploy(spec);
    const view = await deployment.until(
      'all but one',
      ({ nodes }) => nodes['dea-2']?.stage === 'needs-attention' && nodes['dea-4']?.stage === 'ready',
    );
    assert.equal(view.stage, 'needs-attention');
    assert.deepEqual(view.nodes['dea-2']?.error, {
      step: 'rename',
      code: 'COMMAND_NO_EFFECT',
      message: 'renameNode fails',
    });
    await assert.rejects(deployment.say('resume'), (error: Error & { cause?: Error }) =>
      /Say which node: dea-2/.test(String(error.cause?.message)),
    );
    const { currentDetails } = await deployment.handle.query<{ currentDetails: string }>(
      '__temporal_workflow_metadata',
    );
    assert.match(
      currentDetails,
      /\| dea-2 \| needs-attention \| i-dea-2 \| 10\.0\.0\.9 \| rename: COMMAND_NO_EFFECT \|/,
    );
    assert.match(currentDetails, /`stackato-deploy status parked-node --node dea-2`/);
    const node = await clusters.bench.node('parked-node', 'dea-2');
    assert.equal((await node.view()).steps.rename?.state, 'attention');
    clusters.fakes.recover('renameNode');
    assert.equal(await node.say('resume'), 'Trying again: rename.');
    assert.equal((await deployment.result()).stage, 'ready');
    const needs = clusters.callsOf('renameNode').filter(({ input }) => input.node === 'dea-2');
    assert.equal(new Set(needs.map(({ input }) => input.need)).size, 2);
  });

  it('14: abort while nodes launch waits for them, then terminates them before the core, with what they made in view', async () => {
    const held = [new Held(), new Held()];
    clusters.fakes.when('launchInstance', async (input) => {
      const mine = held[Number(input.node.slice(-1)) - 1];
      if (input.node !== CORE) await mine?.wait();
      return clusters.fakes.usual('launchInstance', input);
    });
    const spec = on(
      'eucalyptus-4.4',
      clusterNamed('abort-all', [{ name: 'dea', count: 3 }], { rollout: { canary: 0, parallel: 2 } }),
    );
    const deployment = await clusters.bench.deploy(spec);
    await eventually('both launch', () => held.every(({ waiting }) => waiting));
    await deployment.say('abort');
    await eventually('both know', () => held.every(({ cancelled }) => cancelled));
    assert.ok(!clusters.fakes.names().includes('terminateInstance'));
    held.forEach((each) => each.release());
    const { stage, view } = await deployment.result();
    assert.equal(stage, 'aborted');
    const undone = clusters.fakes.calls.filter(({ name }) => name === 'terminateInstance').map(({ input }) => input);
    assert.deepEqual(undone.map(({ node }) => node).sort(), ['core', 'dea-1', 'dea-2']);
    assert.equal(undone.at(-1)?.node, 'core');
    assert.equal(undone.find(({ node }) => node === 'dea-2')?.known.instance?.id, 'i-dea-2');
    assert.ok(!clusters.fakes.names().includes('detachNode'), 'the core goes with them');
    assert.ok(
      clusters.fakes.names().indexOf('deleteNodesGroup') > clusters.fakes.names().lastIndexOf('terminateInstance'),
    );
    assert.deepEqual(stagesIn(view), { 'dea-3': 'waiting' });
    assert.ok(view.undone.some(({ what, ok }) => ok && what.startsWith('dea-1: ')));
  });

  it('14: a node with data that an earlier run made is not aborted without a word about its data', async () => {
    const spec = clusterNamed('keeps-data', [{ name: 'data', count: 1, roles: ['mysql'] }]);
    const parked = async (facts?: Facts): Promise<[deployment: Deployment, node: Deployment]> => {
      clusters.fakes.failOn(['data-1'], 'renameNode', 'COMMAND_NO_EFFECT');
      const deployment = await clusters.bench.deploy(spec, facts);
      await clusters.parked(deployment, 'data-1');
      return [deployment, await clusters.bench.node(spec.name, 'data-1')];
    };
    const [first, fresh] = await parked();
    await fresh.say('abort');
    assert.equal((await first.result()).stage, 'failed');
    clusters.fakes.recover('renameNode');
    const [second, made] = await parked(await clusters.whole(spec));
    await assert.rejects(made.say('abort'), (error: Error & { cause?: Error }) =>
      /may have data.*`stackato-deploy abort keeps-data --node data-1 --data-loss`/.test(String(error.cause?.message)),
    );
    assert.deepEqual(clusters.nodesOf('terminateInstance'), []);
    await made.say('abort', { dataLoss: true });
    assert.equal((await second.result()).stage, 'failed');
    assert.deepEqual(clusters.nodesOf('terminateInstance'), ['data-1']);
  });

  it('14: a node that was terminated without having been detached is then removed from the list of the core', async () => {
    const facts = await clusters.whole(clusterNamed('skips-drain', [{ name: 'dea', count: 2 }]));
    clusters.fakes.fail('detachNode', 'SSH_UNREACHABLE');
    const deployment = await clusters.bench.deploy(clusterNamed('skips-drain', [{ name: 'dea', count: 1 }]), facts);
    await clusters.parked(deployment, 'dea-2');
    clusters.fakes.recover('detachNode');
    await (await clusters.bench.node('skips-drain', 'dea-2')).say('skip');
    assert.equal((await deployment.result()).stage, 'ready');
    assert.deepEqual(clusters.fakes.namesOn('dea-2'), ['detachNode', 'terminateInstance', 'detachNode']);
    assert.deepEqual(clusters.callsOf('detachNode')[1]?.input.known, {
      ...facts.site,
      attached: facts.nodes['dea-2']?.attached,
    });
  });

  it('14: volumes of nodes that down leaves are known to the next down, and to the next up', async () => {
    clusters.fakes.when('ensureVolume', ({ node }) =>
      Promise.resolve({ changed: true, note: '', known: { volume: { id: `vol-${node}`, size: 20, made: true } } }),
    );
    const storage = { containers: { size: 20 } };
    const spec = clusterNamed('keeps-volumes', [{ name: 'dea', count: 2, storage }]);
    const made = await clusters.whole(spec);
    const { facts, nodes } = await clusters.bench.teardown(spec, made);
    const { volume, made: make } = made.nodes['dea-2']!;
    assert.deepEqual([facts.nodes['dea-2'], Object.keys(nodes)], [{ volume, made: make }, []]);
    const seen = await clusters.bench.view('keeps-volumes');
    assert.deepEqual(seen.facts.nodes, facts.nodes);
    const { view } = await (await clusters.bench.deploy(spec, seen.facts)).result();
    assert.equal(clusters.callsOf('noteVolumes').at(-1)?.input.known.volume?.id, 'vol-dea-2');
    const gone = await clusters.bench.teardown(spec, view.facts, { volumes: true });
    assert.deepEqual(clusters.nodesOf('deleteVolume').sort(), ['dea-1', 'dea-2']);
    assert.deepEqual(Object.keys(gone.facts.nodes), ['core']);
  });

  it('14: shrinking removes the highest numbers first, one at a time: detached, then terminated', async () => {
    const facts = await clusters.whole(clusterNamed('shrinks', [{ name: 'dea', count: 3 }]));
    const { stage, view } = await (
      await clusters.bench.deploy(clusterNamed('shrinks', [{ name: 'dea', count: 1 }]), facts)
    ).result();
    assert.equal(stage, 'ready');
    assert.deepEqual(stagesIn(view), { 'dea-1': 'ready' });
    assert.deepEqual(Object.keys(view.facts.nodes), ['core', 'dea-1']);
    const seen = await clusters.bench.view('shrinks');
    assert.deepEqual([Object.keys(seen.facts.nodes), Object.keys(seen.nodes)], [['core', 'dea-1'], ['dea-1']]);
    const undone = clusters.fakes.calls
      .filter(({ name }) => name === 'detachNode' || name === 'terminateInstance')
      .map(({ name, input }) => `${name} ${input.node}`);
    assert.deepEqual(undone, [
      'detachNode dea-3',
      'terminateInstance dea-3',
      'detachNode dea-2',
      'terminateInstance dea-2',
    ]);
    assert.equal(clusters.callsOf('detachNode')[0]?.input.core?.instance?.id, 'i-1');
  });

  it('14: launches without instance tags never overlap, and each knows the instances that are other nodes', async () => {
    let launching = 0;
    clusters.fakes.when('launchInstance', async (input) => {
      launching += 1;
      assert.equal(launching, 1);
      await new Promise((resolve) => setTimeout(resolve, 50));
      launching -= 1;
      return clusters.fakes.usual('launchInstance', input);
    });
    clusters.fakes.when('awaitRunning', () => Promise.resolve({ changed: false, note: 'runs', known: {} }));
    const spec = clusterNamed('turns', [{ name: 'dea', count: 4 }], { rollout: { canary: 0 } });
    const { stage, view } = await (await clusters.bench.deploy(spec)).result();
    assert.equal(stage, 'ready', JSON.stringify(view.nodes));
    const { steps } = await (await clusters.bench.node('turns', 'dea-2')).view();
    assert.equal(steps.launch?.state, 'done', 'it was launched, so it is not unchanged');
    const assigned = clusters
      .callsOf('launchInstance')
      .filter(({ input }) => input.node !== CORE)
      .map(({ input }) => input.assigned);
    assert.deepEqual(
      assigned.map((each) => each?.length),
      [0, 1, 2, 3],
    );
  });

  it('14: nodes take turns on exactly those clouds that have no instance tags', () => {
    for (const [kind, { instanceTags }] of Object.entries(CLOUD_KINDS))
      assert.equal(launchesInTurn(kind as CloudKindName), instanceTags === 'none', kind);
  });
});
