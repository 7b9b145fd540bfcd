/** Temporal's pending activities: the only source of attempts and their errors while a step runs. */

import type { DescribeWorkflowExecutionResponse } from '@temporalio/client';
import { defaultPayloadConverter } from '@temporalio/common';
import { errorRow, isErrorCode } from '../deployment/errors';
import type { ErrorCode } from '../deployment/errors';
import type { Finding } from '../deployment/messages';

type Pending = readonly RawPending[] | null | undefined;
type RawPending = NonNullable<DescribeWorkflowExecutionResponse['pendingActivities']>[number];
type Timestamp = RawPending['scheduledTime'];

export interface PendingAttempt {
  /** From 1; includes attempts that only found that something is not there yet. */
  readonly attempt: number;
  /** How often it failed in the same way in a row. Absent where that is unknown. */
  readonly failures?: number;
  /** An attempt is running now; otherwise the next one is waiting for its turn. */
  readonly running: boolean;
  /** Somebody paused the activity in Temporal. */
  readonly paused: boolean;
  /** Epoch milliseconds. */
  readonly nextAttemptAt?: number;
  readonly failure?: AttemptFailure;
  /** The last report of a running attempt. */
  readonly line?: string;
}

export interface AttemptFailure {
  /** Absent where the attempt ended without an error: its worker died, or it timed out. */
  readonly code?: ErrorCode;
  readonly message: string;
  /** Not a failure: it is just not there yet. */
  readonly notYet: boolean;
}

/** temporal.api.enums.v1.PendingActivityState */
const STATE = { scheduled: 1, started: 2, paused: 4, pauseRequested: 5 } as const;

/** By label, the first part of the activity id: `<step>/…`, `undo-<step>/…` or `<image part>/…`. */
export function pendingByLabel(pending: Pending): ReadonlyMap<string, PendingAttempt> {
  return new Map((pending ?? []).map((activity) => [labelOf(activity), attemptOf(activity)]));
}

/** By label, one line each: the last failure of an activity that waits for its next attempt, else its last report. */
export function linesByLabel(pending: Pending): ReadonlyMap<string, string> {
  return new Map(
    (pending ?? []).flatMap((activity) => {
      const state: number = activity.state ?? 0;
      const failed = state === STATE.scheduled ? activity.lastFailure?.message : undefined;
      const line = failed || detailsOf(activity).line;
      return line === undefined ? [] : [[labelOf(activity), line] as const];
    }),
  );
}

/** What `doctor` has found so far. */
export function findingsIn(pending: Pending): readonly Finding[] {
  return (pending ?? []).flatMap((activity) => detailsOf(activity).findings ?? []);
}

function labelOf({ activityId }: RawPending): string {
  return (activityId ?? '').split('/')[0] ?? '';
}

function attemptOf(activity: RawPending): PendingAttempt {
  const state: number = activity.state ?? 0;
  const next = millisecondsOf(activity.nextAttemptScheduleTime);
  const failure = failureOf(activity.lastFailure);
  const { line, row } = detailsOf(activity);
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

/** What of an attempt's heartbeat details (activities/attempt.ts) is read here. */
interface Details {
  readonly line?: string;
  readonly row?: { readonly code: string; readonly length: number };
  readonly findings?: readonly Finding[];
}

function detailsOf({ heartbeatDetails }: RawPending): Details {
  const payload = heartbeatDetails?.payloads?.[0];
  if (payload === undefined) return {};
  try {
    return readDetails(defaultPayloadConverter.fromPayload(payload));
  } catch {
    // Encrypted with a codec that is not at hand here.
    return {};
  }
}

/** A worker of another version may write them differently: what is not understood is left out. */
function readDetails(details: unknown): Details {
  if (typeof details !== 'object' || details === null) return {};
  const { line, row, findings }: { line?: unknown; row?: unknown; findings?: unknown } = details;
  return {
    ...(typeof line === 'string' ? { line } : {}),
    ...(isFailureRow(row) ? { row } : {}),
    ...(Array.isArray(findings) ? { findings: findings.filter(isFinding) } : {}),
  };
}

function isFailureRow(value: unknown): value is NonNullable<Details['row']> {
  if (typeof value !== 'object' || value === null) return false;
  const { code, length }: { code?: unknown; length?: unknown } = value;
  return typeof code === 'string' && typeof length === 'number';
}

function isFinding(value: unknown): value is Finding {
  if (typeof value !== 'object' || value === null) return false;
  const { check, ok, message, code }: { check?: unknown; ok?: unknown; message?: unknown; code?: unknown } = value;
  const known = code === undefined || (typeof code === 'string' && isErrorCode(code));
  return typeof check === 'string' && typeof ok === 'boolean' && typeof message === 'string' && known;
}

function failureOf(failure: RawPending['lastFailure']): AttemptFailure | undefined {
  if (failure === null || failure === undefined) return undefined;
  const code = failure.applicationFailureInfo?.type ?? '';
  if (isErrorCode(code)) return { code, message: failure.message ?? '', notYet: errorRow(code).retry === 'not-yet' };
  if (failure.timeoutFailureInfo) return { message: 'The worker went silent; the attempt is repeated.', notYet: false };
  return { message: failure.message ?? 'unknown failure', notYet: false };
}

function millisecondsOf(time: Timestamp): number | undefined {
  if (time === null || time === undefined) return undefined;
  return Number(time.seconds ?? 0) * 1000 + Math.round((time.nanos ?? 0) / 1e6);
}
