/** One attempt of an activity, as a step sees it. The engine behind it is activities/attempt.ts. */

import { DeployError } from '../deployment/errors';
import type { ErrorCode } from '../deployment/errors';
import type { Finding } from '../deployment/messages';
import type { Unsettled } from '../deployment/facts';

export interface Attempt {
  /** 1 for the first. */
  readonly number: number;
  /** Aborted when the activity is cancelled, its worker stops, or the attempt has taken too long. */
  readonly signal: AbortSignal;
  /** Says how it goes, for whoever looks at the pending activity; where `stall` is set, that it goes on at all. No secret in it. */
  report(line: string): void;
  /** What `doctor` has found so far, for whoever waits for it. */
  found(findings: readonly Finding[]): void;
  /** Throws where this process stood still for so long that another attempt may be at work. Call it before what cannot be done twice. */
  assertTimely(): void;
  /** What was asked for by this attempt, one before it, or an activity before it, and has no known end. */
  readonly unsettled: Unsettled | undefined;
  /** Asks for what must not be asked for twice. Where its end stays unknown, it is `unsettled` from then on, in the attempts after this one too. */
  request<T>(call: string, send: () => Promise<T>): Promise<T>;
  /** It is known what became of it. */
  settle(): void;
}

/** Throws NOT_YET as long as an unsettled request may take effect: what is not there by then will not come. Look before, not after. */
export function waitOut(attempt: Attempt, { lateEffect }: { readonly lateEffect: number }): void {
  const left = mayComeFor(attempt, lateEffect);
  if (left > 0)
    throw new DeployError(
      'NOT_YET',
      `${attempt.unsettled?.call ?? ''} was not answered and may still take effect: for ${duration(left)} more.`,
    );
  attempt.settle();
}

/** Milliseconds in which an unsettled request may still take effect. */
export function mayComeFor({ unsettled }: Attempt, lateEffect: number): number {
  return unsettled === undefined ? 0 : Math.max(0, (unsettled.since ?? Date.now()) + lateEffect - Date.now());
}

/** Ends the step at once, whatever its code says about trying again: another run of what failed is for a person to start. */
export class GivenUp extends Error {
  override readonly name = 'GivenUp';
  constructor(
    readonly code: ErrorCode,
    message: string,
  ) {
    super(message);
  }
}

/** Milliseconds, for people. */
export function duration(ms: number): string {
  return ms < 120_000 ? `${Math.round(ms / 1000)} s` : `${Math.round(ms / 60_000)} min`;
}
