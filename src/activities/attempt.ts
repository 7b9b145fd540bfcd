/** Runs one attempt of an activity: heartbeats, deadline, and translation of errors. */

import { inspect } from 'node:util';
import { CancelledFailure, Context } from '@temporalio/activity';
import { ApplicationFailure, ApplicationFailureCategory } from '@temporalio/common';
import { DeployError, errorRow, isErrorCode } from '../deployment/errors';
import type { ErrorCode } from '../deployment/errors';
import type { Finding, UnsettledDetails } from '../deployment/messages';
import type { Unsettled } from '../deployment/facts';
import { duration, GivenUp } from '../steps/attempt';
import type { Attempt } from '../steps/attempt';
import type { Dependencies } from '../steps/dependencies';
import { toDeployError } from '../steps/unexpected';

/** How long an activity may wait and retry. Milliseconds. */
export interface Patience {
  readonly deadline: number;
  readonly poll: number;
  /** Shorter limits for single codes, counted from the first of consecutive failures with that code. */
  readonly limits: Partial<Record<ErrorCode, number>>;
  /**
   * For an activity whose attempt may take hours: how long it may make no progress. After that it stops its heartbeat, and Temporal times
   * the attempt out. Absent: an attempt ends within `limit`.
   */
  readonly stall?: number;
  /** For one attempt. Default: ATTEMPT_LIMIT. */
  readonly limit?: number;
}

const TICK = 2_000;
/** Below the start-to-close timeout (workflows/calls.ts): an attempt that Temporal times out has no error code. */
const ATTEMPT_LIMIT = 80_000;
/** Below the heartbeat timeout (workflows/calls.ts) minus the worker's heartbeat throttling. */
const MAX_SUSPENDED = 6_000;
const MAX_BACKOFF = 15_000;
const MAX_MESSAGE = 4_000;
const MAX_REPORT = 200;

/** Heartbeat details: the state that one attempt hands to the next. */
interface Details {
  /** Time that attempts have taken so far, ms. */
  readonly spent: number;
  /** Consecutive failures with the same code: when the first was, in terms of `spent`, how many, and what the last one said. */
  readonly row?: { readonly code: string; readonly since: number; readonly length: number; readonly message?: string };
  /** The last report. */
  readonly line?: string;
  readonly findings?: readonly Finding[];
  /** The attempt that ended with these details. Absent if it was cut off, perhaps just after it had sent a request. */
  readonly ended?: number;
  readonly unsettled?: Unsettled;
}

/**
 * The deadline counts only the time in which a worker was running the activity, so that a night without a worker does not use it up. That
 * time is kept in the heartbeat details. Temporal may lose them; then the activity just lasts longer.
 */
export function attempted<I, O>(
  { secrets, worker }: Pick<Dependencies, 'secrets' | 'worker'>,
  patienceOf: (input: I) => Patience,
  work: (input: I, attempt: Attempt) => Promise<O>,
  unsettledBefore: (input: I) => Unsettled | undefined = () => undefined,
): (input: I) => Promise<O> {
  return async (input) => {
    const clock = new Clock(
      Context.current(),
      patienceOf(input),
      { mask: (text) => secrets.mask(text), worker },
      unsettledBefore(input),
    );
    try {
      return await clock.bounded(work, input);
    } catch (error) {
      throw clock.failure(error);
    } finally {
      clock.stop();
    }
  };
}

interface AttemptEnvironment {
  readonly mask: (text: string) => string;
  /** The worker's identity. */
  readonly worker: string;
}

class Clock implements Attempt {
  readonly number: number;
  readonly signal: AbortSignal;
  private readonly overtime = new AbortController();
  private readonly earlier: Details;
  private readonly startedAt = Date.now();
  private lastTick = Date.now();
  private lastReport = Date.now();
  private readonly timer: NodeJS.Timeout;
  private line: string | undefined;
  private open: Unsettled | undefined;
  private findings: readonly Finding[] | undefined;

  constructor(
    private readonly context: Context,
    private readonly patience: Patience,
    private readonly environment: AttemptEnvironment,
    before: Unsettled | undefined,
  ) {
    this.number = context.info.attempt;
    this.signal = AbortSignal.any([context.cancellationSignal, this.overtime.signal]);
    this.earlier = detailsIn(context.info.heartbeatDetails);
    this.line = this.earlier.line;
    this.open = unsettledAtStart(this.number, this.earlier, before, this.startedAt);
    this.timer = setInterval(() => this.tick(), TICK);
    this.tick();
  }

  /** Every attempt ends with a code, even if something hangs: `assertTimely` then stops what is still running. */
  async bounded<I, O>(work: (input: I, attempt: Attempt) => Promise<O>, input: I): Promise<O> {
    const { deadline, stall, limit = ATTEMPT_LIMIT } = this.patience;
    if (this.number > 1 && this.earlier.spent > deadline) {
      const { code, message } = this.earlier.row ?? {};
      const cut = 'The last attempt was cut off.';
      throw new DeployError(
        code !== undefined && isErrorCode(code) ? code : 'ATTEMPT_TIMEOUT',
        message === undefined ? cut : `${message} ${cut}`,
      );
    }
    if (stall !== undefined) return work(input, this);
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        const error = new DeployError(
          'ATTEMPT_TIMEOUT',
          `The attempt was stuck: it had no result after ${duration(limit)}.`,
        );
        this.overtime.abort(error);
        reject(error);
      }, limit);
    });
    try {
      return await Promise.race([work(input, this), late]);
    } finally {
      clearTimeout(timer);
    }
  }

  assertTimely(): void {
    this.signal.throwIfAborted();
    if (Date.now() - this.lastTick > MAX_SUSPENDED)
      throw new DeployError('NOT_YET', 'This worker was suspended for too long; the next attempt continues.');
  }

  get unsettled(): Unsettled | undefined {
    return this.open;
  }

  async request<T>(call: string, send: () => Promise<T>): Promise<T> {
    this.assertTimely();
    const earlier = this.open;
    this.open = { call, since: Date.now() };
    try {
      const answer = await send();
      this.open = earlier;
      return answer;
    } catch (error) {
      // An unexpected error says nothing about the outcome.
      this.open = error instanceof DeployError && !error.mayHaveHappened ? earlier : { call, since: Date.now() };
      throw error;
    }
  }

  settle(): void {
    this.open = undefined;
  }

  report(line: string): void {
    this.lastReport = Date.now();
    this.line = line === '' ? this.line : this.environment.mask(line).slice(0, MAX_REPORT);
  }

  found(findings: readonly Finding[]): void {
    this.findings = findings.map((finding) => ({ ...finding, message: this.environment.mask(finding.message) }));
    this.tick();
  }

  stop(): void {
    clearInterval(this.timer);
  }

  failure(error: unknown): unknown {
    // Whatever error a cancelled attempt ended with, it was cancelled and did not fail.
    if (this.context.cancellationSignal.aborted || error instanceof CancelledFailure) {
      this.beat({ spent: this.spent(), ended: this.number });
      return new CancelledFailure('The attempt was cancelled.', [this.unsettledDetails]);
    }
    if (error instanceof ApplicationFailure) {
      this.beat({ spent: this.spent(), ended: this.number });
      return error;
    }
    if (error instanceof GivenUp) {
      this.beat({ spent: this.spent(), ended: this.number });
      return ApplicationFailure.nonRetryable(this.environment.mask(error.message), error.code);
    }
    const { code, message, retryAfter } = this.known(error);
    const { retry } = errorRow(code);
    const { deadline, poll, limits } = this.patience;
    const before = this.earlier.row?.code === code ? this.earlier.row : { since: this.spent(), length: 0 };
    const masked = this.environment.mask(message);
    const row = { code, since: before.since, length: before.length + 1, message: masked.slice(0, MAX_MESSAGE) };
    const delay = Math.max(retryAfter ?? 0, retry === 'not-yet' ? poll : backoff(row.length));
    const spent = this.spent() + delay;
    const final = retry === 'no' || spent > deadline || spent - row.since > (limits[code] ?? Infinity);
    this.beat({ spent, row, ended: this.number });
    return ApplicationFailure.create({
      type: code,
      message: (final && retry !== 'no' ? `${masked} (given up after ${duration(this.spent())})` : masked).slice(
        0,
        MAX_MESSAGE,
      ),
      nonRetryable: final,
      nextRetryDelay: delay,
      details: [this.unsettledDetails],
      ...(retry === 'not-yet' && !final ? { category: ApplicationFailureCategory.BENIGN } : {}),
    });
  }

  /** For the workflow: if this is the last attempt, it has to deal with the unsettled request. */
  private get unsettledDetails(): UnsettledDetails {
    return this.open === undefined ? {} : { unsettled: this.open };
  }

  /** The error with one of our codes. The stack of an unexpected error goes to the log only. */
  private known(error: unknown): DeployError {
    const { mask, worker } = this.environment;
    const known = toDeployError(error);
    if (known !== error) this.context.log.error(mask(known.message), { error: mask(originOf(error)) });
    return errorRow(known.code).ofTheWorker === true
      ? new DeployError(known.code, `${known.message} (worker ${worker})`, known.retryAfter)
      : known;
  }

  private tick(): void {
    const { stall } = this.patience;
    if (stall !== undefined && Date.now() - this.lastReport > stall) return;
    this.lastTick = Date.now();
    const { row } = this.earlier;
    this.beat({ spent: this.spent(), ...(row === undefined ? {} : { row }) });
  }

  private beat(details: Details): void {
    const { line, findings, open } = this;
    this.context.heartbeat({
      ...details,
      ...(line === undefined ? {} : { line }),
      ...(findings === undefined ? {} : { findings }),
      ...(open === undefined ? {} : { unsettled: open }),
    } satisfies Details);
  }

  private spent(): number {
    return this.earlier.spent + Date.now() - this.startedAt;
  }
}

/**
 * The last details of a killed worker may be seconds old: if the attempt before did not end by itself, it may have sent any request since.
 * It cannot send another one now: `assertTimely` requires a recent heartbeat.
 */
function unsettledAtStart(
  number: number,
  { ended, unsettled, spent }: Details,
  before: Unsettled | undefined,
  now: number,
): Unsettled | undefined {
  const inherited: Unsettled | undefined =
    before === undefined ? undefined : { ...before, since: before.since ?? now, earlier: true };
  if (number === 1) return inherited;
  const known = unsettled ?? (spent === 0 ? inherited : undefined);
  return ended === number - 1 ? known : { call: 'a request of the attempt before', ...known, since: now };
}

/** Grows with consecutive failures of the same code: a single lost connection during a long wait costs one second. */
function backoff(length: number): number {
  return Math.min(1_000 * 2 ** Math.min(length - 1, 10), MAX_BACKOFF);
}

function detailsIn(details: unknown): Details {
  const known =
    typeof details === 'object' && details !== null && 'spent' in details && typeof details.spent === 'number';
  return known ? (details as Details) : { spent: 0 };
}

/** The stack of the error and of its causes. */
function originOf(error: unknown): string {
  return inspect(error, { depth: 4 });
}
