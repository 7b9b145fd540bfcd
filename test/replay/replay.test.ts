/** The workflow code replays recorded histories. If it did not, an upgrade would leave running deployments stuck. */

import assert from 'node:assert/strict';
import { Worker } from '@temporalio/worker';
import { workflowBundle } from '../support/temporal';
import { goldenHistories } from './histories';

const EXPECTED = [
  'aborted',
  'address-desk',
  'cluster',
  'cluster-aborted',
  'cluster-changed',
  'cluster-removed',
  'cluster-tagged',
  'happy-static',
  'node',
  'node-aborted',
  'node-cancelled',
  'node-removed',
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

  it('are complete', () => {
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

  it('do not replay with the steps in another order', async () => {
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
