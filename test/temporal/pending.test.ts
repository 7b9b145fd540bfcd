import { strict as assert } from 'node:assert';
import { defaultPayloadConverter } from '@temporalio/common';
import { temporal } from '@temporalio/proto';
import { findingsIn, linesByLabel, pendingByLabel } from '../../src/temporal/pending';

type Pending = NonNullable<Parameters<typeof pendingByLabel>[0]>[number];

const { PENDING_ACTIVITY_STATE_SCHEDULED: SCHEDULED, PENDING_ACTIVITY_STATE_STARTED: STARTED } =
  temporal.api.enums.v1.PendingActivityState;

function pending(activityId: string, state: Pending['state'], details?: unknown, failure?: string): Pending {
  return {
    activityId,
    state,
    attempt: 2,
    ...(details === undefined ? {} : { heartbeatDetails: { payloads: [defaultPayloadConverter.toPayload(details)] } }),
    ...(failure === undefined
      ? {}
      : { lastFailure: { message: failure, applicationFailureInfo: { type: 'CLOUD_ERROR' } } }),
  };
}

describe('pending activities', () => {
  it('are told by label: the last failure of one that waits, the last report of one that runs', () => {
    const activities = [
      pending('kernel/uploadImage/1', STARTED, { spent: 1, line: 'part 1 of 2' }, 'HTTP 500'),
      pending('ramdisk/uploadImage/1', SCHEDULED, { spent: 1, line: 'part 1 of 2' }, 'HTTP 500'),
      pending('machine/uploadImage/1', STARTED),
    ];
    assert.deepEqual(
      [...linesByLabel(activities)],
      [
        ['kernel', 'part 1 of 2'],
        ['ramdisk', 'HTTP 500'],
      ],
    );
    const attempts = pendingByLabel(activities);
    assert.deepEqual(
      [...attempts.keys()].map((label) => attempts.get(label)?.line),
      ['part 1 of 2', undefined, undefined],
    );
    assert.equal(attempts.get('ramdisk')?.failure?.code, 'CLOUD_ERROR');
  });

  it('leave out details that are not understood', () => {
    const good = { check: 'image', ok: true, message: 'exists' };
    const findings = [good, 'image', { check: 'type', ok: 'yes', message: '' }, { ...good, code: 'UNKNOWN_CODE' }];
    const activities = [
      pending('doctor/findProblems/1', STARTED, { line: 7, row: { code: 'CLOUD_ERROR' }, findings }, 'HTTP 500'),
      pending('dns/observeDns/1', STARTED, 'half-way'),
    ];
    assert.deepEqual(findingsIn(activities), [good]);
    assert.deepEqual([...linesByLabel(activities)], []);
    const attempt = pendingByLabel(activities).get('doctor');
    assert.deepEqual([attempt?.line, attempt?.failures], [undefined, undefined]);
    assert.deepEqual([findingsIn(undefined), pendingByLabel(null).size], [[], 0]);
  });
});
