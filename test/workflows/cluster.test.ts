import { strict as assert } from 'node:assert';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { Bench } from '../support/deployment';
import { FakeActivities } from '../support/fake-activities';
import { clusterNamed } from '../support/specs';
import { localServer } from '../support/temporal';

describe('clusters', function () {
  this.timeout(60_000);
  let env: TestWorkflowEnvironment;
  let bench: Bench;
  let fakes: FakeActivities;
  let count = 0;

  before(async () => {
    env = await localServer();
  });
  after(() => env.teardown());
  beforeEach(async () => {
    fakes = new FakeActivities();
    bench = new Bench(env, `cluster-${++count}`);
    await bench.startWorker(fakes);
  });
  afterEach(() => bench.stopWorker());

  for (const kind of ['eucalyptus-3.2', 'eucalyptus-4.4'] as const) {
    it(`14: ${kind}: the history of the deployment stays within 500 events with 20 nodes, that of a node within 150`, async () => {
      const spec = clusterNamed(`twenty-${kind.slice(-3)}`, [{ name: 'dea', count: 20 }]);
      const deployment = await bench.deploy({ ...spec, cloud: { ...spec.cloud, kind } });
      const { stage, message } = await deployment.result();
      assert.equal(stage, 'ready', message);
      const { historyLength, historySize } = await deployment.handle.describe();
      const node = await bench.node(spec.name, 'dea-7');
      const ofNode = await node.handle.describe();
      const h = await deployment.handle.fetchHistory();
      const c: Record<string, number> = {};
      for (const e of h.events ?? []) c[String(e.eventType)] = (c[String(e.eventType)] ?? 0) + 1;
      console.log(JSON.stringify(c));
      console.log(kind, historyLength, historySize, ofNode.historyLength, ofNode.historySize);
      assert.ok(historyLength <= 500, `${historyLength} events`);
      assert.ok(ofNode.historyLength <= 150, `${ofNode.historyLength} events of a node`);
    });
  }
});
