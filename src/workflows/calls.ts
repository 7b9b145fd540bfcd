/** Calls activities with the options every one of them shares. */

import { proxyActivities } from '@temporalio/workflow';
import type { ActivityOptions } from '@temporalio/workflow';
import type { Activities, StepActivityName, StepInput, StepOutcome } from '../activities/types';

/**
 * A dead worker is noticed by the missing heartbeat; each attempt is short, since waiting happens between attempts.
 * No schedule-to-close timeout: an activity counts the time itself, so that hours without any worker cost a deployment
 * nothing (see activities/attempt.ts). Delays after failures come from there too (`nextRetryDelay`); the policy here is for
 * attempts that ended without a word.
 */
export const ACTIVITY_OPTIONS = {
  startToCloseTimeout: '90s',
  heartbeatTimeout: '10s',
  retry: { initialInterval: '1s', backoffCoefficient: 1 },
} as const satisfies ActivityOptions;

/** @param label prefix of the activity id; views map pending activities to steps by it. */
export function callStepActivity(name: StepActivityName, label: string, summary: string, input: StepInput): Promise<StepOutcome> {
  const activities = proxyActivities<Activities>({ ...ACTIVITY_OPTIONS, activityId: `${label}/${name}/${input.need}`, summary });
  return activities[name](input);
}
