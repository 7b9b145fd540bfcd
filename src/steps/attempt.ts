/** One attempt of an activity, as a step sees it. Implemented in activities/attempt.ts. */

import { DeployError } from '../deployment/errors';
import type { ErrorCode } from '../deployment/errors';
import type { Finding } from '../deployment/messages';
import type { Unsettled } from '../deployment/facts';

export interface Attempt {
  /** 1 for the first. */
  readonly number: number;
  /** Aborted when the activity is cancelled, its worker stops, or the attempt has taken too long. */
  readonly signal: AbortSignal;
  /** Progress for `status` and the Web UI, without secrets. With `stall` set, it also shows that the attempt is not stuck. */
  report(line: string): void;
  /** The findings of `doctor` so far, for whoever is waiting for them. */
  found(findings: readonly Finding[]): void;
  /** Throws if this process was suspended for so long that another attempt may be running. Call it before anything that must not be done twice. */
  assertTimely(): void;
  /** A request by this attempt, an earlier one or an earlier activity whose outcome is unknown. */
  readonly unsettled: Unsettled | undefined;
  /** Sends a request that must not be sent twice. If its outcome stays unknown, it is `unsettled` from then on, in later attempts too. */
  request<T>(call: string, send: () => Promise<T>): Promise<T>;
  /** The outcome of the unsettled request is known now. */
  settle(): void;
}

/** Throws NOT_YET as long as an unsettled request may still take effect; after that, it never will. Observe before calling this, not after. */
export function waitOut(attempt: Attempt, { lateEffect }: { readonly lateEffect: number }): void {
  const left = lateEffectLeft(attempt, lateEffect);
  if (left > 0)
    throw new DeployError(
      'NOT_YET',
      `${attempt.unsettled?.call ?? ''} was not answered and may still take effect for ${duration(left)}.`,
    );
  attempt.settle();
}

/** How long an unsettled request may still take effect, ms. */
export function lateEffectLeft({ unsettled }: Attempt, lateEffect: number): number {
  return unsettled === undefined ? 0 : Math.max(0, (unsettled.since ?? Date.now()) + lateEffect - Date.now());
}

/** Ends the step at once, whatever its code says about retries: a person must start another run. */
export class GivenUp extends Error {
  override readonly name = 'GivenUp';
  constructor(
    readonly code: ErrorCode,
    message: string,
  ) {
    super(message);
  }
}

/** Milliseconds as text. */
export function duration(ms: number): string {
  return ms < 120_000 ? `${Math.round(ms / 1000)} s` : `${Math.round(ms / 60_000)} min`;
}
