/** Translates an activity's failure to a stable error code and a sentence. */

import { ActivityFailure, ApplicationFailure, CancelledFailure, TimeoutFailure } from '@temporalio/workflow';
import { isErrorCode } from '../deployment/errors';
import type { StepFailure, UnsettledDetails } from '../deployment/messages';
import type { Unsettled } from '../deployment/facts';

export function stepFailureOf(error: unknown): StepFailure {
  const cause = error instanceof ActivityFailure ? error.cause : error;
  if (cause instanceof ApplicationFailure) {
    const code = cause.type ?? '';
    return { code: isErrorCode(code) ? code : 'INTERNAL', message: cause.message };
  }
  if (cause instanceof TimeoutFailure)
    return { code: 'ATTEMPT_TIMEOUT', message: `The activity timed out (${cause.timeoutType}).` };
  return { code: 'INTERNAL', message: cause instanceof Error ? cause.message : 'unknown failure' };
}

/**
 * The request of a failed activity whose outcome is unknown. An activity that timed out, or was cancelled by the server alone, reports
 * nothing and may have sent one.
 * @param call the request that it may have sent
 */
export function unsettledOf(error: unknown, call: string): Unsettled | undefined {
  const cause = error instanceof ActivityFailure ? error.cause : error;
  if (!(cause instanceof ApplicationFailure || cause instanceof CancelledFailure)) return { call };
  const [details] = (cause.details ?? []) as readonly (UnsettledDetails | string | undefined)[];
  // For an activity that was cancelled between two attempts, the server puts details of its own here.
  if (typeof details === 'object') return details.unsettled;
  return cause instanceof CancelledFailure ? { call } : undefined;
}
