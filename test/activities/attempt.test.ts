import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import { CancelledFailure } from '@temporalio/common';
import type { ApplicationFailure } from '@temporalio/common';
import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';
import type { LogEntry } from '@temporalio/worker';
import { attempted } from '../../src/activities/attempt';
import type { Patience } from '../../src/activities/attempt';
import type { Attempt } from '../../src/steps/attempt';
import { KnownSecrets } from '../../src/activities/known-secrets';
import { DeployError } from '../../src/deployment/errors';
import type { ErrorCode } from '../../src/deployment/errors';
import { secretsFrom } from '../support/secrets';

const PATIENCE: Patience = { deadline: 60_000, poll: 1_234, limits: { SSH_AUTH: 10_000 } };

describe('an attempt', () => {
  const secrets = new KnownSecrets(secretsFrom(() => 'hunter2-hunter2'));
  const run = async (
    work: (attempt: Attempt) => Promise<string>,
    info: { attempt?: number; heartbeatDetails?: unknown } = {},
    patience = PATIENCE,
  ) => {
    const env = new MockActivityEnvironment(info, { logger: new DefaultLogger('ERROR') });
    const beats: Record<string, unknown>[] = [];
    env.on('heartbeat', (details: Record<string, unknown>) => beats.push(details));
    const outcome = await env
      .run(
        attempted<string, string>(
          { secrets, worker: 'w1@host' },
          () => patience,
          (_input, attempt) => work(attempt),
        ),
        'in',
      )
      .then(
        (result) => ({ result, failure: undefined }),
        (error: unknown) => ({ result: undefined, failure: error as ApplicationFailure }),
      );
    return { ...outcome, beats };
  };
  const fail = (code: ErrorCode, info: { attempt?: number; heartbeatDetails?: unknown } = {}, retryAfter?: number) =>
    run(() => Promise.reject(new DeployError(code, 'It went wrong.', retryAfter)), info);

  const CASES: readonly [
    string,
    ErrorCode,
    { attempt?: number; heartbeatDetails?: unknown },
    number | undefined,
    { final: boolean; delay?: number },
  ][] = [
    ['what nobody can wait for is final at once', 'DNS_KEY_REFUSED', {}, undefined, { final: true }],
    [
      'what is not there yet is looked at again after the poll',
      'KATO_NOT_READY',
      {},
      undefined,
      { final: false, delay: 1_234 },
    ],
    [
      'failures are tried again, later and later',
      'CLOUD_ERROR',
      { heartbeatDetails: { spent: 9_000, row: { code: 'CLOUD_ERROR', since: 0, length: 2 } } },
      undefined,
      { final: false, delay: 4_000 },
    ],
    [
      'but not for what went wrong otherwise in between',
      'CLOUD_ERROR',
      { attempt: 9, heartbeatDetails: { spent: 9_000, row: { code: 'SSH_DROPPED', since: 0, length: 8 } } },
      undefined,
      { final: false, delay: 1_000 },
    ],
    ['a cloud that asks for patience gets it', 'CLOUD_THROTTLED', {}, 9_000, { final: false, delay: 9_000 }],
    [
      'time spent by earlier attempts counts',
      'CLOUD_ERROR',
      { heartbeatDetails: { spent: 59_900 } },
      undefined,
      { final: true },
    ],
    [
      'a refused login has a limit of its own',
      'SSH_AUTH',
      { heartbeatDetails: { spent: 11_000, row: { code: 'SSH_AUTH', since: 500, length: 3 } } },
      undefined,
      { final: true },
    ],
    [
      'which begins with the first refusal, not with the activity',
      'SSH_AUTH',
      { heartbeatDetails: { spent: 50_000, row: { code: 'SSH_UNREACHABLE', since: 0, length: 9 } } },
      undefined,
      { final: false },
    ],
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
    const { beats } = await fail('SSH_AUTH', {
      heartbeatDetails: { spent: 5_000, row: { code: 'CLOUD_ERROR', since: 1_000, length: 4 }, line: 'half-way' },
    });
    const last = beats.at(-1);
    const { since, ...row } = last?.['row'] as { since: number };
    assert.deepEqual(row, { code: 'SSH_AUTH', length: 1, message: 'It went wrong. (worker w1@host)' });
    assert.ok(since >= 5_000 && since < 6_000);
    assert.equal(last?.['line'], 'half-way');
    assert.ok(Number(last['spent']) >= 6_000);
  });

  it('A1: whatever a cancelled attempt runs into on its way out, it ends as cancelled', async () => {
    const ways: (() => Error)[] = [
      () => new DeployError('SSH_DROPPED', 'The connection was lost.'),
      () => new DOMException('aborted', 'AbortError'),
      () => new TypeError('a bug'),
      () => new CancelledFailure('cancelled'),
    ];
    for (const way of ways) {
      const env = new MockActivityEnvironment({}, { logger: new DefaultLogger('ERROR') });
      const ended = env.run(
        attempted<string, string>(
          { secrets, worker: 'w' },
          () => PATIENCE,
          async (_input, attempt) => {
            await new Promise((resolve) => attempt.signal.addEventListener('abort', resolve));
            throw way();
          },
        ),
        'in',
      );
      env.cancel('CANCELLED');
      await assert.rejects(ended, CancelledFailure);
    }
  });

  it('A1: nothing is asked for by an attempt that is cancelled', async () => {
    const env = new MockActivityEnvironment({}, { logger: new DefaultLogger('ERROR') });
    let asked = false;
    env.cancel('CANCELLED');
    await assert.rejects(
      env.run(
        attempted<string, void>(
          { secrets, worker: 'w' },
          () => PATIENCE,
          async (_input, attempt) => {
            attempt.assertTimely();
            asked = true;
            return Promise.resolve();
          },
        ),
        'in',
      ),
      CancelledFailure,
    );
    assert.equal(asked, false);
  });

  it('B8: attempts that were cut off without a word use the deadline up, too', async () => {
    let begun = false;
    const cut = { attempt: 7, heartbeatDetails: { spent: 60_001 } };
    const { failure } = await run(() => {
      begun = true;
      return Promise.resolve('out');
    }, cut);
    assert.equal(failure?.type, 'ATTEMPT_TIMEOUT');
    assert.equal(failure.nonRetryable, true);
    assert.equal(begun, false);
    const named = await run(() => Promise.resolve('out'), {
      attempt: 7,
      heartbeatDetails: {
        spent: 60_001,
        row: { code: 'KATO_NOT_READY', since: 0, length: 3, message: 'stager is STARTING.' },
      },
    });
    assert.equal(named.failure?.type, 'KATO_NOT_READY');
    assert.match(
      named.failure.message,
      /^stager is STARTING\. The last attempt was cut off\. \(given up after 60 s\)$/,
    );
  });

  it('B8: an attempt that hangs ends with a code before Temporal cuts it off, and does nothing after that', async () => {
    let later: unknown;
    const { failure } = await run(
      async (attempt) => {
        await new Promise((resolve) => attempt.signal.addEventListener('abort', resolve));
        try {
          attempt.assertTimely();
        } catch (error) {
          later = error;
        }
        return new Promise(() => undefined);
      },
      { heartbeatDetails: { spent: 59_900 } },
      { ...PATIENCE, limit: 300 },
    );
    assert.equal(failure?.type, 'ATTEMPT_TIMEOUT');
    assert.equal(failure.nonRetryable, true);
    assert.ok(later instanceof DeployError);
  });

  it('B10: of a bug the log has the stack, without secrets; of what was foreseen it has none', async () => {
    await secrets.resolve({ env: 'X' });
    const entries: LogEntry[] = [];
    const env = new MockActivityEnvironment({}, { logger: new DefaultLogger('ERROR', (entry) => entries.push(entry)) });
    const logged = (error: Error) =>
      env
        .run(
          attempted<string, string>(
            { secrets, worker: 'w' },
            () => PATIENCE,
            () => Promise.reject(error),
          ),
          'in',
        )
        .catch(() => undefined);
    await logged(new DeployError('CLOUD_ERROR', 'It went wrong.'));
    assert.deepEqual(entries, []);
    await logged(new TypeError('no such hunter2-hunter2', { cause: new Error('below hunter2-hunter2') }));
    const told = JSON.stringify(entries.map(({ message, meta }) => [message, meta]));
    assert.match(told, /TypeError: no such \[secret\].*attempt\.test\.ts.*below \[secret\]/);
    assert.doesNotMatch(told, /hunter2/);
  });

  it('B10: of secrets that are part of one another the longest is replaced first, in whatever spelling', async () => {
    const values = ['pass-and', 'pass-and-more', 'a&b "c" d/e'];
    const many = new KnownSecrets(secretsFrom(() => values.shift() ?? ''));
    for (let i = 0; i < 3; i += 1) await many.resolve({ env: `X${i}` });
    assert.equal(many.mask('pass-and-more, pass-and'), '[secret], [secret]');
    const written = [
      'a%26b%20%22c%22%20d%2Fe',
      'a%26b+%22c%22+d%2Fe',
      'a&amp;b "c" d/e',
      'a&amp;b &quot;c&quot; d/e',
      'a&b \\"c\\" d/e',
      Buffer.from('a&b "c" d/e').toString('base64'),
    ];
    for (const spelling of written) assert.equal(many.mask(`<${spelling}>`), '<[secret]>');
  });

  it("17c: what the worker's own machine lacks is no bug, and is named with the worker", async () => {
    const full = Object.assign(new Error("ENOSPC: no space left on device, mkdtemp '/tmp/x'"), {
      code: 'ENOSPC',
      errno: -28,
      syscall: 'mkdtemp',
    });
    const { failure } = await run(() => Promise.reject(full));
    assert.equal(failure?.type, 'WORKER_MACHINE');
    assert.match(failure.message, /its disk is full.*mkdtemp.*\(worker w1@host\)/);
  });

  it('17c: where another worker might have the right secret, the error names the one that has not', async () => {
    assert.match((await fail('SECRET_MISSING')).failure?.message ?? '', /\(worker w1@host\)/);
    assert.doesNotMatch((await fail('CLOUD_ERROR')).failure?.message ?? '', /worker/);
  });

  it('B11: an activity that may take hours beats while it makes progress, and falls silent when it makes none', async function () {
    this.timeout(40_000);
    const env = new MockActivityEnvironment({}, { logger: new DefaultLogger('ERROR') });
    const beats: number[] = [];
    env.on('heartbeat', () => beats.push(Date.now()));
    let silentSince = 0;
    await env.run(
      attempted<string, void>(
        { secrets, worker: 'w' },
        () => ({ ...PATIENCE, stall: 3_000 }),
        async (_input, attempt) => {
          for (let i = 0; i < 5; i += 1) {
            attempt.report(`part ${i}`);
            await delay(1_000);
          }
          silentSince = Date.now();
          await delay(9_000);
        },
      ),
      'in',
    );
    assert.ok(
      beats.some((at) => at > silentSince - 2_500),
      'it beats while it works',
    );
    assert.deepEqual(
      beats.filter((at) => at > silentSince + 3_000),
      [],
    );
  });

  describe('6b: remembers', () => {
    const unclear = new DeployError('CLOUD_UNREACHABLE', 'No answer.', undefined, true);
    const ask =
      (error: Error | undefined) =>
      (attempt: Attempt): Promise<string> =>
        attempt.request('RunInstances', () => (error === undefined ? Promise.resolve('i-1') : Promise.reject(error)));
    const openIn = (beats: Record<string, unknown>[]): unknown =>
      (beats.at(-1)?.['unsettled'] as { call?: string } | undefined)?.call;

    it('what was asked for and not answered, for the next attempt and for the workflow', async () => {
      const { failure, beats } = await run(ask(unclear));
      assert.equal(openIn(beats), 'RunInstances');
      assert.equal((failure?.details?.[0] as { unsettled: { call: string } }).unsettled.call, 'RunInstances');
    });

    it('an error that has no meaning as one that may have had its effect', async () => {
      assert.equal(openIn((await run(ask(new TypeError('a bug')))).beats), 'RunInstances');
    });

    it('nothing of what was refused or done', async () => {
      assert.equal(openIn((await run(ask(new DeployError('CLOUD_THROTTLED', 'Later.')))).beats), undefined);
      const { result, beats } = await run(ask(undefined));
      assert.deepEqual([result, openIn(beats)], ['i-1', undefined]);
    });

    it('until it is settled, whatever happens in between', async () => {
      const { beats } = await run(ask(unclear));
      const second = await run(ask(new DeployError('NO_CAPACITY', 'Full.')), {
        attempt: 2,
        heartbeatDetails: beats.at(-1),
      });
      assert.equal(openIn(second.beats), 'RunInstances');
      const third = await run(
        (attempt) => {
          attempt.settle();
          return Promise.reject(new DeployError('NO_CAPACITY', 'Full.'));
        },
        { attempt: 3, heartbeatDetails: second.beats.at(-1) },
      );
      assert.deepEqual([openIn(third.beats), third.failure?.details], [undefined, [{}]]);
    });

    it('that an attempt without an end may have asked for something, up to now', async () => {
      const before = Date.now();
      for (const heartbeatDetails of [undefined, { spent: 5_000 }, { spent: 5_000, ended: 1 }]) {
        let since = 0;
        await run(
          (attempt) => {
            since = attempt.unsettled?.since ?? 0;
            return Promise.resolve('');
          },
          { attempt: 3, heartbeatDetails },
        );
        assert.ok(since >= before, JSON.stringify(heartbeatDetails));
      }
      await run(
        (attempt) => {
          assert.equal(attempt.unsettled, undefined);
          return Promise.resolve('');
        },
        { attempt: 3, heartbeatDetails: { spent: 5_000, ended: 2 } },
      );
    });
  });

  it('lets success through', async () => {
    assert.equal((await run(() => Promise.resolve('out'))).result, 'out');
  });
});
