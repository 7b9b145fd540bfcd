/** The worker is killed with SIGKILL at every step: the deployment still ends ready, and nothing is done twice. */

import assert from 'node:assert/strict';
import { CORE } from '../../src/deployment/facts';
import { stepsOn } from '../../src/deployment/steps';
import type { StepId } from '../../src/deployment/steps';
import type { Deployment } from '../support/deployment';
import { assertOnce } from '../support/once';
import { Site } from '../support/site';
import type { SpecChange, WorkerProcess } from '../support/site';

const KIND = 'eucalyptus-3.2';
/** Slow enough for a kill to hit a command while it runs. */
const KNOBS = { katoTakes: 1_500, oldBootIdFor: 800, downFor: 1_500 };
const CLOUD_INIT = { cloudInit: true, cloudInitTakes: 3_000 };
/** Without the user data of other specs, which is no cloud-config. */
const INSTANCE = { type: 'm1.large' };
const STORAGE = { containers: { volume: 20 } };
/** Of a single machine. */
const STEPS = stepsOn({}, CORE).map(({ id }) => id);
const LANES = 3;
const QUEUE = 'crash';

describe('a kill of the worker', function () {
  this.timeout(900_000);
  /** A lab for each lane: in a shared one, the account's address desk would depend on the worker of a single lane. */
  let sites: Site[];
  before(async () => {
    sites = await Promise.all(Array.from({ length: LANES }, () => Site.open({ kernelRights: true })));
  });
  after(() => Promise.all(sites.map((site) => site.close())));

  /** Kills the worker at a random moment while the step runs. */
  const killAt = async (deployment: Deployment, step: StepId, worker: WorkerProcess): Promise<void> => {
    const ended = ['done', 'unchanged'];
    await deployment.until(
      `${step} runs`,
      ({ steps, stage }) => {
        assert.notEqual(stage, 'needs-attention', JSON.stringify(steps));
        return steps[step]?.state === 'running' || ended.includes(steps[step]?.state ?? '');
      },
      180_000,
    );
    await new Promise((resolve) => setTimeout(resolve, 40 + Math.random() * 400));
    await worker.kill();
  };

  const endsReady = async (site: Site, deployment: Deployment, name: string, volumes = 0): Promise<void> => {
    const view = await deployment.readyOrParked(180_000);
    assert.equal(view.stage, 'ready', JSON.stringify(view.steps));
    await deployment.result();
    const { instanceId } = await assertOnce(site, name, KIND);
    const attached = site.lab.volumes(KIND).filter((volume) => volume.instanceId === instanceId);
    assert.equal(attached.length, volumes, 'number of volumes');
  };

  /** What makes the step needed. */
  const changeFor = (site: Site, name: string, step: StepId): SpecChange => {
    if (step.startsWith('publish-')) return { image: site.imageOf(`${name}-image`, KIND) };
    if (step === 'cloud-init')
      return { image: { id: site.lab.cloud(KIND).imageId, cloudInit: true }, instance: INSTANCE };
    return step === 'container-store' ? { storage: STORAGE } : {};
  };

  const killedOnceAt = async (site: Site, step: StepId): Promise<void> => {
    const name = `kill-${step}`;
    const worker = await site.worker(KIND, QUEUE);
    const deployment = await site.start(
      site.spec(name, KIND, changeFor(site, name, step), { ...KNOBS, ...(step === 'cloud-init' ? CLOUD_INIT : {}) }),
      QUEUE,
    );
    await killAt(deployment, step, worker);
    const next = await site.worker(KIND, QUEUE);
    await endsReady(site, deployment, name, step === 'container-store' ? 1 : 0);
    await next.stop();
  };

  const killedAtAll = async (site: Site): Promise<void> => {
    const name = 'kill-all';
    let worker = await site.worker(KIND, QUEUE);
    const image = { ...site.imageOf(name, KIND), cloudInit: true };
    const deployment = await site.start(
      site.spec(name, KIND, { image, instance: INSTANCE, storage: STORAGE }, { ...KNOBS, ...CLOUD_INIT }),
      QUEUE,
    );
    for (const step of STEPS) {
      await killAt(deployment, step, worker);
      worker = await site.worker(KIND, QUEUE);
    }
    await endsReady(site, deployment, name, 1);
    await worker.stop();
  };

  it('does no harm, neither at any single step nor at every step of one deployment', async () => {
    // The longest run first.
    const work = [killedAtAll, ...STEPS.map((step) => (site: Site) => killedOnceAt(site, step))];
    const titles = ['every step', ...STEPS];
    const failures: string[] = [];
    await Promise.all(
      sites.map(async (site) => {
        for (
          let next = work.shift(), title = titles.shift();
          next !== undefined;
          next = work.shift(), title = titles.shift()
        ) {
          await next(site).catch((error: unknown) =>
            failures.push(`${title ?? ''}: ${error instanceof Error ? error.message : String(error)}`),
          );
        }
      }),
    );
    assert.deepEqual(failures, []);
  });
});
