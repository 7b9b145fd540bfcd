import { strict as assert } from 'node:assert';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { CLOUD_KINDS } from '../../src/deployment/cloud-kinds';
import { launchesInTurn } from '../../src/deployment/cluster';
import { CORE } from '../../src/deployment/facts';
import type { DeploymentView, NodeStage } from '../../src/deployment/messages';
import { STEPS } from '../../src/deployment/steps';
import type { StepActivityName } from '../../src/deployment/steps';
import type { CloudKindName, DeploymentSpec } from '../../src/deployment/spec';
import { Bench } from '../support/deployment';
import type { Deployment } from '../support/deployment';
import { FakeActivities } from '../support/fake-activities';
import { Held } from '../support/held';
import { clusterNamed } from '../support/specs';
import { localServer } from '../support/temporal';
import { eventually } from '../support/wait';

function stagesIn({ nodes }: DeploymentView): Record<string, NodeStage> {
  return Object.fromEntries(Object.entries(nodes).map(([node, { stage }]) => [node, stage]));
}

function on(kind: CloudKindName, spec: DeploymentSpec): DeploymentSpec {
  return { ...spec, cloud: { ...spec.cloud, kind } };
}

describe('clusters', function () {
  this.timeout(60_000);
  let env: TestWorkflowEnvironment;
  let bench: Bench;
  let fakes: FakeActivities;
  let count = 0;

  before(async () => {
    env = await localServer();
  });
  after(() => env.teardown());
  beforeEach(async () => {
    fakes = new FakeActivities().withoutReboots();
    bench = new Bench(env, `cluster-${++count}`);
    await bench.startWorker(fakes);
  });
  afterEach(() => bench.stopWorker());

  const parked = (deployment: Deployment, node: string) =>
    deployment.until(`${node} parked`, ({ nodes }) => nodes[node]?.stage === 'needs-attention');
  const callsOf = (name: string) => fakes.calls.filter((call) => call.name === name);
  const nodesOfCalls = (name: string) => callsOf(name).map(({ input }) => input.node);

  it('14: the core first, then every node with the machine of its group, reached through the core, each step once', async () => {
    const spec = on(
      'eucalyptus-4.4',
      clusterNamed('grows', [
        { name: 'dea', count: 2 },
        { name: 'data', count: 1, roles: ['mysql'], instance: { type: 'c1.xlarge' } },
      ]),
    );
    const deployment = await bench.deploy(spec);
    const { stage, view } = await deployment.result();
    assert.equal(stage, 'ready');
    assert.deepEqual(stagesIn(view), { 'dea-1': 'ready', 'dea-2': 'ready', 'data-1': 'ready' });
    const names = fakes.calls.map(({ name, input }) => `${input.node} ${name}`);
    assert.equal(new Set(names).size + 1, names.length, 'awaitKato twice on the core, nothing else');
    assert.ok(names.indexOf('core ensureSecurityGroup') < names.indexOf('core ensureNodesGroup'));
    const first = names.findIndex((name) => name.endsWith(' launchInstance') && !name.startsWith(CORE));
    assert.ok(first > names.indexOf('core claimAdmin'), 'no node before the core');
    assert.ok(names.indexOf('core openConsole') > names.indexOf('data-1 putResolverFirst'));
    const attach = callsOf('attachNode').find(({ input }) => input.node === 'data-1')?.input;
    assert.equal(attach?.spec.instance.type, 'c1.xlarge');
    assert.equal(attach?.core?.instance?.id, 'i-1');
    assert.equal(attach?.known.instance?.id, 'i-data-1');
    assert.deepEqual(attach?.known.attached, { ip: '10.0.0.9' });
    assert.ok(!fakes.namesOn('dea-1').some((name) => ['associateAddress', 'setUpCore', 'claimAdmin'].includes(name)));
    assert.deepEqual(view.facts.nodes['data-1']?.made, { type: 'c1.xlarge', roles: ['mysql'] });
    // What the next run gets is in the memo, with no worker.
    const seen = await deployment.view();
    assert.deepEqual(seen.facts.nodes['dea-2'], view.facts.nodes['dea-2']);
    assert.deepEqual(seen.nodes['dea-2']?.group, 'dea');
  });

  it('14: a canary that fails leaves one machine; aborted, the rest of its group is held, and the cluster is not whole', async () => {
    fakes.failOn(['dea-1'], 'attachNode', 'COMMAND_NO_EFFECT');
    const spec = clusterNamed('canary', [
      { name: 'dea', count: 20 },
      { name: 'web', count: 2 },
    ]);
    const deployment = await bench.deploy(spec, undefined);
    await parked(deployment, 'dea-1');
    await deployment.until('the other group is ready', ({ nodes }) => nodes['web-2']?.stage === 'ready');
    assert.deepEqual(nodesOfCalls('launchInstance').sort(), ['core', 'dea-1', 'web-1', 'web-2']);
    await (await bench.node('canary', 'dea-1')).say('abort');
    const { stage, view, message } = await deployment.result();
    assert.equal(stage, 'failed');
    assert.equal((await deployment.view()).stage, 'failed');
    assert.equal(stagesIn(view)['dea-1'], 'aborted');
    assert.equal(stagesIn(view)['dea-20'], 'held');
    assert.match(message ?? '', /Not ready: dea-1 \(aborted\), dea-2 \(held\).*`stackato-deploy up`/);
    assert.deepEqual(nodesOfCalls('launchInstance').sort(), ['core', 'dea-1', 'web-1', 'web-2']);
    assert.deepEqual(nodesOfCalls('terminateInstance'), ['dea-1']);
  });

  it('14: a parked node does not stop the others, however few are worked on at once; it is resumed in its own workflow', async () => {
    fakes.failOn(['dea-2'], 'renameNode', 'COMMAND_NO_EFFECT');
    const spec = clusterNamed('parked-node', [{ name: 'dea', count: 4 }], { rollout: { parallel: 1 } });
    const deployment = await bench.deploy(spec);
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
    const node = await bench.node('parked-node', 'dea-2');
    assert.equal((await node.view()).steps.rename?.state, 'attention');
    fakes.recover('renameNode');
    assert.equal(await node.say('resume'), 'Trying again: rename.');
    assert.equal((await deployment.result()).stage, 'ready');
    const needs = callsOf('renameNode').filter(({ input }) => input.node === 'dea-2');
    assert.equal(new Set(needs.map(({ input }) => input.need)).size, 2);
  });

  it('14: no more nodes than `parallel` are worked on at once', async () => {
    let now = 0;
    let most = 0;
    fakes.when('attachNode', async (input) => {
      most = Math.max(most, ++now);
      await new Promise((resolve) => setTimeout(resolve, 100));
      now -= 1;
      return fakes.usual('attachNode', input);
    });
    const spec = clusterNamed('brake', [{ name: 'dea', count: 6 }], { rollout: { parallel: 2, canary: 0 } });
    assert.equal((await (await bench.deploy(on('aws', spec))).result()).stage, 'ready');
    assert.equal(most, 2);
  });

  it('14: abort of one node undoes that node only, and `up` again makes it', async () => {
    fakes.failOn(['dea-2'], 'awaitAttached', 'COMMAND_NO_EFFECT');
    const spec = clusterNamed('abort-node', [{ name: 'dea', count: 2 }]);
    const deployment = await bench.deploy(spec);
    await parked(deployment, 'dea-2');
    await (await bench.node('abort-node', 'dea-2')).say('abort');
    const { stage, view } = await deployment.result();
    assert.equal(stage, 'failed');
    assert.deepEqual(fakes.namesOn('dea-2').slice(-2), ['detachNode', 'terminateInstance']);
    assert.ok(!fakes.namesOn('dea-1').includes('terminateInstance'));
    assert.equal(view.facts.nodes['dea-2']?.instance, undefined);
    fakes.recover('awaitAttached');
    const again = await (await bench.deploy(spec, (await deployment.view()).facts)).result();
    assert.deepEqual([again.stage, stagesIn(again.view)], ['ready', { 'dea-1': 'ready', 'dea-2': 'ready' }]);
  });

  it('14: abort while nodes launch waits for them, then terminates them before the core, with what they made in view', async () => {
    const held = [new Held(), new Held()];
    fakes.when('launchInstance', async (input) => {
      const mine = held[Number(input.node.slice(-1)) - 1];
      if (input.node !== CORE) await mine?.wait();
      return fakes.usual('launchInstance', input);
    });
    const spec = on(
      'eucalyptus-4.4',
      clusterNamed('abort-all', [{ name: 'dea', count: 3 }], { rollout: { canary: 0, parallel: 2 } }),
    );
    const deployment = await bench.deploy(spec);
    await eventually('both launch', () => held.every(({ waiting }) => waiting));
    await deployment.say('abort');
    await eventually('both know', () => held.every(({ cancelled }) => cancelled));
    assert.ok(!fakes.names().includes('terminateInstance'));
    held.forEach((each) => each.release());
    const { stage, view } = await deployment.result();
    assert.equal(stage, 'aborted');
    const undone = fakes.calls.filter(({ name }) => name === 'terminateInstance').map(({ input }) => input);
    assert.deepEqual(undone.map(({ node }) => node).sort(), ['core', 'dea-1', 'dea-2']);
    assert.equal(undone.at(-1)?.node, 'core');
    assert.equal(undone.find(({ node }) => node === 'dea-2')?.known.instance?.id, 'i-dea-2');
    assert.ok(!fakes.names().includes('detachNode'), 'the core goes with them');
    assert.ok(fakes.names().indexOf('deleteNodesGroup') > fakes.names().lastIndexOf('terminateInstance'));
    assert.deepEqual(stagesIn(view), { 'dea-3': 'waiting' });
    assert.ok(view.undone.some(({ what, ok }) => ok && what.startsWith('dea-1: ')));
  });

  it('14: of a group that grows, the first new node is the canary', async () => {
    const facts = await whole(clusterNamed('grown', [{ name: 'dea', count: 2 }]));
    fakes.failOn(['dea-3'], 'renameNode', 'COMMAND_NO_EFFECT');
    const deployment = await bench.deploy(clusterNamed('grown', [{ name: 'dea', count: 5 }]), facts);
    await deployment.until(
      'two looked at, the third parked',
      ({ nodes }) => nodes['dea-3']?.stage === 'needs-attention' && nodes['dea-2']?.stage === 'ready',
    );
    assert.deepEqual(nodesOfCalls('launchInstance').sort(), ['core', 'dea-1', 'dea-2', 'dea-3']);
    await deployment.say('abort');
    const { view } = await deployment.result();
    assert.deepEqual(nodesOfCalls('terminateInstance').sort(), ['core', 'dea-1', 'dea-2', 'dea-3']);
    assert.deepEqual(stagesIn(view), { 'dea-4': 'waiting', 'dea-5': 'waiting' });
  });

  const whole = async (spec: DeploymentSpec) => {
    const { view } = await (await bench.deploy(spec)).result();
    assert.equal(view.stage, 'ready');
    fakes.calls.length = 0;
    return view.facts;
  };

  it('14: shrinking removes the highest numbers first, one at a time: detached, then terminated', async () => {
    const facts = await whole(clusterNamed('shrinks', [{ name: 'dea', count: 3 }]));
    const { stage, view } = await (
      await bench.deploy(clusterNamed('shrinks', [{ name: 'dea', count: 1 }]), facts)
    ).result();
    assert.equal(stage, 'ready');
    assert.deepEqual(stagesIn(view), { 'dea-1': 'ready' });
    assert.deepEqual(Object.keys(view.facts.nodes), ['core', 'dea-1']);
    const seen = await bench.view('shrinks');
    assert.deepEqual([Object.keys(seen.facts.nodes), Object.keys(seen.nodes)], [['core', 'dea-1'], ['dea-1']]);
    const undone = fakes.calls
      .filter(({ name }) => name === 'detachNode' || name === 'terminateInstance')
      .map(({ name, input }) => `${name} ${input.node}`);
    assert.deepEqual(undone, [
      'detachNode dea-3',
      'terminateInstance dea-3',
      'detachNode dea-2',
      'terminateInstance dea-2',
    ]);
    assert.equal(callsOf('detachNode')[0]?.input.core?.instance?.id, 'i-1');
  });

  it('14: a removal that fails needs attention: resume tries again, skip terminates without draining', async () => {
    const facts = await whole(clusterNamed('drain', [{ name: 'dea', count: 2 }]));
    fakes.fail('detachNode', 'COMMAND_NO_EFFECT');
    const deployment = await bench.deploy(clusterNamed('drain', []), facts);
    await parked(deployment, 'dea-2');
    const node = await bench.node('drain', 'dea-2');
    await assert.rejects(node.say('abort'));
    await assert.rejects(node.say('resume', { from: 'launch' }));
    await node.say('resume');
    await eventually('tried again', () => nodesOfCalls('detachNode').length === 2);
    await parked(deployment, 'dea-2');
    assert.equal(await node.say('skip'), 'Going on without attach.');
    fakes.recover('detachNode');
    const { stage, view } = await deployment.result();
    assert.equal(stage, 'ready');
    assert.deepEqual(view.nodes, {});
    assert.deepEqual(nodesOfCalls('terminateInstance'), ['dea-2', 'dea-1']);
    assert.equal(new Set(callsOf('detachNode').map(({ input }) => input.need)).size, 3);
  });

  it('14: nodes of a changed group are replaced one by one, after the new ones are ready', async () => {
    const facts = await whole(clusterNamed('replaces', [{ name: 'dea', count: 2 }]));
    const bigger = clusterNamed('replaces', [{ name: 'dea', count: 3, instance: { type: 'c1.xlarge' } }]);
    const { stage, view } = await (await bench.deploy(bigger, facts)).result();
    assert.equal(stage, 'ready');
    const order = fakes.calls
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
    assert.equal(callsOf('launchInstance').at(-1)?.input.known.instance, undefined);
  });

  it('14: a node with data is not removed or replaced unless its loss was allowed, and then nothing else is done either', async () => {
    const data = { name: 'data', count: 2, roles: ['mysql', 'redis'] };
    const facts = await whole(clusterNamed('data', [data]));
    for (const group of [
      { ...data, count: 1 },
      { ...data, instance: { type: 'c1.xlarge' } },
    ]) {
      const refused = await bench.deploy(clusterNamed('data', [group]), facts);
      await assert.rejects(refused.result(), (error: Error & { cause?: Error }) =>
        /Data would be lost with .*data-2/.test(String(error.cause?.message)),
      );
      assert.equal((await refused.view()).stage, 'failed');
      assert.deepEqual(stagesIn(await refused.view()), { 'data-1': 'waiting', 'data-2': 'waiting' });
    }
    assert.deepEqual(fakes.calls, []);
    const allowed = await bench.deploy(clusterNamed('data', [{ ...data, count: 1 }]), facts, { dataLoss: ['data-2'] });
    assert.deepEqual(stagesIn((await allowed.result()).view), { 'data-1': 'ready' });
  });

  it('14: an unchanged cluster is unchanged; one whose nodes are gone from the spec loses them', async () => {
    const spec = clusterNamed('again', [{ name: 'dea', count: 2 }]);
    const facts = await whole(spec);
    for (const name of STEPS.flatMap(({ activities }) => Object.keys(activities) as StepActivityName[]))
      fakes.when(name, () => Promise.resolve({ changed: false, note: '', known: {} }));
    const same = await (await bench.deploy(spec, facts)).result();
    assert.equal(same.unchanged, true);
    const { cluster: _, ...single } = spec;
    const alone = await (await bench.deploy(single, facts)).result();
    assert.deepEqual([alone.stage, alone.unchanged, alone.view.nodes], ['ready', false, {}]);
    assert.deepEqual(nodesOfCalls('terminateInstance'), ['dea-2', 'dea-1']);
  });

  it('14: launches without instance tags never overlap, and each knows the instances that are other nodes', async () => {
    let launching = 0;
    fakes.when('launchInstance', async (input) => {
      launching += 1;
      assert.equal(launching, 1);
      await new Promise((resolve) => setTimeout(resolve, 50));
      launching -= 1;
      return fakes.usual('launchInstance', input);
    });
    const spec = clusterNamed('turns', [{ name: 'dea', count: 4 }], { rollout: { canary: 0 } });
    const { stage, view } = await (await bench.deploy(spec)).result();
    assert.equal(stage, 'ready', JSON.stringify(view.nodes));
    const assigned = callsOf('launchInstance')
      .filter(({ input }) => input.node !== CORE)
      .map(({ input }) => input.assigned);
    assert.deepEqual(
      assigned.map((each) => each?.length),
      [0, 1, 2, 3],
    );
  });

  it('14: a launch that failed gives its turn away, and asks for another when it is resumed', async () => {
    fakes.failOn(['dea-1'], 'launchInstance', 'NO_CAPACITY');
    const spec = clusterNamed('turn-again', [{ name: 'dea', count: 2 }], { rollout: { canary: 0 } });
    const deployment = await bench.deploy(spec);
    await deployment.until(
      'one parked, one ready',
      ({ nodes }) => nodes['dea-1']?.stage === 'needs-attention' && nodes['dea-2']?.stage === 'ready',
    );
    fakes.recover('launchInstance');
    await (await bench.node('turn-again', 'dea-1')).say('resume');
    assert.equal((await deployment.result()).stage, 'ready');
    assert.deepEqual(callsOf('launchInstance').at(-1)?.input.assigned, ['i-dea-2']);
  });

  it('14: a node whose workflow is terminated from outside gives its turn away, is lost, and is made by `up`', async () => {
    const held = new Held();
    fakes.when('launchInstance', async (input) => {
      if (input.node === 'dea-1') await held.wait();
      return fakes.usual('launchInstance', input);
    });
    const spec = clusterNamed('lost', [{ name: 'dea', count: 2 }], { rollout: { canary: 0 } });
    const deployment = await bench.deploy(spec);
    await eventually('it launches', () => held.waiting);
    await (await bench.node('lost', 'dea-1')).handle.terminate('from outside');
    const { stage, message, view } = await deployment.result();
    held.release();
    assert.deepEqual([stage, stagesIn(view)], ['failed', { 'dea-1': 'lost', 'dea-2': 'ready' }]);
    assert.match(message ?? '', /dea-1 \(lost\)/);
    fakes.recover('launchInstance');
    assert.equal((await (await bench.deploy(spec, (await deployment.view()).facts)).result()).stage, 'ready');
  });

  it('14: a deployment that is terminated from outside takes its nodes along, and goes on with its memo', async () => {
    fakes.failOn(['dea-2'], 'renameNode', 'COMMAND_NO_EFFECT');
    const spec = clusterNamed('terminated', [{ name: 'dea', count: 3 }]);
    const deployment = await bench.deploy(spec);
    await parked(deployment, 'dea-2');
    await deployment.until('the third is ready', ({ nodes }) => nodes['dea-3']?.stage === 'ready');
    await deployment.handle.terminate('from outside');
    const { facts } = await deployment.view();
    assert.equal(facts.nodes['dea-2']?.hostKey, 'SHA256:abc', 'as it was when it was parked');
    fakes.recover('renameNode');
    const again = await bench.deploy(spec, facts);
    assert.equal((await again.result()).stage, 'ready');
    const launch = callsOf('launchInstance').findLast(({ input }) => input.node === 'dea-2');
    assert.equal(launch?.input.known.instance?.id, 'i-dea-2');
  });

  it('14: nothing is begun while the deployment is paused', async () => {
    const held = new Held();
    fakes.when('claimAdmin', async (input) => {
      await held.wait();
      return fakes.usual('claimAdmin', input);
    });
    const deployment = await bench.deploy(clusterNamed('pauses-all', [{ name: 'dea', count: 2 }]));
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
    const facts = await whole(spec);
    const view = await bench.teardown(spec, facts);
    assert.equal(view.stage, 'removed');
    assert.deepEqual(view.nodes, {});
    assert.deepEqual(fakes.names().slice(0, 2), ['terminateInstance', 'terminateInstance']);
    assert.deepEqual(nodesOfCalls('terminateInstance').sort(), ['core', 'dea-1', 'dea-2']);
    assert.deepEqual(fakes.names().slice(-3), ['deleteNodesGroup', 'deleteSecurityGroup', 'giveBackAddress']);
    assert.ok(!fakes.names().includes('detachNode'));
  });

  it('14: nodes take turns on exactly those clouds that have no instance tags', () => {
    for (const [kind, { instanceTags }] of Object.entries(CLOUD_KINDS))
      assert.equal(launchesInTurn(kind as CloudKindName), instanceTags === 'none', kind);
  });
});
