import assert from 'node:assert/strict';
import type { ApplicationFailure } from '@temporalio/common';
import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';
import { attempted } from '../../src/activities/attempt';
import type { Attempt, Patience } from '../../src/activities/attempt';
import { KnownSecrets } from '../../src/activities/known-secrets';
import { DeployError } from '../../src/spec/errors';
import type { ErrorCode } from '../../src/spec/errors';

const PATIENCE: Patience = { deadline: 60_000, poll: 1_234, limits: { SSH_AUTH: 10_000 } };

describe('an attempt', () => {
  const secrets = new KnownSecrets({ resolve: () => Promise.resolve({ reveal: () => 'hunter2-hunter2' }) });
  const run = async (work: (attempt: Attempt) => Promise<string>, info: { attempt?: number; heartbeatDetails?: unknown } = {}) => {
    const env = new MockActivityEnvironment(info, { logger: new DefaultLogger('ERROR') });
    const beats: Record<string, unknown>[] = [];
    env.on('heartbeat', (details: Record<string, unknown>) => beats.push(details));
    const outcome = await env
      .run(attempted<string, string>(secrets, () => PATIENCE, (_input, attempt) => work(attempt)), 'in')
      .then((result) => ({ result, failure: undefined }), (error: unknown) => ({ result: undefined, failure: error as ApplicationFailure }));
    return { ...outcome, beats };
  };
  const fail = (code: ErrorCode, info: { attempt?: number; heartbeatDetails?: unknown } = {}, retryAfter?: number) =>
    run(() => Promise.reject(new DeployError(code, 'It went wrong.', retryAfter)), info);

  const CASES: readonly [string, ErrorCode, { attempt?: number; heartbeatDetails?: unknown }, number | undefined, { final: boolean; delay?: number }][] = [
    ['what nobody can wait for is final at once', 'DNS_KEY_REFUSED', {}, undefined, { final: true }],
    ['what is not there yet is looked at again after the poll', 'KATO_NOT_READY', {}, undefined, { final: false, delay: 1_234 }],
    ['failures are tried again, later and later', 'CLOUD_ERROR', { heartbeatDetails: { spent: 9_000, row: { code: 'CLOUD_ERROR', since: 0, length: 2 } } }, undefined, { final: false, delay: 4_000 }],
    ['but not for what went wrong otherwise in between', 'CLOUD_ERROR', { attempt: 9, heartbeatDetails: { spent: 9_000, row: { code: 'SSH_DROPPED', since: 0, length: 8 } } }, undefined, { final: false, delay: 1_000 }],
    ['a cloud that asks for patience gets it', 'CLOUD_THROTTLED', {}, 9_000, { final: false, delay: 9_000 }],
    ['time spent by earlier attempts counts', 'CLOUD_ERROR', { heartbeatDetails: { spent: 59_900 } }, undefined, { final: true }],
    ['a refused login has a limit of its own', 'SSH_AUTH', { heartbeatDetails: { spent: 11_000, row: { code: 'SSH_AUTH', since: 500, length: 3 } } }, undefined, { final: true }],
    ['which begins with the first refusal, not with the activity', 'SSH_AUTH', { heartbeatDetails: { spent: 50_000, row: { code: 'SSH_UNREACHABLE', since: 0, length: 9 } } }, undefined, { final: false }],
    ['details that are something else are none', 'CLOUD_ERROR', { heartbeatDetails: 'x' }, undefined, { final: false }],
  ];
  for (const [title, code, info, retryAfter, { final, delay }] of CASES) {
    it(title, async () => {
      const { failure } = await fail(code, info, retryAfter);
      assert.equal(failure?.type, code);
      assert.equal(failure.nonRetryable, final);
      if (delay !== undefined) assert.equal(failure.nextRetryDelay, delay);
    });
  }

  it('masks secrets in the words of others, in failures and in reports', async () => {
    await secrets.resolve({ env: 'X' });
    const { failure, beats } = await run((attempt) => {
      attempt.report('login hunter2-hunter2');
      return Promise.reject(new Error('bad key hunter2-hunter2'));
    });
    assert.equal(failure?.message, 'Error: bad key [secret]');
    assert.equal(failure.type, 'INTERNAL');
    assert.equal(beats.at(-1)?.['line'], 'login [secret]');
  });

  it('hands the time spent, the failure and the last report on to the next attempt', async () => {
    const { beats } = await fail('SSH_AUTH', { heartbeatDetails: { spent: 5_000, row: { code: 'CLOUD_ERROR', since: 1_000, length: 4 }, line: 'half-way' } });
    const last = beats.at(-1);
    const { since, ...row } = last?.['row'] as { since: number };
    assert.deepEqual(row, { code: 'SSH_AUTH', length: 1 });
    assert.ok(since >= 5_000 && since < 6_000);
    assert.equal(last?.['line'], 'half-way');
    assert.ok(Number(last['spent']) >= 6_000);
  });

  it('lets success through', async () => {
    assert.equal((await run(() => Promise.resolve('out'))).result, 'out');
  });
});
