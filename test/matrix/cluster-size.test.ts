import { strict as assert } from 'node:assert';
import { ClusterBench, on } from '../support/cluster-bench';
import { clusterNamed, imageIn } from '../support/specs';

describe('the size of clusters', function () {
  this.timeout(300_000);
  const clusters = new ClusterBench('size');

  for (const kind of ['eucalyptus-3.2', 'eucalyptus-4.4'] as const) {
    it(`14: ${kind}: the history of the deployment stays within 500 events with 20 nodes, that of a node within 150`, async () => {
      const name = `twenty-${kind.slice(-1)}`;
      clusters.fakes.recover('readBootId');
      const deployment = await clusters.bench.deploy(on(kind, clusterNamed(name, [{ name: 'dea', count: 20 }])));
      const { stage, message } = await deployment.result();
      assert.equal(stage, 'ready', message);
      const { historyLength } = await deployment.handle.describe();
      const ofNode = await (await clusters.bench.node(name, 'dea-7')).handle.describe();
      console.log(`${kind}: ${historyLength} events, ${ofNode.historyLength} of a node`);
      assert.ok(historyLength <= 500, `${historyLength} events`);
      assert.ok(ofNode.historyLength <= 150, `${ofNode.historyLength} events of a node`);
    });
  }

  it('the history of a node stays within 200 events with a first boot by cloud-init and a volume', async () => {
    clusters.fakes.recover('readBootId');
    const storage = { containers: { size: 20 } };
    const image = { id: 'emi-12345678', cloudInit: true } as const;
    const spec = clusterNamed('most-steps', [{ name: 'dea', count: 1, storage }], { image });
    assert.equal((await (await clusters.bench.deploy(spec)).result()).stage, 'ready');
    const { historyLength } = await (await clusters.bench.node('most-steps', 'dea-1')).handle.describe();
    console.log(`${historyLength} of a node with all steps`);
    assert.ok(historyLength <= 200, `${historyLength} events`);
  });

  it('14: 200 nodes are made, each once, and taken back', async () => {
    const spec = clusterNamed('many', [{ name: 'dea', count: 200 }], { rollout: { parallel: 20 } });
    const image = imageIn('/images');
    const deployment = await clusters.bench.deploy({ ...spec, image });
    const { stage, view, message } = await deployment.result();
    assert.equal(stage, 'ready', message);
    assert.equal(Object.keys(view.nodes).length, 200);
    const launched = clusters.nodesOf('launchInstance');
    assert.deepEqual([launched.length, new Set(launched).size], [201, 201]);
    assert.deepEqual(
      clusters
        .callsOf('launchInstance')
        .slice(1)
        .map(({ input }) => input.assigned?.length),
      Array.from({ length: 200 }, (_, index) => index),
    );
    const seen = await deployment.view();
    assert.equal(Object.values(seen.facts.nodes).filter(({ instance }) => instance !== undefined).length, 201);
    const { historyLength, historySize } = await deployment.handle.describe();
    console.log(`200 nodes: ${historyLength} events, ${historySize} bytes`);
    assert.ok(
      historyLength < 10_000 && (historySize ?? Infinity) < 8 * 1024 * 1024,
      `${historyLength}, ${historySize}`,
    );
    const removed = await clusters.bench.teardown({ ...spec, image }, seen.facts);
    assert.equal(removed.stage, 'removed');
    assert.equal(new Set(clusters.nodesOf('terminateInstance')).size, 201);
  });
});
