/** What Temporal says of activities that have not ended: the only place where attempts and their errors can be read while a step runs. */

import type { DescribeWorkflowExecutionResponse } from '@temporalio/client';
import { defaultPayloadConverter } from '@temporalio/common';
import { errorRow, isErrorCode } from '../deployment/errors';
import type { ErrorCode } from '../deployment/errors';
import type { Finding } from '../deployment/messages';

export type RawPending = NonNullable<DescribeWorkflowExecutionResponse['pendingActivities']>[number];

type Timestamp = RawPending['scheduledTime'];

export interface PendingAttempt {
  /** From 1; with every look at what is not there yet. */
  readonly attempt: number;
  /** How often it failed in this way, one after the other. Absent where nothing tells. */
  readonly failures?: number;
  /** An attempt is being made right now; else it waits for its turn. */
  readonly running: boolean;
  /** Somebody paused the activity in Temporal itself. */
  readonly paused: boolean;
  /** Epoch milliseconds. */
  readonly nextAttemptAt?: number;
  readonly failure?: AttemptFailure;
  /** What a running attempt last said of itself. */
  readonly line?: string;
}

export interface AttemptFailure {
  /** Absent where the attempt ended without a word: its worker died, or it timed out. */
  readonly code?: ErrorCode;
  readonly message: string;
  /** No failure at all: it is just not there yet. */
  readonly notYet: boolean;
}

/** temporal.api.enums.v1.PendingActivityState */
const STATE = { started: 2, paused: 4, pauseRequested: 5 } as const;

/** By the first part of the activity id: `<step>/…` or `undo-<step>/…`. */
export function pendingByLabel(activities: readonly RawPending[]): ReadonlyMap<string, PendingAttempt> {
  return new Map(activities.map((activity) => [(activity.activityId ?? '').split('/')[0] ?? '', attemptOf(activity)]));
}

function attemptOf(activity: RawPending): PendingAttempt {
  const state: number = activity.state ?? 0;
  const next = millisecondsOf(activity.nextAttemptScheduleTime);
  const failure = failureOf(activity.lastFailure);
  const { line, row } = detailsOf(activity.heartbeatDetails);
  return {
    attempt: Math.max(activity.attempt ?? 1, 1),
    ...(failure?.code === undefined || row?.code !== failure.code ? {} : { failures: row.length }),
    running: state === STATE.started,
    paused: activity.paused === true || state === STATE.paused || state === STATE.pauseRequested,
    ...(next === undefined || state === STATE.started ? {} : { nextAttemptAt: next }),
    ...(failure === undefined ? {} : { failure }),
    ...(line === undefined || state !== STATE.started ? {} : { line }),
  };
}

/** Of what an attempt says of itself (activities/attempt.ts). A worker of another version may say it otherwise. */
interface Details {
  readonly line?: string;
  readonly row?: { readonly code: string; readonly length: number };
  readonly findings?: readonly Finding[];
}

function detailsOf(details: RawPending['heartbeatDetails']): Details {
  const payload = details?.payloads?.[0];
  try {
    const value: unknown = payload === undefined ? undefined : defaultPayloadConverter.fromPayload(payload);
    return typeof value === 'object' && value !== null ? value : {};
  } catch {
    // Encrypted by a codec that this client does not have.
    return {};
  }
}

/** What `doctor` has found so far. */
export function findingsIn(activities: readonly RawPending[]): readonly Finding[] {
  return activities.flatMap(({ heartbeatDetails }) => detailsOf(heartbeatDetails).findings ?? []);
}

function failureOf(failure: RawPending['lastFailure']): AttemptFailure | undefined {
  if (failure === null || failure === undefined) return undefined;
  const code = failure.applicationFailureInfo?.type ?? '';
  if (isErrorCode(code)) return { code, message: failure.message ?? '', notYet: errorRow(code).retry === 'not-yet' };
  if (failure.timeoutFailureInfo)
    return { message: 'The worker went silent; the attempt is made anew.', notYet: false };
  return { message: failure.message ?? 'unknown failure', notYet: false };
}

function millisecondsOf(time: Timestamp): number | undefined {
  if (time === null || time === undefined) return undefined;
  return Number(time.seconds ?? 0) * 1000 + Math.round((time.nanos ?? 0) / 1e6);
}
