/** Today's workflow code goes the way of yesterday's: else a deployment under way would be stuck by the next release. */

import assert from 'node:assert/strict';
import { Worker } from '@temporalio/worker';
import { workflowBundle } from '../support/temporal';
import { goldenHistories } from './histories';

const EXPECTED = [
  'aborted',
  'address-desk',
  'happy-static',
  'parked-resumed-dhcp',
  'publish-image',
  'published',
  'removed',
  'unchanged',
];

interface RecordedEvent {
  activityTaskScheduledEventAttributes?: { activityType?: { name?: string } };
}

describe('golden histories', function () {
  this.timeout(60_000);

  it('are all there', () => {
    assert.deepEqual(
      goldenHistories()
        .map(({ name }) => name)
        .sort(),
      EXPECTED,
    );
  });

  for (const { name, history } of goldenHistories()) {
    it(`replay: ${name}`, async () => {
      await Worker.runReplayHistory({ workflowBundle: await workflowBundle() }, history, 'replayed');
    });
  }

  it('would not replay another order of steps', async () => {
    const happy = goldenHistories().find(({ name }) => name === 'happy-static')?.history as { events: RecordedEvent[] };
    const scheduled = happy.events.flatMap(
      ({ activityTaskScheduledEventAttributes: attributes }) => attributes?.activityType ?? [],
    );
    const [rename, mdns] = ['renameNode', 'disableMdns'].map((type) =>
      scheduled.find((activity) => activity.name === type),
    );
    assert.ok(rename && mdns);
    [rename.name, mdns.name] = [mdns.name, rename.name];
    await assert.rejects(
      Worker.runReplayHistory({ workflowBundle: await workflowBundle() }, happy, 'replayed'),
      /nondeterminism|DeterminismViolation/i,
    );
  });
});
