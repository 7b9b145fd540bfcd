import { strict as assert } from 'node:assert';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { CORE, factsOf } from '../../src/deployment/facts';
import { stepsOn } from '../../src/deployment/steps';
import { Bench } from '../support/deployment';
import { FakeActivities } from '../support/fake-activities';
import { specNamed } from '../support/specs';
import { localServer, timeSkippingServer } from '../support/temporal';
import { eventually } from '../support/wait';

const FORWARD = [
  'preflight',
  'ensureAddress',
  'ensureSecurityGroup',
  'launchInstance',
  'awaitRunning',
  'observeDns',
  'updateDns',
  'associateAddress',
  'pinHostKey',
  'logIn',
  'awaitKato',
  'setStaticIp',
  'renameNode',
  'disableMdns',
  'readBootId',
  'requestReboot',
  'awaitReboot',
  'awaitKato',
  'setUpCore',
  'enableRoles',
  'putResolverFirst',
  'announceClaim',
  'claimAdmin',
  'openConsole',
  'verifyConsole',
] as const;

describe('workflow deployStackato', function () {
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
    bench = new Bench(env, `deploy-${this.currentTest?.title.slice(0, 40) ?? ''}`);
    await bench.startWorker(fakes);
  });
  afterEach(() => bench.stopWorker());

  it('goes through all steps, each once, and ends ready', async () => {
    const deployment = await bench.deploy(specNamed('happy'));
    const { stage, view, unchanged } = await deployment.result();
    assert.equal(stage, 'ready');
    assert.equal(unchanged, false);
    assert.deepEqual([...fakes.names()].sort(), [...FORWARD].sort());
    assert.deepEqual(
      Object.entries(view.steps).map(([id, { state }]) => [id, state]),
      stepsOn(specNamed('happy'), CORE).map(({ id, notNeeded }) => [
        id,
        notNeeded?.(specNamed('happy')) === undefined ? 'done' : 'not-needed',
      ]),
    );
    assert.deepEqual(view.facts.nodes.core.reboot, { before: 'old', after: 'new' });
    assert.deepEqual((await deployment.view()).stage, 'ready');
  });

  it('shows its stage, cloud and host as search attributes', async () => {
    await (await bench.deploy(specNamed('attributes'))).result();
    // Visibility follows a moment later.
    await eventually('it is found by its attributes', async () => {
      const found = env.client.workflow.list({
        query:
          "StackatoStage = 'ready' AND StackatoHost = 'attributes.stackato.test' AND StackatoCloud = 'eucalyptus-3.2'",
      });
      const ids: string[] = [];
      for await (const { workflowId } of found) ids.push(workflowId);
      return ids.join() === 'stackato/attributes';
    });
  });

  it('hands each activity what the earlier ones learnt', async () => {
    await (await bench.deploy(specNamed('learns'))).result();
    const verify = fakes.calls.find(({ name }) => name === 'verifyConsole');
    assert.equal(verify?.input.known.address?.publicIp, '10.1.1.103');
    assert.equal(verify?.input.known.hostKey, 'SHA256:abc');
    assert.equal(verify?.input.known.instance?.id, 'i-1');
  });

  it('B9: stores the host key before anybody logs in, and that an administrator may be there before one is created', async () => {
    await (await bench.deploy(specNamed('pinned'))).result();
    const known = (name: string) => fakes.calls.find((call) => call.name === name)?.input.known;
    assert.deepEqual([known('pinHostKey')?.hostKey, known('logIn')?.hostKey], [undefined, 'SHA256:abc']);
    assert.deepEqual([known('putResolverFirst')?.claiming, known('claimAdmin')?.claiming], [undefined, true]);
  });

  it('points DNS only after the address is associated where its name is not known beforehand', async () => {
    const { addressName: _, ...cloud } = specNamed('x').cloud;
    await (await bench.deploy(specNamed('late-dns', { cloud }))).result();
    assert.ok(fakes.names().indexOf('updateDns') > fakes.names().indexOf('associateAddress'));
  });

  it('does without static-ip for dhcp and without claim-admin where there is no admin', async () => {
    const { admin: _, ...spec } = specNamed('lean', { network: { mode: 'dhcp' } });
    const { view } = await (await bench.deploy(spec)).result();
    assert.equal(view.steps['static-ip']?.state, 'not-needed');
    assert.equal(view.steps['claim-admin']?.state, 'not-needed');
    assert.ok(!fakes.names().includes('setStaticIp') && !fakes.names().includes('claimAdmin'));
  });

  it('says that nothing changed where every step found its effect there', async () => {
    for (const name of FORWARD)
      fakes.when(name, () => Promise.resolve({ changed: false, note: 'already so', known: {} }));
    const { unchanged, view } = await (
      await bench.deploy(specNamed('again'), factsOf({ reboot: { before: 'a', after: 'b' } }))
    ).result();
    assert.equal(unchanged, true);
    assert.equal(view.steps.reboot?.state, 'unchanged');
    assert.ok(!fakes.names().includes('requestReboot'));
  });

  it('reboots anew where a step before the reboot did something although it was rebooted before', async () => {
    const seen: unknown[] = [];
    for (const name of FORWARD) {
      if (name !== 'renameNode') fakes.when(name, () => Promise.resolve({ changed: false, note: '', known: {} }));
    }
    fakes.when('readBootId', ({ known }) => {
      seen.push(known.rebootOwed);
      return Promise.resolve({ changed: true, note: '', known: { reboot: { before: 'b' } } });
    });
    await (await bench.deploy(specNamed('renamed-again'), factsOf({ reboot: { before: 'a', after: 'b' } }))).result();
    assert.deepEqual(seen, [['rename']]);
    assert.ok(fakes.names().includes('requestReboot'));
  });

  it('stays within 250 events and 256 KiB', async () => {
    const deployment = await bench.deploy(specNamed('small'));
    await deployment.result();
    const { historyLength, historySize } = await deployment.handle.describe();
    assert.ok(historyLength <= 250, `${historyLength} events`);
    assert.ok((historySize ?? Infinity) <= 256 * 1024, `${historySize} bytes`);
  });

  it('has a summary on every activity and timer', async () => {
    const deployment = await bench.deploy(specNamed('summaries'));
    await deployment.result();
    const { events } = await deployment.handle.fetchHistory();
    const started = (events ?? []).filter(
      (event) => event.activityTaskScheduledEventAttributes ?? event.timerStartedEventAttributes,
    );
    assert.equal(started.length, FORWARD.length + 1);
    for (const event of started)
      assert.ok(event.userMetadata?.summary, `event ${String(event.eventId)} has no summary`);
  });
});

describe('workflow deployStackato, time skipping', function () {
  this.timeout(60_000);

  it('adds no event for a longer reboot', async () => {
    const env = await timeSkippingServer();
    const fakes = new FakeActivities();
    const bench = new Bench(env, 'reboot-length');
    await bench.startWorker(fakes);
    try {
      const lengths: number[] = [];
      // One after the other: the server has one clock.
      for (const rebootWait of [1_000, 1_800_000]) {
        const spec = specNamed(`reboot-${rebootWait}`);
        const deployment = await bench.deploy({ ...spec, timing: { ...spec.timing, rebootWait } });
        await deployment.result();
        const { events } = await deployment.handle.fetchHistory();
        lengths.push(
          (events ?? []).filter(
            (event) => event.activityTaskScheduledEventAttributes ?? event.timerStartedEventAttributes,
          ).length,
        );
      }
      assert.equal(lengths[0], lengths[1]);
    } finally {
      await bench.stopWorker();
      await env.teardown();
    }
  });
});
