/** What an activity's failure means to a person: a stable code and a sentence. */

import { ActivityFailure, ApplicationFailure, TimeoutFailure } from '@temporalio/workflow';
import { isErrorCode } from '../spec/errors';
import type { StepFailure } from '../spec/messages';

export function stepFailureOf(error: unknown): StepFailure {
  const cause = error instanceof ActivityFailure ? error.cause : error;
  if (cause instanceof ApplicationFailure) {
    const code = cause.type ?? '';
    return { code: isErrorCode(code) ? code : 'INTERNAL', message: cause.message };
  }
  if (cause instanceof TimeoutFailure) return { code: 'INTERNAL', message: `The activity timed out (${cause.timeoutType}).` };
  return { code: 'INTERNAL', message: cause instanceof Error ? cause.message : 'unknown failure' };
}
