/** What is new in an account is somebody else's, unless a request of ours without an answer can have made it. */

import assert from 'node:assert/strict';
import {
  allocateAddress,
  letGoAddresses,
  releaseAddress,
  reserveAddresses,
  settleAllocation,
} from '../../src/activities/address-desk';
import type { Dependencies } from '../../src/steps/dependencies';
import type { AllocationInput, ReleaseInput } from '../../src/deployment/activities';
import { ADDRESSES_GROUP } from '../../src/deployment/names';
import type { Released } from '../../src/deployment/messages';
import type { AddressFact, Unsettled } from '../../src/deployment/facts';
import { Account } from '../support/account';
import { specNamed } from '../support/specs';
import { Attempts } from './attempts';
import { attemptOf, dependencies } from '../steps/support';

const TAGS = ['none', 'afterwards', 'at once'] as const;
const MAIL_RELAY = '203.0.113.77';
const INPUT = { cloud: specNamed('dev').cloud, owner: 'stackato-deploy/test/dev', deadline: 60_000 };

function depsOf(account: Account): Dependencies {
  return dependencies({
    clouds: { open: () => Promise.resolve(account.cloud), store: () => Promise.reject(new Error('not called')) },
  });
}

function allocation(account: Account, change: Partial<AllocationInput> = {}): Attempts<AddressFact> {
  const deps = depsOf(account);
  return new Attempts(
    (attempt) => allocateAddress(deps, { ...INPUT, before: [], ...change }, attempt),
    change.unsettled,
  );
}

describe('an allocation', () => {
  for (const tags of TAGS) {
    for (const refusal of ['CLOUD_THROTTLED', 'CLOUD_REFUSED', 'ADDRESS_NONE_LEFT', 'CLOUD_PERMISSION'] as const) {
      it(`A2: tags ${tags}: after ${refusal}, what somebody else allocates is not adopted`, async () => {
        const account = new Account(tags);
        account.faults.push(refusal);
        const attempts = allocation(account);
        const { failure, unsettled } = await attempts.next();
        assert.deepEqual([failure?.type, unsettled], [refusal, undefined]);
        account.stranger(MAIL_RELAY);
        const { result } = await attempts.next();
        assert.equal(result?.publicIp, '10.0.0.1');
      });
    }

    it(`A2: tags ${tags}: one that was made without an answer is adopted, and not made twice`, async () => {
      const account = new Account(tags);
      account.faults.push('lost');
      const attempts = allocation(account);
      assert.equal((await attempts.next()).failure?.type, 'CLOUD_UNREACHABLE');
      assert.equal((await attempts.next()).result?.publicIp, '10.0.0.1');
      assert.equal(account.allocations, 1);
    });

    it(`A2: tags ${tags}: likewise where the worker was killed after it had asked`, async () => {
      const account = new Account(tags);
      const attempts = allocation(account);
      await attempts.killedInRequest(true);
      assert.equal((await attempts.next()).result?.publicIp, '10.0.0.1');
      assert.equal(account.allocations, 1);
    });

    it(`6a: tags ${tags}: what comes late is waited for, then asked for anew`, async () => {
      const account = new Account(tags, 60);
      account.faults.push('unheard');
      const attempts = allocation(account);
      await attempts.next();
      const { failure, unsettled } = await attempts.next();
      assert.deepEqual([failure?.type, failure?.nonRetryable, unsettled?.call], ['NOT_YET', false, 'AllocateAddress']);
      await new Promise((resolve) => setTimeout(resolve, 80));
      assert.equal((await attempts.next()).result?.publicIp, '10.0.0.1');
      assert.equal(account.allocations, 1);
    });
  }

  it('A2: where tags come with the allocation, a new address without ours is never adopted', async () => {
    const account = new Account('at once');
    account.faults.push('unheard');
    const attempts = allocation(account);
    await attempts.next();
    account.stranger(MAIL_RELAY);
    assert.equal((await attempts.next()).failure?.type, 'NOT_YET');
  });

  it('A2: one that bears another tag, or serves an instance, is never adopted', async () => {
    const account = new Account('afterwards');
    account.faults.push('unheard');
    const attempts = allocation(account);
    await attempts.next();
    account.stranger(MAIL_RELAY, { owner: 'stackato-deploy/other/dev' });
    account.stranger('203.0.113.78', { instanceId: 'i-1' });
    assert.equal((await attempts.next()).failure?.type, 'NOT_YET');
  });

  it('A2: of two new ones none is taken; nor is one when the request is long over', async () => {
    const account = new Account();
    account.faults.push('lost');
    const attempts = allocation(account);
    await attempts.next();
    account.stranger(MAIL_RELAY);
    const { failure, unsettled } = await attempts.next();
    assert.equal(failure?.type, 'ADDRESS_AMBIGUOUS');
    assert.match(failure.message, /10\.0\.0\.1, 203\.0\.113\.77/);
    assert.equal(unsettled?.call, 'AllocateAddress', 'the question stays open');

    const old: Unsettled = { call: 'AllocateAddress', since: Date.now() - 3_600_000 };
    const later = new Account();
    later.stranger(MAIL_RELAY);
    const { failure: stale } = await allocation(later, { unsettled: old }).next();
    assert.equal(stale?.type, 'ADDRESS_AMBIGUOUS');
    assert.match(stale.message, /203\.0\.113\.77/);
  });

  it('6a: that nothing came of it is believed when nothing can come any more', async () => {
    const account = new Account();
    const settle = (since: number): Attempts<AddressFact | null> => {
      const input = { ...INPUT, before: [], unsettled: { call: 'AllocateAddress', since } };
      return new Attempts((attempt) => settleAllocation(depsOf(account), input, attempt), input.unsettled);
    };
    assert.equal((await settle(Date.now()).next()).failure?.type, 'NOT_YET');
    assert.equal((await settle(Date.now() - account.lateEffect).next()).result, null);
  });
});

describe('the reservation of an account', () => {
  it("A2: is one desk's at a time, and no other's to end", async () => {
    const account = new Account();
    const deps = depsOf(account);
    const [one, other] = [
      { ...INPUT, desk: 'run-1' },
      { ...INPUT, desk: 'run-2' },
    ];
    assert.equal((await reserveAddresses(deps, one, attemptOf())).reserved, true);
    assert.equal((await reserveAddresses(deps, one, attemptOf())).reserved, true, 'again');
    const refused = await new Attempts((attempt) => reserveAddresses(deps, other, attempt)).next();
    assert.equal(refused.failure?.type, 'ADDRESS_BUSY');
    assert.match(refused.failure.message, /stackato-deploy\/test\/dev run-1/);
    await letGoAddresses(deps, other, attemptOf());
    assert.ok(account.groups.has(ADDRESSES_GROUP));
    await letGoAddresses(deps, one, attemptOf());
    assert.equal(account.groups.size, 0);
    await reserveAddresses(deps, other, attemptOf());
  });

  it('A2: is not needed where tags come with the allocation', async () => {
    const account = new Account('at once');
    assert.equal((await reserveAddresses(depsOf(account), { ...INPUT, desk: 'run-1' }, attemptOf())).reserved, false);
    assert.equal(account.groups.size, 0);
  });
});

describe('a release', () => {
  const IP = '10.0.0.9';
  const release = (
    account: Account,
    change: Partial<ReleaseInput>,
  ): Promise<{ result?: Released; failure?: { type?: string | null } }> => {
    const input: ReleaseInput = { ...INPUT, address: { publicIp: IP, allocated: true }, memory: 'held', ...change };
    return new Attempts((attempt) => releaseAddress(depsOf(account), input, attempt)).next();
  };

  const LEFT: readonly [string, (account: Account) => void, Partial<ReleaseInput>, Account['addressTags']][] = [
    [
      'bears the tag of another',
      (account) => account.stranger(IP, { owner: 'stackato-deploy/test/b' }),
      {},
      'afterwards',
    ],
    [
      'was allocated anew under another id',
      (account) => account.stranger(IP, { allocationId: 'eipalloc-2' }),
      { address: { publicIp: IP, allocationId: 'eipalloc-1', allocated: true } },
      'afterwards',
    ],
    ['was seen to be gone, and is there again', (account) => account.stranger(IP), { memory: 'gone' }, 'none'],
    ['has no tag where every one of ours has', (account) => account.stranger(IP), { memory: 'none' }, 'at once'],
  ];
  for (const [what, prepare, change, tags] of LEFT) {
    it(`A2: leaves alone one that ${what}, and says so`, async () => {
      const account = new Account(tags);
      prepare(account);
      const { result } = await release(account, change);
      assert.deepEqual([result?.released, account.released], [[], []]);
      assert.match(result?.left ?? '', /10\.0\.0\.9 is left alone/);
    });
  }

  it('A2: refuses one that nobody remembers and nothing marks, and one that an instance has', async () => {
    const account = new Account();
    account.stranger(IP);
    assert.equal((await release(account, { memory: 'none' })).failure?.type, 'ADDRESS_AMBIGUOUS');
    account.stranger(IP, { instanceId: 'i-9' });
    assert.equal((await release(account, {})).failure?.type, 'ADDRESS_IN_USE');
    assert.deepEqual(account.released, []);
  });

  it('gives back what is ours, and is content where it is gone', async () => {
    const account = new Account();
    account.stranger(IP);
    assert.deepEqual((await release(account, {})).result, { released: [IP] });
    assert.deepEqual((await release(account, {})).result, { released: [IP] });
    assert.deepEqual(account.released, [IP]);
  });
});
