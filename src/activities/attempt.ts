/** What every attempt of every activity shares: heartbeats, the clock of its deadline, and the translation of errors. */

import { CancelledFailure, Context } from '@temporalio/activity';
import { ApplicationFailure, ApplicationFailureCategory } from '@temporalio/common';
import { DeployError, errorRow } from '../spec/errors';
import type { ErrorCode } from '../spec/errors';
import type { KnownSecrets } from './known-secrets';

/** How an activity may wait. Milliseconds. */
export interface Patience {
  readonly deadline: number;
  readonly poll: number;
  /** Shorter limits for single codes, counted from the first of an unbroken row of them. */
  readonly limits: Partial<Record<ErrorCode, number>>;
}

export interface Attempt {
  /** 1 for the first. */
  readonly number: number;
  /** Aborted when the activity is cancelled or its worker stops. */
  readonly signal: AbortSignal;
  /** Says how it goes, for whoever looks at the pending activity. No secret in it. */
  report(line: string): void;
  /** Throws where this process stood still for so long that another attempt may be at work. Call it before what cannot be done twice. */
  assertTimely(): void;
}

const TICK = 2_000;
/** Below the heartbeat timeout (workflows/calls.ts) less the worker's throttle. */
const STILL_OURS = 6_000;
const MAX_BACKOFF = 15_000;
const MAX_MESSAGE = 4_000;
const MAX_REPORT = 200;

/** What travels from attempt to attempt. */
interface Details {
  /** Milliseconds at it so far. */
  readonly spent: number;
  /** The unbroken row of like failures that the last one belongs to: when it began, how long it is. */
  readonly row?: { readonly code: string; readonly since: number; readonly length: number };
  /** The last report. */
  readonly line?: string;
}

/**
 * The deadline counts the time in which a worker was at it: it travels from attempt to attempt in the heartbeat details, so
 * that a night without a worker does not use it up. Details can be lost (a hint, says Temporal); then it only lasts longer.
 */
export function attempted<I, O>(
  secrets: KnownSecrets,
  patienceOf: (input: I) => Patience,
  work: (input: I, attempt: Attempt) => Promise<O>,
): (input: I) => Promise<O> {
  return async (input) => {
    const clock = new Clock(Context.current(), (text) => secrets.mask(text));
    try {
      return await work(input, clock);
    } catch (error) {
      throw clock.failure(error, patienceOf(input));
    } finally {
      clock.stop();
    }
  };
}

class Clock implements Attempt {
  readonly number: number;
  readonly signal: AbortSignal;
  private readonly earlier: Details;
  private readonly startedAt = Date.now();
  private lastTick = Date.now();
  private readonly timer: NodeJS.Timeout;
  private line: string | undefined;

  constructor(private readonly context: Context, private readonly mask: (text: string) => string) {
    this.number = context.info.attempt;
    this.signal = context.cancellationSignal;
    this.earlier = detailsIn(context.info.heartbeatDetails);
    this.line = this.earlier.line;
    this.timer = setInterval(() => this.tick(), TICK);
    this.tick();
  }

  assertTimely(): void {
    if (this.signal.aborted || Date.now() - this.lastTick > STILL_OURS) {
      throw new DeployError('INTERNAL', 'This worker stood still for too long; the next attempt goes on.');
    }
  }

  report(line: string): void {
    this.line = line === '' ? this.line : this.mask(line).slice(0, MAX_REPORT);
  }

  stop(): void {
    clearInterval(this.timer);
  }

  failure(error: unknown, patience: Patience): unknown {
    if (error instanceof CancelledFailure || error instanceof ApplicationFailure) return error;
    const { code, message, retryAfter } = error instanceof DeployError ? error : internal(error);
    const { retry } = errorRow(code);
    const before = this.earlier.row?.code === code ? this.earlier.row : { since: this.spent(), length: 0 };
    const row = { code, since: before.since, length: before.length + 1 };
    const delay = Math.max(retryAfter ?? 0, retry === 'not-yet' ? patience.poll : backoff(row.length));
    const spent = this.spent() + delay;
    const final = retry === 'no' || spent > patience.deadline || spent - row.since > (patience.limits[code] ?? Infinity);
    this.beat({ spent, row });
    return ApplicationFailure.create({
      type: code,
      message: this.mask(final && retry !== 'no' ? `${message} (given up after ${words(this.spent())})` : message).slice(0, MAX_MESSAGE),
      nonRetryable: final,
      nextRetryDelay: delay,
      ...(retry === 'not-yet' && !final ? { category: ApplicationFailureCategory.BENIGN } : {}),
    });
  }

  private tick(): void {
    this.lastTick = Date.now();
    const { row } = this.earlier;
    this.beat({ spent: this.spent(), ...(row === undefined ? {} : { row }) });
  }

  private beat(details: Details): void {
    this.context.heartbeat({ ...details, ...(this.line === undefined ? {} : { line: this.line }) } satisfies Details);
  }

  private spent(): number {
    return this.earlier.spent + Date.now() - this.startedAt;
  }
}

/** Of failures of one kind in a row: one lost connection in a long wait costs a second. */
function backoff(length: number): number {
  return Math.min(1_000 * 2 ** Math.min(length - 1, 10), MAX_BACKOFF);
}

function detailsIn(details: unknown): Details {
  const known = typeof details === 'object' && details !== null && 'spent' in details && typeof details.spent === 'number';
  return known ? (details as Details) : { spent: 0 };
}

function internal(error: unknown): DeployError {
  return new DeployError('INTERNAL', error instanceof Error ? `${error.name}: ${error.message}` : String(error));
}

function words(ms: number): string {
  return ms < 120_000 ? `${Math.round(ms / 1000)} s` : `${Math.round(ms / 60_000)} min`;
}
