import { strict as assert } from 'node:assert';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { WorkflowUpdateFailedError } from '@temporalio/client';
import type { StepId } from '../../src/deployment/steps';
import { Bench } from '../support/deployment';
import { FakeActivities } from '../support/fake-activities';
import { specNamed } from '../support/specs';
import { localServer } from '../support/temporal';

async function refused(update: Promise<unknown>, reason: RegExp): Promise<void> {
  await assert.rejects(
    update,
    (error) => error instanceof WorkflowUpdateFailedError && reason.test(String(error.cause?.message)),
  );
}

describe('resume from an earlier step', function () {
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
    bench = new Bench(env, `from-${++count}`);
    await bench.startWorker(fakes);
  });
  afterEach(() => bench.stopWorker());

  it('17b: resume --from does an earlier step again, with a new need, and everything after it', async () => {
    fakes.fail('setUpCore', 'KATO_NOT_READY');
    const deployment = await bench.deploy(specNamed('from-associate'));
    await deployment.untilStage('needs-attention');
    fakes.recover('setUpCore');
    const before = fakes.names().length;
    assert.equal(await deployment.say('resume', { from: 'associate' }), 'Doing everything from associate on again.');
    const { view } = await deployment.result();
    assert.equal(view.stage, 'ready');
    const again = fakes.names().slice(before);
    assert.equal(again[0], 'associateAddress');
    assert.ok(!again.includes('launchInstance') && !again.includes('updateDns') && again.includes('renameNode'));
    const needs = fakes.calls.filter(({ name }) => name === 'renameNode').map(({ input }) => input.need);
    assert.equal(new Set(needs).size, 2);
  });

  it('17b: resume --from is refused for what comes later, is not needed, or does not exist, and where nothing is parked', async () => {
    fakes.fail('renameNode', 'COMMAND_NO_EFFECT');
    const deployment = await bench.deploy(specNamed('from-refused', { network: { mode: 'dhcp' } }));
    await deployment.untilStage('needs-attention');
    await refused(deployment.say('resume', { from: 'verify' }), /verify comes after rename/);
    await refused(deployment.say('resume', { from: 'static-ip' }), /static-ip is not needed/);
    await refused(deployment.say('resume', { from: 'nonsense' as StepId }), /There is no step nonsense/);
    await refused(deployment.say('resume', { from: 'dns', step: 'rename' }), /Say either/);
    fakes.recover('renameNode');
    await deployment.say('resume', { from: 'rename' });
    assert.equal((await deployment.result()).stage, 'ready');
  });

  it('17b: a parked step names the earlier one whose effect is gone', async () => {
    fakes.fail('setUpCore', 'SSH_UNREACHABLE', 'Port 22 is silent.');
    fakes.lost = ({ steps }) =>
      steps.includes('associate')
        ? { step: 'associate', message: '10.1.1.103 is associated with no instance.' }
        : undefined;
    const deployment = await bench.deploy(specNamed('lost'));
    const { steps } = await deployment.until(
      'it is seen',
      (view) => view.steps['setup-core']?.error?.from !== undefined,
    );
    assert.deepEqual(steps['setup-core']?.error, {
      code: 'SSH_UNREACHABLE',
      from: 'associate',
      message:
        'Port 22 is silent. What the step associate made is gone: 10.1.1.103 is associated with no instance. `resume --from associate` makes it again.',
    });
    fakes.lost = () => undefined;
    fakes.recover('setUpCore');
    await deployment.say('resume', { from: 'associate' });
    assert.equal((await deployment.result()).stage, 'ready');
  });
});
