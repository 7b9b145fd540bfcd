import { strict as assert } from 'node:assert';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { ApplicationFailure, CancelledFailure } from '@temporalio/common';
import type { StepActivityName } from '../../src/deployment/steps';
import { Bench } from '../support/deployment';
import { FakeActivities } from '../support/fake-activities';
import { Held } from '../support/held';
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

describe('abort, while something is at work', function () {
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
    bench = new Bench(env, `abort-${++count}`);
    await bench.startWorker(fakes);
  });
  afterEach(() => bench.stopWorker());

  /** What is at work in the same deployment, and must be seen to its end before anything is undone. */
  const MUTATING: readonly StepActivityName[] = [
    'ensureAddress',
    'ensureSecurityGroup',
    'launchInstance',
    'updateDns',
    'associateAddress',
    'setStaticIp',
    'requestReboot',
    'openConsole',
  ];
  for (const name of MUTATING) {
    it(`A1: abort while ${name} is at work waits until it has come to its end, then undoes with what it made in view`, async () => {
      const held = new Held();
      fakes.when(name, async () => {
        await held.wait();
        return { changed: true, note: 'late', known: { instance: { id: 'i-late' } } };
      });
      const deployment = await bench.deploy(specNamed(`late-${name.toLowerCase()}`));
      await eventually(`${name} under way`, () => held.waiting);
      await deployment.say('abort');
      // Longer than a cancellation takes to reach an attempt: the next beat of its heart, and the answer to it.
      await eventually('the attempt knows that it is cancelled', () => held.cancelled);
      await deployment.until('nothing is undone yet', ({ stage }) => stage === 'deploying');
      assert.ok(!fakes.names().includes('disassociateAddress'), fakes.names().join());
      held.release();
      assert.equal((await deployment.result()).stage, 'aborted');
      assert.deepEqual(fakes.names().slice(-5), UNDO_ORDER);
      assert.equal(fakes.calls.find((call) => call.name === 'terminateInstance')?.input.known.instance?.id, 'i-late');
    });
  }

  it('A1: of two branches side by side, abort waits for both', async () => {
    const [address, group] = [new Held(), new Held()];
    fakes.when('ensureAddress', async () => {
      await address.wait();
      throw new CancelledFailure('cancelled');
    });
    fakes.when('ensureSecurityGroup', async () => {
      await group.wait();
      return { changed: true, note: '', known: { group: { name: 'g' } } };
    });
    const deployment = await bench.deploy(specNamed('abort-both'));
    await eventually('both under way', () => address.waiting && group.waiting);
    await deployment.say('abort');
    await eventually('both know', () => address.cancelled && group.cancelled);
    address.release();
    await eventually('the address has ended, while the group is still being made', async () => {
      const { events } = await deployment.handle.fetchHistory();
      return (events ?? []).some((event) => event.activityTaskCanceledEventAttributes);
    });
    assert.equal((await deployment.view()).stage, 'deploying');
    assert.ok(!fakes.names().includes('deleteSecurityGroup'));
    group.release();
    assert.equal((await deployment.result()).stage, 'aborted');
    assert.deepEqual(fakes.calls.find((call) => call.name === 'deleteSecurityGroup')?.input.known.group, { name: 'g' });
  });

  it('A1: a failure that came before the cancellation reached the attempt is not asked about any more', async () => {
    const held = new Held();
    fakes.when('renameNode', async () => {
      await held.wait();
      throw ApplicationFailure.nonRetryable('refused', 'COMMAND_NO_EFFECT');
    });
    const deployment = await bench.deploy(specNamed('abort-fails'));
    await eventually('rename under way', () => held.waiting);
    await deployment.say('abort');
    held.release();
    const { view } = await deployment.result();
    assert.equal(view.stage, 'aborted');
    assert.notEqual(view.steps.rename?.state, 'attention');
  });

  it('17c: of an aborted deployment no step is shown as running', async () => {
    const held = new Held();
    fakes.when('renameNode', async () => {
      await held.wait();
      throw new CancelledFailure('cancelled');
    });
    const deployment = await bench.deploy(specNamed('abort-shown'));
    await eventually('rename under way', () => held.waiting);
    await deployment.say('abort');
    held.release();
    const { view } = await deployment.result();
    assert.deepEqual(view.steps.rename?.note, 'stopped by abort');
    assert.ok(!Object.values(view.steps).some(({ state }) => state === 'running'));
  });
});
