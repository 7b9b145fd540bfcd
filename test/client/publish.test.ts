/** `image publish`, as a library and as a command, against a worker whose activities only pretend. */

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Context } from '@temporalio/activity';
import { ApplicationFailure } from '@temporalio/common';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { ClientError } from '../../src/client/errors';
import type { PublishStatus } from '../../src/client/publish';
import type { DeploymentSpec } from '../../src/deployment/spec';
import { PUBLISHES } from '../specfile/bad-specs';
import { FakeActivities } from '../support/fake-activities';
import { imageIn, specNamed } from '../support/specs';
import { localServer } from '../support/temporal';
import { ClientBench } from './bench';
import { cli } from '../cli/cli';

describe('image publish', function () {
  this.timeout(60_000);
  let server: TestWorkflowEnvironment;
  let bench: ClientBench;
  let fakes: FakeActivities;
  let dir: string;
  let count = 0;

  before(async () => {
    server = await localServer();
  });
  after(() => server.teardown());
  beforeEach(async () => {
    dir = mkdtempSync(join(tmpdir(), 'stackato-publish-'));
    fakes = new FakeActivities();
    bench = await ClientBench.open(server, `publishing-${++count}`);
    await bench.worker.startWorker(fakes);
  });
  afterEach(async () => {
    await bench.close();
    rmSync(dir, { recursive: true });
  });

  const spec = (): DeploymentSpec => specNamed('dev', { image: imageIn(dir, { name: `image-${count}` }) });
  const all = async (wanted: DeploymentSpec, seen?: (each: PublishStatus) => void): Promise<PublishStatus[]> => {
    const each: PublishStatus[] = [];
    for await (const publishing of bench.deployments.publishImage(wanted)) {
      each.push(publishing);
      seen?.(publishing);
    }
    return each;
  };
  const file = (): string => {
    const path = join(dir, 'dev.yaml');
    writeFileSync(path, PUBLISHES.replace('stackato-v2.6.6', `image-${count}`));
    return path;
  };
  const refused = (work: Promise<unknown>, code: string): Promise<void> =>
    assert.rejects(work, (error) => error instanceof ClientError && error.code === code);

  /** The machine image's upload says where it is until it is let go. */
  function slowUpload(): () => void {
    let release = (): void => undefined;
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    const { uploadImage } = fakes.image;
    fakes.image = {
      ...fakes.image,
      uploadImage: async (input) => {
        Context.current().heartbeat({ spent: 1, line: `${input.part}: part 1 of 2` });
        if (input.part === 'machine') await held;
        return uploadImage(input);
      },
    };
    return release;
  }

  it('is followed to its end, with what each part says of itself', async () => {
    const release = slowUpload();
    const seen = await all(spec(), ({ pending }) => {
      if (pending.machine?.line === 'machine: part 1 of 2') release();
    });
    const last = seen.at(-1)!;
    assert.deepEqual([last.open, last.view.stage, last.view.parts.machine.id], [false, 'published', 'emi-00000003']);
    assert.ok(seen.some(({ pending }) => pending.machine?.line === 'machine: part 1 of 2'));
  });

  it('is joined while it is under way, unless it is another image of that name', async () => {
    const release = slowUpload();
    const first = all(spec());
    const joined = bench.deployments.publishImage(spec())[Symbol.asyncIterator]();
    const { value } = (await joined.next()) as { value: PublishStatus };
    await refused(all(specNamed('dev', { image: imageIn('/elsewhere', { name: `image-${count}` }) })), 'SPEC_DIFFERS');
    release();
    assert.equal((await first).at(-1)?.workflowUrl, value.workflowUrl);
    await joined.return?.();
  });

  it('wants an image to publish', async () => {
    await refused(all(specNamed('dev')), 'USAGE');
  });

  it('as a command tells each change once, and what came of it', async () => {
    const { code, stdout } = await cli(['image', 'publish', file()], bench.env);
    assert.equal(code, 0);
    assert.match(stdout, /kernel: done in .*, eki-00000001, 1 parts sent, 0 there already\n/);
    assert.match(stdout, /Published: emi-00000003 \(kernel eki-00000001, ramdisk eri-00000002\)\n$/);
  });

  it('as a command says what failed and what to do: exit 4', async () => {
    fakes.image = {
      ...fakes.image,
      checkImage: () =>
        Promise.reject(ApplicationFailure.nonRetryable('The file x does not exist.', 'IMAGE_SOURCE_MISSING')),
    };
    const { code, stdout } = await cli(['image', 'publish', file(), '--json'], bench.env);
    assert.equal(code, 4);
    const last = JSON.parse(stdout.trim().split('\n').at(-1)!) as PublishStatus;
    assert.deepEqual([last.view.stage, last.view.error?.code], ['failed', 'IMAGE_SOURCE_MISSING']);
    assert.match(
      (await cli(['image', 'publish', file()], bench.env)).stdout,
      /IMAGE_SOURCE_MISSING: The file x does not exist\.\n.*, then run it again\./,
    );
  });

  it('is undone by down --images alone', async () => {
    const wanted = specNamed(`images-${count}`, { image: imageIn(dir) });
    await bench.deployments.up(wanted);
    await bench.untilClosed(wanted.name);
    await bench.deployments.down(wanted.name);
    await bench.untilClosed(wanted.name);
    assert.ok(!fakes.names().includes('withdrawImage'));
    assert.equal((await bench.deployments.down(wanted.name)).did, 'nothing');
    assert.equal((await cli(['down', wanted.name, '--images'], bench.env)).code, 0);
    assert.ok(fakes.names().includes('withdrawImage'));
  });
});
