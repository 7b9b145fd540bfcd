import { strict as assert } from 'node:assert';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import type { NodeStatus } from '../../src/client/nodes';
import type { DeploymentStatus } from '../../src/client/status';
import { nodeWorkflowIdOf, workflowIdOf } from '../../src/deployment/names';
import type { DeploymentSpec } from '../../src/deployment/spec';
import type { StepActivityName } from '../../src/deployment/steps';
import { deploymentViewIn } from '../../src/temporal/memo';
import { FakeActivities } from '../support/fake-activities';
import { clusterNamed } from '../support/specs';
import { localServer } from '../support/temporal';
import { eventually } from '../support/wait';
import { allThere, ClientBench, refused } from './bench';

const DATA = { name: 'data', roles: ['postgresql'] } as const;

/** On instances with tags: nodes are launched side by side. */
function cluster(
  name: string,
  counts: { readonly dea?: number; readonly data?: number },
  change: Parameters<typeof clusterNamed>[2] = {},
): DeploymentSpec {
  const { dea = 0, data = 0 } = counts;
  const spec = clusterNamed(
    name,
    [
      { name: 'dea', count: dea },
      { ...DATA, count: data },
    ],
    { rollout: { canary: 0 }, ...change },
  );
  return { ...spec, cloud: { ...spec.cloud, kind: 'eucalyptus-4.4' }, timing: { ...spec.timing, rebootWait: 1 } };
}

class NodeFakes extends FakeActivities {
  /** Stops on these nodes until it is let go. */
  holdOn(name: StepActivityName, ...nodes: readonly string[]): () => void {
    let release = (): void => undefined;
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    this.when(name, async ({ node }) => {
      if (nodes.includes(node)) await held;
      return { changed: true, note: name, known: {} };
    });
    return release;
  }

  nodesOf(name: StepActivityName): readonly string[] {
    return this.calls.filter((call) => call.name === name).map(({ input }) => input.node);
  }
}

function stages({ nodes }: DeploymentStatus): Readonly<Record<string, string>> {
  return Object.fromEntries(nodes.map(({ name, stage }) => [name, stage]));
}

function nodeNamed({ nodes }: DeploymentStatus, name: string): NodeStatus {
  return nodes.find((node) => node.name === name) ?? assert.fail(`no node ${name}`);
}

describe('client library, with nodes', function () {
  this.timeout(60_000);
  let server: TestWorkflowEnvironment;
  let bench: ClientBench;
  let fakes: NodeFakes;
  let releases: (() => void)[];
  let count = 0;

  before(async () => {
    server = await localServer();
  });
  after(() => server.teardown());
  beforeEach(async () => {
    fakes = new NodeFakes();
    releases = [];
    bench = await ClientBench.open(server, `nodes-${++count}`);
    await bench.worker.startWorker(fakes);
  });
  afterEach(() => {
    for (const release of releases) release();
    return bench.close();
  });

  const untilStages = (name: string, wanted: Readonly<Record<string, string>>): Promise<DeploymentStatus> =>
    bench.until(name, JSON.stringify(wanted), (status) => {
      const seen = stages(status);
      return Object.entries(wanted).every(([node, stage]) => seen[node] === stage);
    });

  it('14: status has each node with its stage, step, attempt, machine and workflow; list counts them; one by itself has its steps', async () => {
    fakes.failOn(['dea-2'], 'attachNode', 'COMMAND_NO_EFFECT');
    let answer = (): void => undefined;
    fakes.when('renameNode', async ({ node }) => {
      if (node === 'data-1')
        await new Promise<void>((resolve) => {
          answer = resolve;
        });
      return { changed: true, note: 'renamed', known: {} };
    });
    releases.push(() => answer());
    await bench.deployments.up(cluster('seen', { dea: 2, data: 1 }));
    await untilStages('seen', { 'dea-1': 'ready', 'dea-2': 'needs-attention', 'data-1': 'deploying' });
    const status = await bench.untilStage('seen', 'needs-attention');
    assert.deepEqual(
      [status.stage, status.nodes.map(({ name }) => name), status.steps.every(({ id }) => id !== 'attach')],
      ['needs-attention', ['dea-1', 'dea-2', 'data-1'], true],
    );
    const parked = nodeNamed(status, 'dea-2');
    assert.deepEqual(
      [parked.error, parked.roles, parked.group, parked.wanted],
      [{ step: 'attach', code: 'COMMAND_NO_EFFECT', message: 'attachNode fails' }, ['dea'], 'dea', true],
    );
    assert.match(
      parked.run?.workflowUrl ?? '',
      /^http:\/\/ui\.test\/namespaces\/default\/workflows\/stackato%2Fseen%2Fdea-2\/.+\/history$/,
    );
    const busy = await bench.until('seen', 'an attempt is under way', (each) =>
      nodeNamed(each, 'data-1').steps.some(({ id, pending }) => id === 'rename' && pending?.running === true),
    );
    assert.deepEqual(nodeNamed(busy, 'data-1').instance, { id: 'i-data-1', privateIp: '10.0.0.9' });

    const listed = await eventually('the list knows', async () =>
      (await bench.deployments.list()).find(({ name, nodes, attention }) =>
        name === 'seen' && nodes?.ready === 1 ? attention.length === 1 : false,
      ),
    );
    assert.deepEqual(listed.nodes, { ready: 1, all: 3 });
    assert.deepEqual(listed.attention, [{ node: 'dea-2', step: 'attach', code: 'COMMAND_NO_EFFECT' }]);
    assert.ok(!(await bench.deployments.list()).some(({ name }) => name.includes('/')), 'nodes are no deployments');

    const details = await bench.deployments.nodeStatus('seen', 'dea-2');
    assert.deepEqual(
      [details.deployment, details.host, details.stage, details.run?.open],
      ['seen', 'dea-2.seen.stackato.test', 'needs-attention', true],
    );
    assert.equal(details.steps.find(({ id }) => id === 'attach')?.state, 'attention');
    assert.ok(details.steps.every(({ id }) => id !== 'setup-core' && id !== 'dns'));
    await refused(bench.deployments.nodeStatus('seen', 'dea-9'), 'NOT_FOUND', /no node dea-9/);
    await assert.rejects(bench.deployments.nodeStatus('seen', 'dea2'), {
      remedy: /Did you mean dea-2\? Its nodes are/,
    });
    await bench.deployments.abort('seen');
    releases[0]?.();
    await bench.untilClosed('seen');
  });

  it('14: resume of one node, then of all; skip without a node names those that are parked', async () => {
    fakes.failOn(['dea-1', 'dea-2', 'dea-3'], 'attachNode', 'COMMAND_NO_EFFECT');
    await bench.deployments.up(cluster('answered', { dea: 3 }));
    const all = { 'dea-1': 'needs-attention', 'dea-2': 'needs-attention', 'dea-3': 'needs-attention' };
    await untilStages('answered', all);
    await refused(bench.deployments.skip('answered'), 'REFUSED', /dea-1, dea-2, dea-3/);
    await refused(
      bench.deployments.skip('answered', { node: 'dea-1' }),
      'REFUSED',
      /node dea-1 .* attach cannot be skipped/,
    );
    await refused(bench.deployments.resume('answered', { node: 'deo-1' }), 'NOT_FOUND', /no node deo-1/);
    await refused(bench.deployments.resume('answered', { node: 'core' }), 'REFUSED', /dea-1/);
    await refused(
      bench.deployments.abort('answered', { node: 'core' }),
      'REFUSED',
      /core of answered cannot be aborted alone/,
    );
    fakes.recover('attachNode');
    assert.equal(await bench.deployments.resume('answered', { node: 'dea-2' }), 'Trying again: attach.');
    await untilStages('answered', { ...all, 'dea-2': 'ready' });
    await refused(bench.deployments.resume('answered', { node: 'dea-2' }), 'NOT_OPEN', /node dea-2 .* it is ready/);
    assert.equal(
      await bench.deployments.resume('answered'),
      'dea-1: Trying again: attach.\ndea-3: Trying again: attach.',
    );
    const over = await bench.untilClosed('answered');
    assert.deepEqual([over.stage, over.unchanged], ['ready', false]);
    await refused(
      bench.deployments.resume('answered', { node: 'dea-2' }),
      'NOT_OPEN',
      /deployment answered is not running/,
    );
  });

  it('14: a node that is resumed no longer needs attention, even before its deployment has heard of it', async () => {
    fakes.failOn(['dea-1'], 'attachNode', 'COMMAND_NO_EFFECT');
    await bench.deployments.up(cluster('heard', { dea: 1 }));
    await untilStages('heard', { 'dea-1': 'needs-attention' });
    const release = fakes.holdOn('attachNode', 'dea-1');
    await bench.deployments.resume('heard', { node: 'dea-1' });
    assert.equal((await bench.deployments.status('heard')).stage, 'deploying');
    release();
    assert.equal((await bench.untilClosed('heard')).stage, 'ready');
  });

  it('14: pause stops the deployment and its nodes, or one node; resume lets all go on', async () => {
    const release = fakes.holdOn('renameNode', 'dea-1', 'dea-2');
    releases.push(release);
    await bench.deployments.up(cluster('paused', { dea: 2 }));
    await eventually('both rename', () => fakes.nodesOf('renameNode').filter((node) => node !== 'core').length === 2);
    assert.match(await bench.deployments.pause('paused', { node: 'dea-1' }), /^It will stop/);
    const said = await bench.deployments.pause('paused');
    assert.deepEqual(
      said.split('\n').map((line) => line.split(':')[0]),
      ['paused', 'dea-2'],
      'one that is paused already says nothing',
    );
    release();
    await untilStages('paused', { 'dea-1': 'paused', 'dea-2': 'paused' });
    assert.match(
      await bench.deployments.resume('paused'),
      /^paused: Going on\.\ndea-1: Going on\.\ndea-2: Going on\.$/,
    );
    assert.equal((await bench.untilClosed('paused')).stage, 'ready');
  });

  it('14: a node that is aborted is missing: the deployment has failed, and up makes what is missing', async () => {
    fakes.failOn(['dea-1'], 'attachNode', 'COMMAND_NO_EFFECT');
    await bench.deployments.up(cluster('partial', { dea: 3 }, { rollout: { canary: 1 } }));
    await untilStages('partial', { 'dea-1': 'needs-attention', 'dea-2': 'waiting' });
    await bench.deployments.abort('partial', { node: 'dea-1' });
    const failed = await bench.untilClosed('partial');
    assert.deepEqual(
      [failed.stage, failed.cutShort, stages(failed)],
      ['failed', undefined, { 'dea-1': 'aborted', 'dea-2': 'held', 'dea-3': 'held' }],
    );
    assert.ok(nodeNamed(failed, 'dea-1').undone.some(({ ok }) => ok));
    fakes.recover('attachNode');
    await bench.deployments.up(cluster('partial', { dea: 3 }));
    assert.equal((await bench.untilClosed('partial')).stage, 'ready');
  });

  it('14: up again changes nothing; with other counts it does the difference, which it tells beforehand', async () => {
    await bench.deployments.up(cluster('sized', { dea: 2 }));
    assert.equal((await bench.untilClosed('sized')).stage, 'ready');
    const more = await bench.deployments.changes(cluster('sized', { dea: 3 }));
    assert.deepEqual([more?.lines, more?.keep, more?.refused], [['+ dea-3'], ['dea-1', 'dea-2'], undefined]);
    assert.deepEqual((await bench.deployments.changes(cluster('sized', { dea: 2 })))?.lines, []);
    assert.equal(await bench.deployments.changes(cluster('unheard-of', { dea: 2 })), undefined);

    allThere(fakes);
    await bench.deployments.up(cluster('sized', { dea: 2 }));
    const same = await bench.untilClosed('sized');
    assert.deepEqual([same.stage, same.unchanged], ['ready', true]);

    assert.deepEqual((await bench.deployments.changes(cluster('sized', { dea: 1 })))?.lines, ['- dea-2']);
    const calls = fakes.calls.length;
    await bench.deployments.up(cluster('sized', { dea: 1 }));
    const less = await bench.untilClosed('sized');
    assert.deepEqual(
      [less.stage, stages(less), less.removedNodes, less.unchanged],
      ['ready', { 'dea-1': 'ready' }, ['dea-2'], false],
    );
    const terminated = fakes.calls.slice(calls).filter(({ name }) => name === 'terminateInstance');
    assert.deepEqual(
      terminated.map(({ input }) => [input.node, input.known.instance?.id]),
      [['dea-2', 'i-dea-2']],
    );
  });

  it('14: a node with data goes only if it is named; refused before anything is started', async () => {
    await bench.deployments.up(cluster('kept', { dea: 1, data: 2 }));
    const ready = await bench.untilClosed('kept');
    const without = cluster('kept', { dea: 1 });
    await refused(
      bench.deployments.up(without, { dataLoss: ['data-2'], path: 'kept.yaml' }),
      'DATA_LOSS',
      /would lose data\. data-1 would be removed/,
    );
    await assert.rejects(bench.deployments.up(without, { dataLoss: ['data-2'], path: 'kept.yaml' }), {
      exit: 2,
      remedy: /`stackato-deploy up kept\.yaml --data-loss data-2 --data-loss data-1`/,
    });
    assert.equal((await bench.deployments.status('kept')).runId, ready.runId, 'nothing was started');
    const refusedPlan = await bench.deployments.changes(without);
    assert.deepEqual([refusedPlan?.lines, refusedPlan?.refused?.code], [['- data-2', '- data-1'], 'DATA_LOSS']);
    await bench.deployments.up(without, { dataLoss: ['data-1', 'data-2'] });
    const over = await bench.untilClosed('kept');
    assert.deepEqual([over.stage, over.removedNodes], ['ready', ['data-1', 'data-2']]);
  });

  it('14: a run that dies at once loses no node; what only the workflow of a node knew is found again', async () => {
    const held = fakes.holdOn('pinHostKey', 'dea-1');
    releases.push(held);
    await bench.deployments.up(cluster('killed', { dea: 1 }));
    await eventually('it has a machine', () => fakes.nodesOf('pinHostKey').includes('dea-1'));
    const handle = server.client.workflow.getHandle(workflowIdOf('killed'));
    await handle.terminate();
    await eventually('its node is gone, too', async () => {
      const { status } = await server.client.workflow.getHandle(nodeWorkflowIdOf('killed', 'dea-1')).describe();
      return status.name !== 'RUNNING';
    });
    held();
    const dead = await bench.deployments.status('killed');
    assert.deepEqual([dead.stage, dead.cutShort, stages(dead)], ['failed', true, { 'dea-1': 'lost' }]);
    const { memo } = await handle.describe();
    assert.equal(
      deploymentViewIn(memo)?.nodes['dea-1']?.facts.instance,
      undefined,
      'the deployment did not hear of it',
    );

    await bench.worker.stopWorker();
    await bench.deployments.up(cluster('killed', { dea: 1 }));
    const begun = await bench.deployments.status('killed');
    assert.equal(nodeNamed(begun, 'dea-1').instance?.id, 'i-dea-1', 'before a worker has seen it');
    await handle.terminate();
    const { machines, did } = await bench.deployments.down('killed');
    assert.deepEqual([did, machines], ['removing', 2]);
    await bench.worker.startWorker(fakes);
    assert.equal((await bench.untilClosed('killed')).stage, 'removed');
    assert.deepEqual(
      fakes.calls
        .filter(({ name }) => name === 'terminateInstance')
        .map(({ input }) => [input.node, input.known.instance?.id]),
      [
        ['dea-1', 'i-dea-1'],
        ['core', 'i-1'],
      ],
    );
  });
});
