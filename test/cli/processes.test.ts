import { strict as assert } from 'node:assert';
import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { claimNet } from '../../lab/ports';
import { CLI } from '../support/site';
import { Mark } from '../support/marked';
import { localServer } from '../support/temporal';
import { eventually } from '../support/wait';
import { Cli } from './cli';

const BUILT = [process.execPath, CLI] as const;

describe('programs that the command line becomes', function () {
  this.timeout(120_000);
  let server: TestWorkflowEnvironment;
  let dir: string;
  let mark: Mark;

  before(async () => {
    server = await localServer();
  });
  after(() => server.teardown());
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'stackato-programs-'));
    mark = new Mark();
  });
  afterEach(() => {
    for (const pid of mark.alive()) process.kill(pid, 'SIGKILL');
    rmSync(dir, { recursive: true });
  });

  const startWorker = async (taskQueue: string): Promise<Cli> => {
    const env = {
      ...mark.env,
      TEMPORAL_ADDRESS: server.address,
      STACKATO_DEPLOY_TASK_QUEUE: taskQueue,
      STACKATO_DEPLOY_STATE: dir,
    };
    const worker = new Cli(['worker'], env, BUILT);
    await eventually('the worker is ready', () => worker.stdout.includes('worker is ready'), 60_000);
    return worker;
  };

  /** A dead worker is listed as polling for minutes: what tells is whether a workflow is taken up before its time is over. */
  const takesWork = async (taskQueue: string): Promise<boolean> => {
    const options = { taskQueue, workflowId: `asked-${randomUUID()}`, workflowRunTimeout: '4s' } as const;
    const handle = await server.client.workflow.start('nobodyKnowsThis', options);
    await assert.rejects(handle.result());
    const { events } = await handle.fetchHistory();
    return (events ?? []).some(
      ({ workflowTaskStartedEventAttributes: started }) => started !== null && started !== undefined,
    );
  };

  it('17a: a worker that is killed outright leaves no process, and nobody that takes work', async () => {
    const worker = await startWorker('killed-outright');
    assert.ok(await takesWork('killed-outright'), 'it is seen where it works');
    assert.deepEqual(mark.alive(), [worker.pid], 'one process, whose pid is known');
    worker.signal('SIGKILL');
    await worker.ended;
    assert.deepEqual(mark.alive(), []);
    assert.equal(await takesWork('killed-outright'), false);
  });

  it('17a: a worker can be stopped and continued, and ends in order by SIGTERM and by SIGINT', async () => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) {
      const worker = await startWorker(`told-${signal}`);
      worker.signal('SIGSTOP');
      await eventually('it stands still', () => mark.states().every((state) => state === 'T'));
      worker.signal('SIGCONT');
      await eventually('it goes on', () => mark.states().every((state) => state !== 'T'));
      worker.signal(signal);
      const { code, stderr } = await worker.ended;
      assert.deepEqual([code, stderr, mark.alive()], [0, '', []]);
    }
  });

  it('17a: a lab in the foreground that is killed outright takes all of its parts with it', async () => {
    const net = await claimNet(undefined);
    net.release();
    const basePort = 3_000 + (net.number % 8) * 1_000;
    const lab = new Cli(
      ['lab', 'serve', '--dir', dir, '--net', String(net.number), '--base-port', String(basePort)],
      mark.env,
      BUILT,
    );
    const status = (): Promise<unknown> =>
      new Cli(['lab', 'status', '--dir', dir], {}, BUILT).ended.then(({ code }) => code === 0);
    await eventually('the lab is up', status, 90_000, 500);
    assert.ok(mark.alive().length > 3, 'Temporal, BIND and moto are seen');
    lab.signal('SIGKILL');
    await lab.ended;
    await eventually('all of them are gone', () => mark.alive().length === 0);
  });
});
