/** The desk of an account's elastic IPs, on a cloud without tags and tokens, through the real activities. */

import assert from 'node:assert/strict';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import type { Worker } from '@temporalio/worker';
import { createActivities } from '../../src/activities';
import { createAddressDesk } from '../../src/activities/address-desk-client';
import type { AddressDesk } from '../../src/steps/dependencies';
import { DeployError } from '../../src/deployment/errors';
import type { ErrorCode } from '../../src/deployment/errors';
import type { AddressRequest } from '../../src/deployment/messages';
import { addressDeskId } from '../../src/deployment/names';
import type { AddressFact } from '../../src/deployment/facts';
import { dependencies } from '../steps/support';
import { Account } from '../support/account';
import { specNamed } from '../support/specs';
import { createWorker, localServer } from '../support/temporal';
import { eventually } from '../support/wait';

describe('the address desk', function () {
  this.timeout(60_000);
  let env: TestWorkflowEnvironment;
  let worker: Worker;
  let running: Promise<void>;
  let account: Account;
  let desk: AddressDesk;
  let id = 0;
  let name = '';

  before(async () => {
    env = await localServer();
  });
  after(() => env.teardown());
  beforeEach(async () => {
    name = `account-${++id}`;
    account = new Account();
    desk = createAddressDesk(name, () => env.client);
    worker = await createWorker(
      env,
      name,
      createActivities(
        dependencies({
          clouds: { open: () => Promise.resolve(account.cloud), store: () => Promise.reject(new Error('not called')) },
        }),
      ),
    );
    running = worker.run();
  });
  afterEach(async () => {
    worker.shutdown();
    await running;
  });

  const request = (deployment: string, change: Partial<AddressRequest> = {}): AddressRequest => ({
    deployment,
    cloud: specNamed('x').cloud,
    owner: `stackato-deploy/test/${deployment}`,
    deadline: 30_000,
    ...change,
  });
  const allocate = (deployment: string, change: Partial<AddressRequest> = {}, need = '1'): Promise<AddressFact> =>
    desk.allocate(name, `${deployment}/${need}`, request(deployment, change));
  const closes = (): Promise<boolean> =>
    eventually(
      'the desk closes',
      async () => (await env.client.workflow.getHandle(addressDeskId(name)).describe()).status.name === 'COMPLETED',
    );
  const failing =
    (code: ErrorCode) =>
    (error: unknown): boolean =>
      (error as { type?: string }).type === code;

  it('gives twenty deployments at once an address each, and never one twice, whatever answers are lost', async () => {
    account.faults.push('lost', 'CLOUD_ERROR', 'lost', 'CLOUD_THROTTLED');
    let turnedAway = 0;
    /** As an activity comes again. */
    const untilServed = (deployment: string): Promise<AddressFact> =>
      eventually(`${deployment} has an address`, () =>
        allocate(deployment).catch((error: unknown) => {
          if (!(error instanceof DeployError) || error.code !== 'NOT_YET') throw error;
          turnedAway += 1;
          return undefined;
        }),
      );
    const facts = await Promise.all(Array.from({ length: 20 }, (_, i) => untilServed(`d${i}`)));
    assert.ok(turnedAway >= 12, 'no more stand at the desk than it takes: they would hold the slots that it needs');
    assert.equal(new Set(facts.map(({ publicIp }) => publicIp)).size, 20);
    assert.equal(account.held.size, 20, 'none leaked');
  });

  it('gives a deployment that asks again what it has', async () => {
    const first = await allocate('dev');
    assert.deepEqual(await allocate('dev', {}, '2'), first);
    assert.equal(account.allocations, 1);
  });

  it('gives it a new one where somebody released it', async () => {
    const first = await allocate('dev');
    account.held.clear();
    assert.notDeepEqual(await allocate('dev', {}, '2'), first);
  });

  it('leaves alone a free address that was there before', async () => {
    account.held.set('192.0.2.1', { publicIp: '192.0.2.1' });
    account.faults.push('lost');
    assert.equal((await allocate('dev')).publicIp, '10.0.0.1');
  });

  it('does not guess between two new ones', async () => {
    account.faults.push('lost');
    account.onAllocation = () => account.stranger('198.51.100.7');
    await assert.rejects(allocate('dev'), failing('ADDRESS_AMBIGUOUS'));
    account.held.delete('198.51.100.7');
    assert.deepEqual(await allocate('dev', {}, '2'), { publicIp: '10.0.0.1', allocated: true });
  });

  it('passes on that none is left, and starts from nothing afterwards', async () => {
    account.faults.push('ADDRESS_NONE_LEFT');
    await assert.rejects(allocate('dev'), failing('ADDRESS_NONE_LEFT'));
    account.held.set('192.0.2.1', { publicIp: '192.0.2.1' });
    assert.equal((await allocate('dev', {}, '2')).publicIp, '10.0.0.1');
  });

  it('lends a given address of the account, and does not release it', async () => {
    account.held.set('192.0.2.9', { publicIp: '192.0.2.9' });
    assert.deepEqual(await allocate('dev', { ip: '192.0.2.9' }), { publicIp: '192.0.2.9', allocated: false });
    await assert.rejects(allocate('other', { ip: '192.0.2.9' }), failing('ADDRESS_IN_USE'));
    await assert.rejects(allocate('third', { ip: '192.0.2.10' }), failing('ADDRESS_NOT_OURS'));
    await desk.release(name, 'dev/1', request('dev'));
    assert.equal(account.held.size, 1);
  });

  it('releases what it allocated, twice without harm, and ends when it owns nothing', async () => {
    const address = await allocate('dev');
    await desk.release(name, 'dev/undo', request('dev', { known: address }));
    await desk.release(name, 'dev/undo2', request('dev', { known: address }));
    assert.equal(account.held.size, 0);
    await closes();
  });

  it('A2: two desks of one account, both without answers, never give one address to two deployments', async () => {
    account.faults.push('unheard', 'lost', 'unheard');
    const other = `${name}-other`;
    const another = createAddressDesk(name, () => env.client);
    const untilServed = (who: AddressDesk, where: string): Promise<AddressFact> =>
      eventually(`${where} has an address`, () =>
        who.allocate(where, 'dev/1', request('dev')).catch((error: unknown) => {
          if (!(error instanceof DeployError) || error.code !== 'NOT_YET') throw error;
          return undefined;
        }),
      );
    const [one, two] = await Promise.all([untilServed(desk, name), untilServed(another, other)]);
    assert.notEqual(one.publicIp, two.publicIp);
    assert.equal(account.held.size, 2);
    assert.equal(account.groups.size, 0, 'nothing is left of keeping each other out');
  });

  it('A2: does not release what the cloud gave to another deployment', async () => {
    const first = await allocate('a');
    account.held.clear();
    account.allocations = 0;
    assert.equal((await allocate('b')).publicIp, first.publicIp, 'the cloud gives the same one again');
    const { released, left } = await desk.release(name, 'a/undo', request('a', { known: first }));
    assert.deepEqual([released, account.released], [[], []]);
    assert.match(left ?? '', /belongs to the deployment b now/);
    assert.deepEqual(await desk.release(name, 'b/undo', request('b')), { released: [first.publicIp] });
    await closes();
  });

  it('A2: does not release what it saw to be gone and a stranger got', async () => {
    const first = await allocate('a');
    account.held.clear();
    await allocate('b');
    account.stranger(first.publicIp);
    const { released, left } = await desk.release(name, 'a/undo', request('a', { known: first }));
    assert.deepEqual([released, account.released], [[], []]);
    assert.match(left ?? '', /released by hand/);
  });

  it('A2: names an address that it does not remember, rather than release it', async () => {
    account.stranger('192.0.2.7');
    const known = { publicIp: '192.0.2.7', allocated: true };
    await assert.rejects(desk.release(name, 'a/undo', request('a', { known })), failing('ADDRESS_AMBIGUOUS'));
    assert.deepEqual(account.released, []);
  });

  it('6a: an allocation whose end was not known when it was given up is settled by the release', async () => {
    account.faults.push('lost');
    account.blindAfterAllocation = 'CLOUD_ERROR';
    await assert.rejects(allocate('dev', { deadline: 2_500 }), failing('CLOUD_ERROR'));
    assert.equal(account.held.size, 1, 'it is there and nobody knows');
    account.blindAfterAllocation = undefined;
    assert.equal((await allocate('other')).publicIp, '10.0.0.2', 'another allocation is none of its business');
    assert.deepEqual(await desk.release(name, 'dev/undo', request('dev')), { released: ['10.0.0.1'] });
    assert.deepEqual([...account.held.keys()], ['10.0.0.2']);
    assert.equal(account.groups.size, 0);
    await desk.release(name, 'other/undo', request('other'));
    await closes();
  });

  it('6a: one that comes late is waited for by the release', async () => {
    account.faults.push(1_200);
    await assert.rejects(allocate('dev', { deadline: 100 }), failing('CLOUD_UNREACHABLE'));
    assert.deepEqual(await desk.release(name, 'dev/undo', request('dev', { deadline: 100 })), {
      released: ['10.0.0.1'],
    });
    assert.equal(account.held.size, 0);
    await closes();
  });

  it('6a: names what it cannot tell apart, and keeps its question', async () => {
    account.faults.push('lost');
    account.onAllocation = () => account.stranger('198.51.100.7');
    await assert.rejects(allocate('dev'), failing('ADDRESS_AMBIGUOUS'));
    for (const need of ['undo', 'undo2']) {
      await assert.rejects(
        desk.release(name, `dev/${need}`, request('dev')),
        (error: Error) => failing('ADDRESS_AMBIGUOUS')(error) && /198\.51\.100\.7/.test(error.message),
      );
    }
    assert.deepEqual(account.released, []);
  });
});
