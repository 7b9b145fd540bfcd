/** Calls activities with the options every one of them shares. */

import { ActivityCancellationType, proxyActivities } from '@temporalio/workflow';
import type { ActivityOptions } from '@temporalio/workflow';
import type { Activities, LookBackInput, StepInput, StepOutcome } from '../deployment/activities';
import type { NodeName } from '../deployment/facts';
import type { StepActivityName } from '../deployment/steps';
import type { LostEffect } from '../deployment/messages';

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
  // Not the SDK's default, which reports a cancelled activity as over while it still runs: what it goes on to make would come after the undo.
  cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
} as const satisfies ActivityOptions;

/** One attempt, for what is good to know and nothing waits for. */
const LOOK_OPTIONS = {
  ...ACTIVITY_OPTIONS,
  startToCloseTimeout: '30s',
  retry: { maximumAttempts: 1 },
} as const satisfies ActivityOptions;

/** @param after the step that failed, and which try of it */
export function callFindLost(after: string, input: LookBackInput): Promise<LostEffect | undefined> {
  return proxyActivities<Activities>({
    ...LOOK_OPTIONS,
    activityId: `look-back/${after}`,
    summary: 'Are the effects of earlier steps still there?',
  }).findLost(input);
}

/**
 * @param label prefix of the activity id; views map pending activities to steps by it
 * @param node of a step of a node
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
