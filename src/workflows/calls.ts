/** Calls activities, with the options that all of them share. */

import { ActivityCancellationType, proxyActivities } from '@temporalio/workflow';
import type { ActivityOptions } from '@temporalio/workflow';
import type { Activities, LookBackInput, StepInput, StepOutcome } from '../deployment/activities';
import type { NodeName } from '../deployment/facts';
import type { StepActivityName } from '../deployment/steps';
import type { LostEffect } from '../deployment/messages';

/**
 * A dead worker is detected by the missing heartbeat. Attempts are short, because waiting happens between attempts. There is no
 * schedule-to-close timeout: an activity counts the time itself, so that hours without a worker cost a deployment nothing (see
 * activities/attempt.ts, which also sets `nextRetryDelay` after a failure). The retry policy here is for attempts that timed out.
 */
export const ACTIVITY_OPTIONS = {
  startToCloseTimeout: '90s',
  heartbeatTimeout: '10s',
  retry: { initialInterval: '1s', backoffCoefficient: 1 },
  // The SDK's default reports a cancelled activity as finished while it is still running: it could create something after the undo.
  cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
} as const satisfies ActivityOptions;

/** A single attempt, for information that nothing depends on. */
const LOOK_OPTIONS = {
  ...ACTIVITY_OPTIONS,
  startToCloseTimeout: '30s',
  retry: { maximumAttempts: 1 },
} as const satisfies ActivityOptions;

/** @param after the step that failed, and its need */
export function callFindLost(after: string, input: LookBackInput): Promise<LostEffect | undefined> {
  return proxyActivities<Activities>({
    ...LOOK_OPTIONS,
    activityId: `look-back/${after}`,
    summary: 'Are the effects of earlier steps still there?',
  }).findLost(input);
}

/**
 * @param label prefix of the activity id, by which views map pending activities to steps
 * @param node for a step of a node
 */
export function callStepActivity(
  name: StepActivityName,
  label: string,
  node: NodeName | undefined,
  summary: string,
  input: StepInput,
): Promise<StepOutcome> {
  const activities = proxyActivities<Activities>({
    ...ACTIVITY_OPTIONS,
    activityId: [label, ...(node === undefined ? [] : [node]), name, input.need].join('/'),
    summary,
  });
  return activities[name](input);
}
