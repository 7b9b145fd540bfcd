/** That something may have been asked for is a fact of the deployment until its end is known. */

import assert from 'node:assert/strict';
import { ApplicationFailure } from '@temporalio/common';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import type { StepActivityName } from '../../src/deployment/steps';
import type { Known } from '../../src/deployment/facts';
import { Bench } from '../support/deployment';
import { FakeActivities } from '../support/fake-activities';
import { specNamed } from '../support/specs';
import { localServer } from '../support/temporal';

describe('a request without an answer', function () {
  this.timeout(60_000);
  let env: TestWorkflowEnvironment;
  let bench: Bench;
  let fakes: FakeActivities;

  before(async () => {
    env = await localServer();
  });
  after(() => env.teardown());
  beforeEach(async function () {
    fakes = new FakeActivities();
    bench = new Bench(env, `unsettled-${this.currentTest?.title.slice(0, 40) ?? ''}`);
    await bench.startWorker(fakes);
  });
  afterEach(() => bench.stopWorker());

  const since = 1_700_000_000_000;
  const fails = (name: StepActivityName, details?: object): void =>
    fakes.when(name, () =>
      Promise.reject(
        ApplicationFailure.create({
          type: 'NOT_YET',
          message: 'no answer',
          nonRetryable: true,
          ...(details === undefined ? {} : { details: [details] }),
        }),
      ),
    );
  const seenBy = (name: StepActivityName): Known['launchRequest'][] =>
    fakes.calls.filter((call) => call.name === name).map(({ input }) => input.known.launchRequest);

  it('6b: is known to the next try, and to what takes it back', async () => {
    const unsettled = { call: 'RunInstances', since };
    fails('launchInstance', { unsettled });
    const deployment = await bench.deploy(specNamed('asked'));
    await deployment.untilStage('needs-attention');
    assert.deepEqual((await deployment.view()).facts.nodes.core.launchRequest, unsettled);
    await deployment.say('resume');
    await deployment.until('tried again', () => seenBy('launchInstance').length === 2);
    await deployment.untilStage('needs-attention');
    await deployment.say('abort');
    await deployment.result();
    assert.deepEqual(seenBy('launchInstance'), [undefined, unsettled]);
    assert.deepEqual(seenBy('terminateInstance'), [unsettled]);
    assert.equal((await deployment.view()).facts.nodes.core.launchRequest, undefined, 'settled with it');
  });

  it('6b: is none after a plain refusal, nor once it is done', async () => {
    fails('launchInstance');
    const deployment = await bench.deploy(specNamed('refused'));
    await deployment.untilStage('needs-attention');
    assert.equal((await deployment.view()).facts.nodes.core.launchRequest, undefined);
    fakes.recover('launchInstance');
    await deployment.say('resume');
    const { view } = await deployment.result();
    assert.equal(view.facts.nodes.core.launchRequest, undefined);
  });

  it('6b: may be out where the activity was cancelled, which says nothing of it', async () => {
    let started: () => void = () => undefined;
    const begun = new Promise<void>((resolve) => {
      started = resolve;
    });
    fakes.when('launchInstance', () => {
      started();
      return Promise.reject(ApplicationFailure.create({ type: 'NOT_YET', message: 'not yet', nextRetryDelay: '1m' }));
    });
    const deployment = await bench.deploy(specNamed('cut'));
    await begun;
    await deployment.say('abort');
    await deployment.result();
    assert.deepEqual(seenBy('terminateInstance'), [{ call: 'launchInstance' }]);
  });
});
