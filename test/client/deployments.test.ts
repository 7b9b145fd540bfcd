import { strict as assert } from 'node:assert';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import type { DeploymentStatus } from '../../src/client/status';
import type { ClientError } from '../../src/client/errors';
import { CORE } from '../../src/deployment/facts';
import { stepsOn } from '../../src/deployment/steps';
import { WORKFLOW, workflowIdOf } from '../../src/deployment/names';
import { FakeActivities } from '../support/fake-activities';
import { specNamed } from '../support/specs';
import { localServer } from '../support/temporal';
import { eventually } from '../support/wait';
import { allThere, ClientBench, hold, refused } from './bench';

describe('client library', function () {
  this.timeout(60_000);
  let server: TestWorkflowEnvironment;
  let bench: ClientBench;
  let fakes: FakeActivities;
  let count = 0;

  before(async () => {
    server = await localServer();
  });
  after(() => server.teardown());
  beforeEach(async () => {
    fakes = new FakeActivities();
    bench = await ClientBench.open(server, `client-${++count}`);
    await bench.worker.startWorker(fakes);
  });
  afterEach(() => bench.close());

  async function brought(name: string): Promise<DeploymentStatus> {
    await bench.deployments.up(specNamed(name));
    return bench.untilClosed(name);
  }

  it('up shows the deployment at once, and watch every change until it is closed', async () => {
    const { started, status } = await bench.deployments.up(specNamed('watched'));
    assert.equal(started, true);
    assert.deepEqual(
      status.steps.map(({ id }) => id),
      stepsOn({}, CORE).map(({ id }) => id),
    );
    const seen: DeploymentStatus[] = [];
    for await (const each of bench.deployments.watch('watched', { interval: 20 })) seen.push(each);
    const last = seen.at(-1)!;
    assert.deepEqual([last.stage, last.open, last.unchanged], ['ready', false, false]);
    assert.equal(
      last.workflowUrl,
      `http://ui.test/namespaces/default/workflows/stackato%2Fwatched/${last.runId}/history`,
    );
    assert.equal(last.resources.address?.publicIp, '10.1.1.103');
    const texts = seen.map((each) => JSON.stringify(each));
    assert.ok(texts.every((text, i) => text !== texts[i - 1]));
  });

  it('up again finds the one under way, and refuses another spec, naming where it differs', async () => {
    const release = hold(fakes, 'launchInstance');
    const first = await bench.deployments.up(specNamed('attached'));
    const second = await bench.deployments.up(specNamed('attached'));
    assert.deepEqual([second.started, second.status.runId], [false, first.status.runId]);
    await refused(
      bench.deployments.up(specNamed('attached', { image: { id: 'emi-87654321' } })),
      'SPEC_DIFFERS',
      /differs in image\.id\.$/,
    );
    release();
    assert.equal((await bench.untilClosed('attached')).stage, 'ready');
  });

  it('two at once make one deployment', async () => {
    const release = hold(fakes, 'launchInstance');
    const both = await Promise.all([
      bench.deployments.up(specNamed('twice')),
      bench.deployments.up(specNamed('twice')),
    ]);
    assert.deepEqual(both.map(({ started }) => started).sort(), [false, true]);
    assert.equal(new Set(both.map(({ status }) => status.runId)).size, 1);
    release();
    await bench.untilClosed('twice');
    assert.equal(fakes.names().filter((name) => name === 'launchInstance').length, 1);
  });

  it('up on a finished one goes on with what is known, changes nothing and says so', async () => {
    const first = await brought('again');
    allThere(fakes);
    const before = fakes.calls.length;
    const { started } = await bench.deployments.up(specNamed('again'));
    const again = await bench.untilClosed('again');
    assert.equal(started, true);
    assert.notEqual(again.runId, first.runId);
    assert.deepEqual([again.stage, again.unchanged], ['ready', true]);
    assert.deepEqual(again.resources, first.resources);
    assert.deepEqual(fakes.calls[before]?.input.known, first.resources);
    assert.ok(!fakes.names().slice(before).includes('requestReboot'));
  });

  it('up with another spec on a finished one: refused where things would be orphaned, else not', async () => {
    await brought('changed');
    const spec = specNamed('changed');
    await refused(
      bench.deployments.up({ ...spec, dns: { ...spec.dns, name: 'other.stackato.test' } }),
      'SPEC_DIFFERS',
      /dns\.name, which cannot be changed in place/,
    );
    const { started } = await bench.deployments.up({ ...spec, access: { ...spec.access, console: ['10.0.0.0/8'] } });
    assert.equal(started, true);
    await bench.untilClosed('changed');
  });

  it('up with another spec: says `--volumes` only where `down` would keep a volume of ours', async () => {
    for (const [name, made] of [
      ['given', false],
      ['made', true],
    ] as const) {
      fakes.when('ensureVolume', () =>
        Promise.resolve({ changed: made, note: 'vol-1', known: { volume: { id: 'vol-1', size: 1, made } } }),
      );
      const spec = specNamed(name, { storage: { containers: made ? { size: 1 } : { id: 'vol-1' } } });
      await bench.deployments.up(spec);
      await bench.untilClosed(name);
      await assert.rejects(
        bench.deployments.up({ ...spec, dns: { ...spec.dns, name: 'other.stackato.test' } }),
        ({ remedy }: ClientError) =>
          remedy === `Put back what differs, or run \`stackato-deploy down ${name}${made ? ' --volumes' : ''}\` first.`,
      );
    }
  });

  it('needs attention: status and list are right with the worker stopped, resume goes on', async () => {
    fakes.fail('renameNode', 'COMMAND_NO_EFFECT', 'no such name');
    await bench.deployments.up(specNamed('parked'));
    await bench.untilStage('parked', 'needs-attention');
    await bench.worker.stopWorker();
    const status = await bench.deployments.status('parked');
    assert.deepEqual(status.steps.find(({ id }) => id === 'rename')?.error, {
      code: 'COMMAND_NO_EFFECT',
      message: 'no such name',
    });
    const row = await eventually('the list has it', async () =>
      (await bench.deployments.list()).find(({ name, stage }) => name === 'parked' && stage === 'needs-attention'),
    );
    assert.deepEqual(row.attention, [{ step: 'rename', code: 'COMMAND_NO_EFFECT' }]);
    assert.deepEqual([row.cloud, row.host, row.open], ['eucalyptus-3.2', 'parked.stackato.test', true]);
    fakes.recover('renameNode');
    await bench.worker.startWorker(fakes);
    assert.equal(await bench.deployments.resume('parked', { step: 'rename' }), 'Trying again: rename.');
    assert.equal((await bench.untilClosed('parked')).stage, 'ready');
  });

  it('skip, and what is refused, with the reason', async () => {
    fakes.fail('verifyConsole', 'CONSOLE_NOT_UP');
    fakes.fail('renameNode', 'COMMAND_NO_EFFECT');
    await bench.deployments.up(specNamed('skipped'));
    await bench.untilStage('skipped', 'needs-attention');
    await refused(bench.deployments.skip('skipped'), 'REFUSED', /The step rename cannot be skipped/);
    await refused(
      bench.deployments.resume('skipped', { step: 'dns' }),
      'REFUSED',
      /The step dns does not need attention/,
    );
    fakes.recover('renameNode');
    await bench.deployments.resume('skipped');
    await bench.until('skipped', 'verify needs attention', ({ steps }) => steps.at(-1)?.state === 'attention');
    assert.equal(await bench.deployments.skip('skipped'), 'Going on without verify.');
    assert.equal((await bench.untilClosed('skipped')).steps.at(-1)?.state, 'skipped');
    await refused(bench.deployments.resume('skipped'), 'NOT_OPEN', /It is ready/);
    await refused(bench.deployments.status('nobody'), 'NOT_FOUND', /knows no deployment nobody/);
    await refused(bench.deployments.abort('nobody'), 'NOT_FOUND', /knows no deployment nobody/);
  });

  it('pause and resume', async () => {
    const release = hold(fakes, 'renameNode');
    await bench.deployments.up(specNamed('paused'));
    await eventually('rename under way', () => fakes.names().includes('renameNode'));
    await bench.deployments.pause('paused');
    release();
    await bench.untilStage('paused', 'paused');
    assert.equal(await bench.deployments.resume('paused'), 'Going on.');
    assert.equal((await bench.untilClosed('paused')).stage, 'ready');
  });

  it('abort takes back; up afterwards begins with nothing', async () => {
    fakes.fail('renameNode', 'COMMAND_NO_EFFECT');
    await bench.deployments.up(specNamed('aborted'));
    await bench.untilStage('aborted', 'needs-attention');
    assert.equal(await bench.deployments.abort('aborted'), 'Taking everything back.');
    const over = await bench.untilClosed('aborted');
    assert.equal(over.stage, 'aborted');
    assert.ok(over.undone.length > 0 && over.undone.every(({ ok }) => ok));
    fakes.recover('renameNode');
    const before = fakes.calls.length;
    await bench.deployments.up(specNamed('aborted', { image: { id: 'emi-87654321' } }));
    await bench.untilClosed('aborted');
    assert.equal(fakes.calls[before]?.input.known.instance, undefined);
  });

  it('down removes a finished one with the spec and facts it left; a second down finds nothing', async () => {
    const ready = await brought('downed');
    const before = fakes.calls.length;
    const release = hold(fakes, 'terminateInstance');
    const { did, status } = await bench.deployments.down('downed');
    assert.deepEqual([did, status.action, status.stage], ['removing', 'teardown', 'undoing']);
    assert.equal((await bench.deployments.down('downed')).did, 'under-way');
    await refused(bench.deployments.up(specNamed('downed')), 'BEING_REMOVED', /being taken back/);
    await refused(bench.deployments.resume('downed'), 'BEING_REMOVED', /being removed/);
    release();
    assert.equal((await bench.untilClosed('downed')).stage, 'removed');
    assert.deepEqual(fakes.calls[before]?.input.known, ready.resources);
    const calls = fakes.calls.length;
    assert.equal((await bench.deployments.down('downed')).did, 'nothing');
    assert.equal(fakes.calls.length, calls);
    await refused(bench.deployments.down('nobody'), 'NOT_FOUND', /knows no deployment nobody/);
  });

  it('down on one under way aborts it', async () => {
    fakes.fail('logIn', 'SSH_AUTH');
    await bench.deployments.up(specNamed('cut-short'));
    await bench.untilStage('cut-short', 'needs-attention');
    const { did, status } = await bench.deployments.down('cut-short');
    assert.deepEqual([did, status.action], ['aborting', 'deploy']);
    assert.equal((await bench.untilClosed('cut-short')).stage, 'aborted');
    assert.equal((await bench.deployments.down('cut-short')).did, 'nothing');
  });

  it('one that could not be taken back whole has failed, and down tries again', async () => {
    await brought('stubborn');
    fakes.fail('deleteSecurityGroup', 'CLOUD_REFUSED', 'in use');
    await bench.deployments.down('stubborn');
    const failed = await bench.untilClosed('stubborn');
    assert.equal(failed.stage, 'failed');
    assert.deepEqual(
      failed.undone.filter(({ ok }) => !ok),
      [{ what: 'security group', ok: false, message: 'CLOUD_REFUSED: in use' }],
    );
    fakes.recover('deleteSecurityGroup');
    assert.equal((await bench.deployments.down('stubborn')).did, 'removing');
    assert.equal((await bench.untilClosed('stubborn')).stage, 'removed');
  });

  it('one ended from outside has failed; up goes on with what it knew', async () => {
    const release = hold(fakes, 'renameNode');
    await bench.deployments.up(specNamed('killed'));
    await bench.until('killed', 'the instance is known', ({ resources }) => resources.instance !== undefined);
    await server.client.workflow.getHandle(workflowIdOf('killed')).terminate();
    const dead = await bench.deployments.status('killed');
    assert.deepEqual([dead.stage, dead.open], ['failed', false]);
    release();
    const before = fakes.calls.length;
    await bench.deployments.up(specNamed('killed'));
    assert.equal((await bench.untilClosed('killed')).stage, 'ready');
    assert.equal(fakes.calls.slice(before).find(({ name }) => name === 'preflight')?.input.known.instance?.id, 'i-1');
  });

  it('no worker: up starts and says so, answers fail at once', async () => {
    const lonely = await ClientBench.open(server, 'nobody-listens');
    try {
      const { started, status } = await lonely.deployments.up(specNamed('lonely'));
      assert.deepEqual([started, status.trouble, status.stage], [true, 'no-worker', 'deploying']);
      await refused(lonely.deployments.pause('lonely'), 'NO_WORKER', /cannot be told to pause/);
      await refused(lonely.deployments.down('lonely'), 'NO_WORKER', /cannot be told to abort/);
      const findings = await lonely.deployments.doctor(specNamed('lonely'));
      assert.deepEqual(
        findings.map(({ check, ok }) => [check, ok]),
        [
          ['Temporal', true],
          ['search attributes', true],
          ['worker', false],
        ],
      );
      assert.match(findings[2]?.remedy ?? '', /stackato-deploy worker/);
      await server.client.workflow.getHandle(workflowIdOf('lonely')).terminate();
    } finally {
      await lonely.close();
    }
  });

  it('a workflow that something else started is not taken for ours', async () => {
    await server.client.workflow.start(WORKFLOW.deploy, {
      workflowId: workflowIdOf('foreign'),
      taskQueue: 'nobody-listens',
      args: [],
    });
    await refused(bench.deployments.status('foreign'), 'NOT_READABLE', /is not a deployment of this tool/);
    await refused(bench.deployments.up(specNamed('foreign')), 'NOT_READABLE', /is not a deployment of this tool/);
    assert.ok(!(await bench.deployments.list()).some(({ name }) => name === 'foreign'));
    await server.client.workflow.getHandle(workflowIdOf('foreign')).terminate();
  });

  it('watch ends when its signal comes, and the deployment goes on', async () => {
    const release = hold(fakes, 'renameNode');
    await bench.deployments.up(specNamed('unwatched'));
    const stop = new AbortController();
    let looks = 0;
    for await (const { open } of bench.deployments.watch('unwatched', { signal: stop.signal })) {
      assert.ok(open);
      looks += 1;
      stop.abort();
    }
    assert.equal(looks, 1);
    release();
    assert.equal((await bench.untilClosed('unwatched')).stage, 'ready');
  });

  it('doctor lists every finding, with remedies that fit', async () => {
    // A worker that has just started is known to poll a moment later.
    const findings = await eventually('every finding is good', async () => {
      const found = await bench.deployments.doctor(specNamed('patient'));
      return found.every(({ ok }) => ok) && found;
    });
    assert.deepEqual(findings.at(-1), { check: 'all', ok: true, message: 'well' });
  });

  it('a namespace that is not there is refused by name', async () => {
    process.env.TEMPORAL_NAMESPACE = 'nowhere';
    const lost = await ClientBench.open(server, 'lost');
    try {
      await refused(lost.deployments.list(), 'TEMPORAL_REFUSED', /has no namespace nowhere/);
      await refused(lost.deployments.status('x'), 'TEMPORAL_REFUSED', /has no namespace nowhere/);
      await refused(lost.deployments.doctor(specNamed('x')), 'TEMPORAL_REFUSED', /has no namespace nowhere/);
    } finally {
      delete process.env.TEMPORAL_NAMESPACE;
      await lost.close();
    }
  });
});
