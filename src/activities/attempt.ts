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
  /** Shorter limits for single codes. */
  readonly limits: Partial<Record<ErrorCode, number>>;
}

export interface Attempt {
  /** 1 for the first. */
  readonly number: number;
  /** Aborted when the activity is cancelled or its worker stops. */
  readonly signal: AbortSignal;
  /** Throws where this process stood still for so long that another attempt may be at work. Call it before what cannot be done twice. */
  assertTimely(): void;
}

const TICK = 2_000;
/** Below the heartbeat timeout (workflows/calls.ts) less the worker's throttle. */
const STILL_OURS = 6_000;
const MAX_BACKOFF = 15_000;
const MAX_MESSAGE = 4_000;

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
    const clock = new Clock(Context.current());
    try {
      return await work(input, clock);
    } catch (error) {
      throw clock.failure(error, patienceOf(input), (text) => secrets.mask(text));
    } finally {
      clock.stop();
    }
  };
}

class Clock implements Attempt {
  readonly number: number;
  readonly signal: AbortSignal;
  private readonly earlier: number;
  private readonly startedAt = Date.now();
  private lastTick = Date.now();
  private readonly timer: NodeJS.Timeout;

  constructor(private readonly context: Context) {
    this.number = context.info.attempt;
    this.signal = context.cancellationSignal;
    this.earlier = spentIn(context.info.heartbeatDetails);
    this.timer = setInterval(() => this.tick(), TICK);
    this.tick();
  }

  assertTimely(): void {
    if (this.signal.aborted || Date.now() - this.lastTick > STILL_OURS) {
      throw new DeployError('INTERNAL', 'This worker stood still for too long; the next attempt goes on.');
    }
  }

  stop(): void {
    clearInterval(this.timer);
  }

  failure(error: unknown, patience: Patience, mask: (text: string) => string): unknown {
    if (error instanceof CancelledFailure || error instanceof ApplicationFailure) return error;
    const { code, message, retryAfter } = error instanceof DeployError ? error : internal(error);
    const { retry } = errorRow(code);
    const delay = Math.max(retryAfter ?? 0, retry === 'not-yet' ? patience.poll : this.backoff());
    const limit = Math.min(patience.limits[code] ?? Infinity, patience.deadline);
    const final = retry === 'no' || this.spent() + delay > limit;
    this.context.heartbeat({ spent: this.spent() + delay });
    return ApplicationFailure.create({
      type: code,
      message: mask(final && retry !== 'no' ? `${message} (given up after ${words(this.spent())})` : message).slice(0, MAX_MESSAGE),
      nonRetryable: final,
      nextRetryDelay: delay,
      ...(retry === 'not-yet' && !final ? { category: ApplicationFailureCategory.BENIGN } : {}),
    });
  }

  private tick(): void {
    this.lastTick = Date.now();
    this.context.heartbeat({ spent: this.spent() });
  }

  private spent(): number {
    return this.earlier + Date.now() - this.startedAt;
  }

  private backoff(): number {
    return Math.min(1_000 * 2 ** Math.min(this.number - 1, 10), MAX_BACKOFF);
  }
}

function spentIn(details: unknown): number {
  if (typeof details !== 'object' || details === null || !('spent' in details)) return 0;
  return typeof details.spent === 'number' ? details.spent : 0;
}

function internal(error: unknown): DeployError {
  return new DeployError('INTERNAL', error instanceof Error ? `${error.name}: ${error.message}` : String(error));
}

function words(ms: number): string {
  return ms < 120_000 ? `${Math.round(ms / 1000)} s` : `${Math.round(ms / 60_000)} min`;
}
