import { strict as assert } from 'node:assert';
import { createConnection, createServer } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { Deployments } from '../../src/client/deployments';
import { FakeActivities } from '../support/fake-activities';
import { specNamed } from '../support/specs';
import { localServer } from '../support/temporal';
import { ClientBench, hold } from '../client/bench';

/** Passes everything on to an address, until it is cut. */
class Wire {
  private readonly sockets = new Set<Socket>();
  private server: Server | undefined;
  port = 0;

  constructor(private readonly to: string) {}

  async join(): Promise<void> {
    const [host = '', port = ''] = this.to.split(':');
    const server = createServer((near) => {
      const far = createConnection({ host, port: Number(port) });
      for (const socket of [near, far]) {
        this.sockets.add(socket);
        socket
          .on('error', () => undefined)
          .on('close', () => {
            near.destroy();
            far.destroy();
          });
      }
      near.pipe(far).pipe(near);
    });
    this.server = server;
    await new Promise<void>((resolve) => server.listen(this.port, '127.0.0.1', resolve));
    this.port = (server.address() as AddressInfo).port;
  }

  async cut(): Promise<void> {
    const closed = new Promise((resolve) => this.server?.close(resolve));
    for (const socket of this.sockets) socket.destroy();
    await closed;
  }
}

describe('watching through an outage of Temporal', function () {
  this.timeout(90_000);
  let server: TestWorkflowEnvironment;
  let bench: ClientBench;
  let wire: Wire;

  before(async () => {
    server = await localServer();
    bench = await ClientBench.open(server, 'outage');
    wire = new Wire(server.address);
    await wire.join();
  });
  after(async () => {
    await bench.close();
    await wire.cut();
    await server.teardown();
  });

  it('says that it is silent, and goes on when it is back', async () => {
    const fakes = new FakeActivities();
    await bench.worker.startWorker(fakes);
    const release = hold(fakes, 'renameNode');
    await bench.deployments.up(specNamed('outlived'));
    process.env.TEMPORAL_ADDRESS = `127.0.0.1:${wire.port}`;
    const watcher = await Deployments.connect();
    const seen: (string | undefined)[] = [];
    try {
      for await (const { trouble, stage, steps } of watcher.watch('outlived', { interval: 50 })) {
        seen.push(trouble ?? stage);
        if (steps.some(({ id, state }) => id === 'rename' && state === 'running') && !seen.includes('temporal-silent'))
          await wire.cut();
        if (trouble === 'temporal-silent') {
          await wire.join();
          release();
        }
      }
    } finally {
      await watcher.close();
    }
    assert.equal(seen.filter((each) => each === 'temporal-silent').length, 1);
    assert.equal(seen.at(-1), 'ready');
  });
});
