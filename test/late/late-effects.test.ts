/**
 * Lost responses, late effects, and two namespaces on one account: still one of everything, nothing left behind, and
 * nothing taken from anybody else.
 */

import assert from 'node:assert/strict';
import { addressDeskId } from '../../src/deployment/names';
import type { Deployment } from '../support/deployment';
import { Site } from '../support/site';
import type { SpecChange } from '../support/site';
import { eventually } from '../support/wait';

const KIND = 'eucalyptus-3.2';
const QUEUE = 'late';

describe('a call whose outcome is unknown', function () {
  this.timeout(300_000);
  let site: Site;

  beforeEach(async () => {
    site = await Site.open();
  });
  afterEach(() => site.close());

  const timing = (cloud: string, poll = '500ms'): SpecChange => ({
    timing: {
      poll,
      rebootWait: '1s',
      authGrace: '5s',
      deadline: { cloud, dns: '1m', launch: '3m', ready: '2m', command: '3m', reboot: '3m', console: '2m' },
    },
  });
  const countCalls = (action: string): number => site.lab.calls(KIND).filter((call) => call.action === action).length;
  const liveInstances = async (): Promise<string[]> =>
    (await site.lab.inventory(KIND)).instances
      .filter(({ state }) => state === 'running' || state === 'pending')
      .map(({ id }) => id);
  const ready = async (deployment: Deployment): Promise<void> => {
    const view = await deployment.readyOrParked(240_000);
    assert.equal(view.stage, 'ready', JSON.stringify(view.steps));
  };

  it('A2: two namespaces on one account, whose workers start at the same moment, get one address each', async () => {
    const { client } = await site.temporal(QUEUE);
    await client.workflowService.registerNamespace({
      namespace: 'other',
      workflowExecutionRetentionPeriod: { seconds: 86_400 as unknown as Long },
    });
    // Under different names: with the same one, the second would find the first's group and park in preflight.
    const first = await eventually('the first is started', () => site.start(site.spec('twin', KIND), QUEUE), 60_000);
    process.env.TEMPORAL_NAMESPACE = 'other';
    let second: Deployment;
    try {
      second = await eventually(
        'the second is started',
        () => site.start(site.spec('sister', KIND), QUEUE).catch(() => undefined),
        60_000,
        500,
      );
    } finally {
      delete process.env.TEMPORAL_NAMESPACE;
    }
    await Promise.all([site.worker(KIND, QUEUE), site.worker(KIND, QUEUE, { TEMPORAL_NAMESPACE: 'other' })]);
    const addresses = await Promise.all(
      [first, second].map(async (deployment) => {
        const view = await deployment.until(
          'it has an address',
          ({ facts }) => facts.site.address !== undefined,
          90_000,
        );
        return view.facts.site.address?.publicIp;
      }),
    );
    assert.equal(new Set(addresses).size, 2, addresses.join(' '));
    const { addresses: held } = await site.lab.inventory(KIND);
    assert.deepEqual(held.map(({ publicIp }) => publicIp).sort(), addresses.sort());
    await eventually(
      'the group that serves as a lock is gone',
      async () => !(await site.lab.inventory(KIND)).groups.some(({ name }) => name === 'stackato_addresses'),
    );
    const groups = (await site.lab.inventory(KIND)).groups.map(({ name }) => name);
    assert.deepEqual(
      groups.filter((name) => !['stackato-twin', 'stackato-sister'].includes(name)),
      [],
    );
  });

  it('6a: an address that nobody had seen when the step failed is released by the abort', async () => {
    await site.worker(KIND, QUEUE);
    site.lab.fault({ kind: KIND, action: 'AllocateAddress', what: 'lost', times: 1 });
    const deployment = await site.start(site.spec('unseen', KIND, timing('4s')), QUEUE);
    await eventually('it was requested', () => countCalls('AllocateAddress') > 0, 60_000, 5);
    site.lab.fault({ kind: KIND, action: 'DescribeAddresses', what: 'error', times: 100_000 });
    const { steps } = await deployment.until(
      'parked',
      ({ steps: { address } }) => address?.state === 'attention',
      60_000,
    );
    assert.equal(steps.address?.error?.code, 'CLOUD_ERROR');
    assert.equal((await site.lab.inventory(KIND)).addresses.length, 1, 'it exists');
    site.lab.clearFaults();
    const { facts } = await deployment.view();
    await deployment.say('abort');
    const { stage, view } = await deployment.result();
    assert.equal(stage, 'aborted', JSON.stringify(view.undone));
    assert.ok(
      view.undone.some(({ what, ok }) => ok && what.startsWith('elastic IP 127.')),
      JSON.stringify(view.undone),
    );
    assert.deepEqual((await site.lab.inventory(KIND)).addresses, []);
    assert.deepEqual((await site.lab.inventory(KIND)).groups, []);
    const { client } = await site.temporal(QUEUE);
    const account = (await deployment.view()).facts.site.account ?? facts.site.account ?? '';
    if (account !== '')
      await eventually(
        'the address desk closes',
        async () => (await client.workflow.getHandle(addressDeskId(account)).describe()).status.name !== 'RUNNING',
      );
  });

  it('6a: an address that comes 45 s after it was requested, while the deployment is aborted, is released', async () => {
    await site.worker(KIND, QUEUE);
    site.lab.fault({ kind: KIND, action: 'AllocateAddress', what: 'slow', times: 1, ms: 45_000 });
    const deployment = await site.start(site.spec('behind', KIND, timing('2m')), QUEUE);
    await eventually('it is being requested', () => site.lab.faultsLeft(KIND).length === 0, 60_000);
    await deployment.say('abort');
    const { stage, view } = await deployment.result();
    assert.equal(stage, 'aborted', JSON.stringify(view.undone));
    await eventually('the call has ended', () => countCalls('AllocateAddress') > 0, 60_000);
    assert.equal(countCalls('AllocateAddress'), 1);
    assert.deepEqual(await site.lab.inventory(KIND).then(({ addresses, groups }) => [addresses, groups]), [[], []]);
  });

  it('6b: a launch that takes 40 s, on a cloud that ignores client tokens, makes one instance', async () => {
    await site.worker(KIND, QUEUE);
    site.lab.fault({ kind: KIND, action: 'RunInstances', what: 'slow', times: 1, ms: 40_000 });
    const deployment = await site.start(site.spec('slow', KIND, timing('2m', '5s')), QUEUE);
    await ready(deployment);
    assert.equal(countCalls('RunInstances'), 1);
    assert.equal((await liveInstances()).length, 1);
  });

  it('6b: an instance that comes after the abort began is waited for and terminated', async () => {
    await site.worker(KIND, QUEUE);
    site.lab.fault({ kind: KIND, action: 'RunInstances', what: 'late', times: 1, ms: 20_000 });
    const deployment = await site.start(site.spec('late', KIND, timing('30s')), QUEUE);
    await eventually('it was requested', () => countCalls('RunInstances') > 0, 60_000, 5);
    await deployment.say('abort');
    const { stage, view } = await deployment.result();
    assert.equal(stage, 'aborted', JSON.stringify(view.undone));
    assert.ok(
      view.undone.some(({ what, ok }) => ok && what.startsWith('instance i-')),
      JSON.stringify(view.undone),
    );
    assert.equal(countCalls('RunInstances'), 1);
    assert.deepEqual(await liveInstances(), []);
    assert.deepEqual(await site.lab.inventory(KIND).then(({ addresses, groups }) => [addresses, groups]), [[], []]);
  });
});
