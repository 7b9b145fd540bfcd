import { strict as assert } from 'node:assert';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { WorkflowFailedError, WorkflowUpdateFailedError } from '@temporalio/client';
import { CancelledFailure } from '@temporalio/common';
import { Bench } from '../support/deployment';
import { FakeActivities } from '../support/fake-activities';
import { specNamed } from '../support/specs';
import { localServer } from '../support/temporal';
import { eventually } from '../support/wait';

const UNDO_ORDER = [
  'disassociateAddress',
  'terminateInstance',
  'takeBackDns',
  'deleteSecurityGroup',
  'giveBackAddress',
];

async function refused(update: Promise<unknown>, reason: RegExp): Promise<void> {
  await assert.rejects(
    update,
    (error) => error instanceof WorkflowUpdateFailedError && reason.test(String(error.cause?.message)),
  );
}

describe('decisions of a person', function () {
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
    fakes = new FakeActivities();
    bench = new Bench(env, `decisions-${++count}`);
    await bench.startWorker(fakes);
  });
  afterEach(() => bench.stopWorker());

  it('a step that fails for good parks; resume repeats that step alone, with a new need', async () => {
    fakes.fail('renameNode', 'COMMAND_NO_EFFECT', 'no such name');
    const deployment = await bench.deploy(specNamed('parks'));
    const parked = await deployment.untilStage('needs-attention');
    assert.deepEqual(parked.steps.rename?.error, { code: 'COMMAND_NO_EFFECT', message: 'no such name' });
    fakes.recover('renameNode');
    assert.equal(await deployment.say('resume', {}), 'Trying again: rename.');
    assert.equal((await deployment.result()).stage, 'ready');
    assert.equal(fakes.names().filter((name) => name === 'setStaticIp').length, 1);
    const needs = fakes.calls.filter(({ name }) => name === 'renameNode').map(({ input }) => input.need);
    assert.equal(new Set(needs).size, 2);
  });

  it('is seen to need attention with no worker running', async () => {
    fakes.fail('launchInstance', 'NO_CAPACITY');
    const deployment = await bench.deploy(specNamed('no-worker'));
    await deployment.untilStage('needs-attention');
    await bench.stopWorker();
    const view = await deployment.view();
    assert.equal(view.steps.launch?.error?.code, 'NO_CAPACITY');
    const found = env.client.workflow.list({
      query: "StackatoStage = 'needs-attention' AND StackatoHost = 'no-worker.stackato.test'",
    });
    const first = await found[Symbol.asyncIterator]().next();
    assert.equal(first.done, false);
    fakes.recover('launchInstance');
    await bench.startWorker(fakes);
    await deployment.say('resume', {});
    assert.equal((await deployment.result()).stage, 'ready');
  });

  it('skip goes on without a step that may be skipped, and is refused for others', async () => {
    fakes.fail('renameNode', 'COMMAND_NO_EFFECT');
    fakes.fail('verifyConsole', 'CONSOLE_NOT_UP');
    const deployment = await bench.deploy(specNamed('skips'));
    await refused(deployment.say('skip', {}), /No step needs attention|cannot be skipped/);
    await deployment.untilStage('needs-attention');
    await refused(deployment.say('skip', {}), /rename cannot be skipped/);
    await refused(deployment.say('resume', { step: 'dns' }), /dns does not need attention/);
    fakes.recover('renameNode');
    await deployment.say('resume', {});
    await deployment.until('verify parked', (view) => view.steps.verify?.state === 'attention');
    assert.equal(await deployment.say('skip', {}), 'Going on without verify.');
    const { view } = await deployment.result();
    assert.equal(view.steps.verify?.state, 'skipped');
    assert.equal(view.stage, 'ready');
  });

  it('two parked steps: skip must say which; resume takes both', async () => {
    fakes.fail('ensureAddress', 'ADDRESS_NONE_LEFT');
    fakes.fail('ensureSecurityGroup', 'GROUP_FOREIGN');
    const deployment = await bench.deploy(specNamed('two-parked'));
    await deployment.until(
      'both parked',
      ({ steps }) => steps.address?.state === 'attention' && steps['security-group']?.state === 'attention',
    );
    await refused(
      deployment.say('skip', {}),
      /More than one step needs attention \(address, security-group\)|security-group, address/,
    );
    fakes.recover('ensureAddress');
    fakes.recover('ensureSecurityGroup');
    await deployment.say('resume', {});
    assert.equal((await deployment.result()).stage, 'ready');
  });

  it('abort takes everything back, in reverse order, and ends aborted', async () => {
    fakes.fail('enableRoles', 'COMMAND_NO_EFFECT');
    const deployment = await bench.deploy(specNamed('aborts'));
    await deployment.untilStage('needs-attention');
    await deployment.say('abort');
    const { stage, view } = await deployment.result();
    assert.equal(stage, 'aborted');
    assert.deepEqual(fakes.names().slice(-5), UNDO_ORDER);
    assert.deepEqual(
      view.undone.map(({ ok }) => ok),
      [true, true, true, true, true],
    );
    assert.equal(view.facts.nodes.core.instance, undefined);
    assert.equal(view.facts.site.address, undefined);
  });

  it('cancelling the workflow takes back as well', async () => {
    fakes.fail('renameNode', 'COMMAND_NO_EFFECT');
    const deployment = await bench.deploy(specNamed('cancelled'));
    await deployment.untilStage('needs-attention');
    await deployment.handle.cancel();
    await assert.rejects(
      deployment.result(),
      (error) => error instanceof WorkflowFailedError && error.cause instanceof CancelledFailure,
    );
    assert.deepEqual(fakes.names().slice(-5), UNDO_ORDER);
    assert.equal((await deployment.view()).stage, 'aborted');
  });

  it('what cannot be taken back is said, the rest is taken back', async () => {
    fakes.fail('renameNode', 'COMMAND_NO_EFFECT');
    fakes.fail('deleteSecurityGroup', 'CLOUD_REFUSED', 'in use');
    const deployment = await bench.deploy(specNamed('undo-fails'));
    await deployment.untilStage('needs-attention');
    await deployment.say('abort');
    await assert.rejects(deployment.result(), WorkflowFailedError);
    const view = await deployment.view();
    assert.equal(view.stage, 'failed');
    assert.deepEqual(
      view.undone.filter(({ ok }) => !ok),
      [{ what: 'security group', ok: false, message: 'CLOUD_REFUSED: in use' }],
    );
    assert.ok(fakes.names().includes('giveBackAddress'));
    assert.notEqual(view.facts.site.group, undefined);
  });

  it('pause stops before the next step, resume goes on', async () => {
    let release: () => void = () => undefined;
    const atWork = new Promise<void>((resolve) => {
      release = resolve;
    });
    fakes.when('renameNode', async () => {
      await atWork;
      return { changed: true, note: '', known: {} };
    });
    const deployment = await bench.deploy(specNamed('pauses'));
    await eventually('rename under way', () => fakes.names().includes('renameNode'));
    await refused(deployment.say('resume', {}), /nothing to resume/);
    await deployment.say('pause');
    await refused(deployment.say('pause'), /paused already/);
    release();
    await deployment.untilStage('paused');
    assert.ok(!fakes.names().includes('disableMdns'));
    assert.equal(await deployment.say('resume', {}), 'Going on.');
    assert.equal((await deployment.result()).stage, 'ready');
  });
});
