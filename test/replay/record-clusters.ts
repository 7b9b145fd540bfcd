/**
 * Records the golden histories of clusters anew, with fake activities: `npx tsx test/replay/record-clusters.ts`. When: see record.ts.
 */

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { historyToJSON } from '@temporalio/common/lib/proto-utils';
import { workflowIdOf } from '../../src/deployment/names';
import { CORE } from '../../src/deployment/facts';
import { on } from '../support/cluster-bench';
import { Bench } from '../support/deployment';
import type { Deployment } from '../support/deployment';
import { FakeActivities } from '../support/fake-activities';
import { Held } from '../support/held';
import { clusterNamed } from '../support/specs';
import { localServer } from '../support/temporal';
import { eventually } from '../support/wait';
import { FOLDER } from './histories';

async function save(name: string, { handle }: Pick<Deployment, 'handle'>): Promise<void> {
  writeFileSync(join(FOLDER, `${name}.json`), historyToJSON(await handle.fetchHistory()));
}

/** Turns to launch, a parked node that is resumed, a changed group, one more and one less, and `down`. */
async function untagged(bench: Bench, fakes: FakeActivities): Promise<void> {
  fakes.failOn(['dea-1'], 'launchInstance', 'NO_CAPACITY');
  const spec = clusterNamed('untagged', [{ name: 'dea', count: 3 }]);
  const deployment = await bench.deploy(spec);
  await deployment.until('parked', ({ nodes }) => nodes['dea-1']?.stage === 'needs-attention');
  fakes.recover('launchInstance');
  const node = await bench.node('untagged', 'dea-1');
  await node.say('resume');
  const { view } = await deployment.result();
  await save('cluster', deployment);
  await save('node', node);

  const changed = clusterNamed('untagged', [
    { name: 'dea', count: 1, instance: { type: 'c1.xlarge' } },
    { name: 'web', count: 1 },
  ]);
  const second = await bench.deploy(changed, view.facts);
  const { view: after } = await second.result();
  await save('cluster-changed', second);
  await save('node-removed', await bench.node('untagged', 'dea-3'));

  await bench.teardown(changed, after.facts);
  await save('cluster-removed', { handle: bench.env.client.workflow.getHandle(workflowIdOf('untagged')) });
}

/** A node that is aborted; then the deployment is, while the other one launches. */
async function tagged(bench: Bench, fakes: FakeActivities): Promise<void> {
  const spec = on('eucalyptus-4.4', clusterNamed('tagged', [{ name: 'dea', count: 2 }], { rollout: { canary: 0 } }));
  fakes.failOn(['dea-2'], 'awaitAttached', 'COMMAND_NO_EFFECT');
  const deployment = await bench.deploy(spec);
  await deployment.until('parked', ({ nodes }) => nodes['dea-2']?.stage === 'needs-attention');
  const node = await bench.node('tagged', 'dea-2');
  await node.say('abort');
  const { view } = await deployment.result();
  await save('cluster-tagged', deployment);
  await save('node-aborted', node);

  const held = new Held();
  fakes.when('launchInstance', async (input) => {
    if (input.node !== CORE) await held.wait();
    return fakes.usual('launchInstance', input);
  });
  const second = await bench.deploy(spec, view.facts);
  await eventually('it launches', () => held.waiting);
  await second.say('abort');
  await eventually('it knows', () => held.cancelled);
  held.release();
  await second.result();
  await save('cluster-aborted', second);
  await save('node-cancelled', await bench.node('tagged', 'dea-1'));
}

async function record(): Promise<void> {
  const env = await localServer();
  try {
    for (const [queue, main] of Object.entries({ untagged, tagged })) {
      const fakes = new FakeActivities();
      const bench = new Bench(env, queue);
      await bench.startWorker(fakes);
      await main(bench, fakes);
      await bench.stopWorker();
    }
  } finally {
    await env.teardown();
  }
}

record().then(
  // The native part of the SDK would keep the process running.
  () => process.exit(),
  (error: unknown) => {
    console.error(error);
    process.exit(1);
  },
);
