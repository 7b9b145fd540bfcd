/** What an activity's failure means to a person: a stable code and a sentence. */

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
 * What the activity asked for and does not know the end of. One that timed out, or was cancelled by the server alone, says nothing of it,
 * and may have asked.
 * @param call what it may have asked for
 */
export function unsettledOf(error: unknown, call: string): Unsettled | undefined {
  const cause = error instanceof ActivityFailure ? error.cause : error;
  if (!(cause instanceof ApplicationFailure || cause instanceof CancelledFailure)) return { call };
  const [details] = (cause.details ?? []) as readonly (UnsettledDetails | string | undefined)[];
  // Of an attempt that was cancelled between two tries the server has words of its own.
  if (typeof details === 'object') return details.unsettled;
  return cause instanceof CancelledFailure ? { call } : undefined;
}
