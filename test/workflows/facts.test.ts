import { strict as assert } from 'node:assert';
import { factsOf } from '../../src/deployment/facts';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { Bench } from '../support/deployment';
import { FakeActivities } from '../support/fake-activities';
import { Held } from '../support/held';
import { specNamed } from '../support/specs';
import { localServer } from '../support/temporal';
import { eventually } from '../support/wait';

describe('what a run knows, however it ends', function () {
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
    bench = new Bench(env, `facts-${++count}`);
    await bench.startWorker(fakes);
  });
  afterEach(() => bench.stopWorker());

  it('B7: what an activity learnt is in the memo before the next one begins', async () => {
    const held = new Held();
    fakes.when('awaitRunning', async () => {
      await held.wait();
      return { changed: false, note: '', known: {} };
    });
    const deployment = await bench.deploy(specNamed('memo'));
    await eventually('launched', () => held.waiting);
    assert.equal((await deployment.view()).facts.nodes.core.instance?.id, 'i-1');
    held.release();
    await deployment.result();
  });

  it('6c: that a reboot is owed survives a run that is terminated from outside', async () => {
    const held = new Held();
    fakes.when('renameNode', async () => {
      await held.wait();
      return { changed: true, note: '', known: {} };
    });
    const deployment = await bench.deploy(specNamed('owed'), factsOf({ reboot: { before: 'a', after: 'b' } }));
    await eventually('static-ip is done', () => held.waiting);
    await deployment.handle.terminate('from outside');
    held.release();
    assert.deepEqual((await deployment.view()).facts.nodes.core.rebootOwed, ['static-ip']);
    for (const name of ['setStaticIp', 'renameNode', 'disableMdns'] as const)
      fakes.when(name, () => Promise.resolve({ changed: false, note: '', known: {} }));
    const again = await bench.deploy(specNamed('owed'), (await deployment.view()).facts);
    const { view } = await again.result();
    assert.deepEqual(fakes.calls.findLast(({ name }) => name === 'readBootId')?.input.known.rebootOwed, ['static-ip']);
    assert.equal(view.facts.nodes.core.rebootOwed, undefined);
  });
});
