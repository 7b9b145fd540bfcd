/** An image that many need is published once, on a cloud that would silently take it many times, through the real activities. */

import assert from 'node:assert/strict';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { createActivities } from '../../src/activities';
import { createPublisher } from '../../src/activities/image-publisher';
import type { Activities } from '../../src/deployment/activities';
import { imageWorkflowId, MEMO_IMAGE, WORKFLOW, workflowIdOf } from '../../src/deployment/names';
import type { DeploymentView, PublishView } from '../../src/deployment/messages';
import type { DeploymentSpec } from '../../src/deployment/spec';
import { dependencies } from '../steps/support';
import { noise, tempFolder } from '../image/support';
import { Bench } from '../support/deployment';
import { FakeActivities } from '../support/fake-activities';
import { ImageCloud, writeImageFiles } from '../support/image-cloud';
import { imageIn, specNamed } from '../support/specs';
import { localServer } from '../support/temporal';

const REAL = [
  'startPublishing',
  'awaitKernel',
  'awaitRamdisk',
  'awaitImage',
  'withdrawImage',
  'checkImage',
  'uploadImage',
  'registerImage',
] as const satisfies readonly (keyof Activities)[];

describe('workflow publishImage', function () {
  this.timeout(120_000);
  let env: TestWorkflowEnvironment;
  let bench: Bench;
  let fakes: FakeActivities;
  let account: ImageCloud;
  let folder: string;
  let number = 0;

  before(async () => {
    env = await localServer();
  });
  after(() => env.teardown());
  beforeEach(async () => {
    folder = tempFolder();
    writeImageFiles(folder, noise(12 * 1024 * 1024));
    account = new ImageCloud();
    fakes = new FakeActivities();
    bench = new Bench(env, `publish-${++number}`);
    const real = createActivities(
      dependencies({ ...account.dependencies(folder), publisher: createPublisher(bench.taskQueue, () => env.client) }),
    );
    const activities = { ...fakes.activities, ...Object.fromEntries(REAL.map((name) => [name, real[name]])) };
    await bench.startWorker({ activities });
  });
  afterEach(async () => {
    await bench.stopWorker();
    rmSync(folder, { recursive: true });
  });

  /** A name of its own for each test: the server outlives them. */
  const specOf = (name: string): DeploymentSpec => {
    const { timing } = specNamed(name);
    return specNamed(`${name}-${number}`, {
      image: imageIn(folder, { name: `image-${number}` }),
      timing: { ...timing, poll: 200 },
    });
  };
  const assertOnce = (): void => {
    assert.deepEqual(account.images.map(({ id }) => id.slice(0, 3)).sort(), ['eki', 'emi', 'eri']);
    assert.equal(new Set(account.stored).size, account.stored.length, account.stored.join());
  };
  const publishView = async (): Promise<PublishView> => {
    const { cloud, image } = specOf('x');
    assert.ok('name' in image);
    return (await env.client.workflow.getHandle(imageWorkflowId(cloud, image)).describe()).memo?.[
      MEMO_IMAGE
    ] as PublishView;
  };
  const idsOf = ({
    facts: {
      site: { image },
    },
  }: DeploymentView): (string | undefined)[] =>
    [image?.kernelId, image?.ramdiskId, image?.id].map((id) => id?.slice(0, 3));

  it('publishes once for twenty deployments at once, and each launches what came of it', async () => {
    const deployments = await Promise.all(Array.from({ length: 20 }, (_, i) => bench.deploy(specOf(`many${i}`))));
    const results = await Promise.all(deployments.map((deployment) => deployment.result()));
    assertOnce();
    for (const { view } of results) assert.deepEqual(idsOf(view), ['eki', 'eri', 'emi']);
    const launched = fakes.calls
      .filter(({ name }) => name === 'launchInstance')
      .map(({ input }) => input.known.image?.id);
    assert.deepEqual(new Set(launched), new Set([account.images.find(({ kind }) => kind === 'machine')?.id]));
    assert.deepEqual(fakes.calls.filter(({ name }) => name === 'preflight').length, 20);
  });

  it('binds the image to kernel and ramdisk, and tells how it went', async () => {
    const { view } = await (await bench.deploy(specOf('bound'))).result();
    const { stage, parts } = await publishView();
    assert.equal(stage, 'published');
    assert.deepEqual(
      { kernelId: parts.kernel.id, ramdiskId: parts.ramdisk.id, id: parts.machine.id },
      view.facts.site.image,
    );
    assert.match(
      account.objects.get(`stackato-images/image-${number}.manifest.xml`)?.toString() ?? '',
      new RegExp(`<kernel_id>${parts.kernel.id ?? ''}</kernel_id><ramdisk_id>${parts.ramdisk.id ?? ''}</ramdisk_id>`),
    );
    assert.equal(view.facts.site.publishing, undefined);
    assert.deepEqual(
      (['publish-kernel', 'publish-ramdisk', 'publish-image'] as const).map((id) => [
        view.steps[id]?.state,
        view.steps[id]?.note,
      ]),
      [
        ['done', parts.kernel.id],
        ['done', parts.ramdisk.id],
        ['done', parts.machine.id],
      ],
    );
  });

  it('sends nothing the second time, and says that nothing changed', async () => {
    const spec = specOf('again');
    const { view } = await (await bench.deploy(spec)).result();
    const before = account.stored.length;
    const again = await (await bench.deploy(spec, view.facts)).result();
    assert.equal(account.stored.length, before);
    for (const step of ['publish-kernel', 'publish-ramdisk', 'publish-image'] as const)
      assert.equal(again.view.steps[step]?.state, 'unchanged', step);
    assertOnce();
  });

  it('parks those who wait where it fails, with its own code, and starts again when one resumes', async () => {
    account.registerFaults.push('CLOUD_PERMISSION');
    const waiting = await Promise.all(['one', 'two'].map((name) => bench.deploy(specOf(name))));
    const [one, two] = waiting as [(typeof waiting)[0], (typeof waiting)[0]];
    for (const deployment of waiting) {
      const { steps } = await deployment.until(
        'a kernel or ramdisk that needs attention',
        ({ steps: { 'publish-kernel': kernel, 'publish-ramdisk': ramdisk } }) =>
          [kernel, ramdisk].some((step) => step?.state === 'attention') &&
          ![kernel, ramdisk].some((step) => step?.state === 'running'),
      );
      const failed = [steps['publish-kernel'], steps['publish-ramdisk']].find((step) => step?.state === 'attention');
      assert.equal(failed?.error?.code, 'CLOUD_PERMISSION');
    }
    assert.equal((await publishView()).error?.code, 'CLOUD_PERMISSION');
    assert.ok(!account.images.some(({ kind }) => kind === 'machine'), 'nothing that cannot boot');
    await one.say('resume');
    assert.equal((await one.result()).stage, 'ready');
    await two.say('resume');
    assert.equal((await two.result()).stage, 'ready');
    assertOnce();
  });

  it('is looked at as a whole before the first byte, and goes on when all is there', async () => {
    rmSync(join(folder, 'root.img'));
    const spec = specOf('late');
    const deployment = await bench.deploy(spec);
    const { steps } = await deployment.untilStage('needs-attention');
    assert.equal(steps['publish-kernel']?.error?.code, 'IMAGE_SOURCE_MISSING', 'checked before the first byte');
    assert.equal(account.stored.length, 0);
    writeFileSync(join(folder, 'root.img'), noise(1_000_000));
    await deployment.until('both need attention', (view) => view.steps['publish-ramdisk']?.state === 'attention');
    await deployment.say('resume');
    assert.equal((await deployment.result()).stage, 'ready');
    assertOnce();
  });

  it('goes on although a deployment that waits for it is aborted', async () => {
    account.state = 'pending';
    const spec = specOf('aborted');
    const deployment = await bench.deploy(spec);
    await deployment.until('the kernel is waited for', ({ steps }) => steps['publish-kernel']?.state === 'running');
    await deployment.say('abort');
    assert.equal((await deployment.result()).stage, 'aborted');
    assert.ok(!fakes.names().includes('withdrawImage'));
    account.state = 'available';
    const { cloud, image } = spec;
    assert.ok('name' in image);
    const handle = env.client.workflow.getHandle(imageWorkflowId(cloud, image));
    account.images.forEach((each, i) => {
      account.images[i] = { ...each, state: 'available' };
    });
    assert.deepEqual(Object.keys((await handle.result()) as object).sort(), ['id', 'kernelId', 'ramdiskId']);
    assertOnce();
  });

  it('is taken back by a removal that says so, and by no other', async () => {
    const spec = specOf('removed');
    const { view } = await (await bench.deploy(spec)).result();
    const remove = (images?: true): Promise<DeploymentView> =>
      env.client.workflow.execute(WORKFLOW.teardown, {
        workflowId: workflowIdOf(spec.name),
        taskQueue: bench.taskQueue,
        args: [{ spec, facts: view.facts, ...(images === undefined ? {} : { images }) }],
      }) as Promise<DeploymentView>;
    assert.notEqual((await remove()).facts.site.image, undefined);
    assert.equal(account.images.length, 3);
    const { facts, undone } = await remove(true);
    assert.equal(facts.site.image, undefined);
    assert.ok(undone.some(({ what, ok }) => ok && what === `image image-${number}`));
    assert.deepEqual([account.images.length, account.objects.size], [0, 0]);
  });
});
