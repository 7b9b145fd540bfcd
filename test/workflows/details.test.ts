import { strict as assert } from 'node:assert';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { stepsOf } from '../../src/client/step-status';
import { Bench } from '../support/deployment';
import { FakeActivities } from '../support/fake-activities';
import { clusterNamed, specNamed } from '../support/specs';
import { localServer } from '../support/temporal';

describe('what the Web UI shows of a deployment', function () {
  this.timeout(60_000);
  let env: TestWorkflowEnvironment;
  let bench: Bench;
  let fakes: FakeActivities;

  before(async () => {
    env = await localServer();
  });
  after(() => env.teardown());
  beforeEach(async () => {
    fakes = new FakeActivities();
    bench = new Bench(env, 'details');
    await bench.startWorker(fakes);
  });
  afterEach(() => bench.stopWorker());

  it('26: cause, remedy and every answer stand above the table of steps, and options stay as they are typed', async () => {
    fakes.fail('verifyConsole', 'CONSOLE_NOT_UP', 'The API answers 503.');
    fakes.lost = () => ({ step: 'dns', message: 'It leads elsewhere.' });
    const deployment = await bench.deploy(specNamed('shown'));
    await deployment.until('the loss is named', ({ steps }) => steps.verify?.error?.from !== undefined);
    const { currentDetails } = await deployment.handle.query<{ currentDetails: string }>(
      '__temporal_workflow_metadata',
    );
    const [cause, remedy, answers, table] = [
      /\*\*verify needs attention: CONSOLE_NOT_UP\*\* — The API answers 503\./,
      /The console does not answer through the name/,
      /^Answers: .*$/m,
      /\| step \| what \|/,
    ].map((words) => currentDetails.search(words));
    assert.ok(
      [cause, remedy, answers, table].every((at) => (at ?? -1) >= 0),
      currentDetails,
    );
    assert.deepEqual(
      [cause, remedy, answers, table],
      [cause, remedy, answers, table].sort((a, b) => (a ?? 0) - (b ?? 0)),
      currentDetails,
    );
    for (const verb of ['resume shown', 'resume shown --from dns', 'skip shown', 'abort shown'])
      assert.ok(currentDetails.includes(`\`stackato-deploy ${verb}\``), `${verb} in ${currentDetails}`);
    // Two hyphens outside of code come out of the UI's Markdown as a dash.
    assert.match(currentDetails, /kato enable `--all-but` mdns/);
    assert.deepEqual(currentDetails.replace(/`[^`]*`/g, '').match(/\s--\w+/g), null);
  });

  it('14: the core of a cluster is not said to enable all roles', async () => {
    const deployment = await bench.deploy(clusterNamed('titles', [{ name: 'dea', count: 1 }]));
    const { view } = await deployment.result();
    const { currentDetails } = await deployment.handle.query<{ currentDetails: string }>(
      '__temporal_workflow_metadata',
    );
    assert.match(currentDetails, /\| enable-roles \| kato enable, with the roles of the core \|/);
    assert.doesNotMatch(currentDetails, /all-but/);
    const title = stepsOf(view, new Map()).find(({ id }) => id === 'enable-roles')?.title;
    assert.equal(title, 'kato enable, with the roles of the core');
    const { events } = await deployment.handle.fetchHistory();
    const summaries = (events ?? []).map(({ userMetadata }) =>
      Buffer.from(userMetadata?.summary?.data ?? '').toString(),
    );
    assert.ok(summaries.includes('"kato enable, with the roles of the core"'), summaries.join(' '));
    assert.ok(!summaries.some((summary) => summary.includes('all-but')));
  });

  it('26: a wait is not called by the name of the command that comes after it', async () => {
    const deployment = await bench.deploy(specNamed('summaries-of-waits'));
    await deployment.result();
    const { events } = await deployment.handle.fetchHistory();
    const summaries = (events ?? []).flatMap(({ activityTaskScheduledEventAttributes: activity, userMetadata }) => {
      if (!activity) return [];
      return [
        [
          activity.activityType?.name ?? '',
          JSON.parse(Buffer.from(userMetadata?.summary?.data ?? '').toString()) as string,
        ] as const,
      ];
    });
    assert.deepEqual(
      summaries.filter(([name]) => name === 'awaitKato').map(([, summary]) => summary),
      ['Wait until kato is ready', 'Wait until kato is ready'],
    );
    assert.equal(summaries.find(([name]) => name === 'setUpCore')?.[1], 'kato setup core');
    assert.equal(summaries.find(([name]) => name === 'awaitRunning')?.[1], 'Wait until the instance runs');
  });
});
