/**
 * While a cluster is made, grown and shrunk, its worker is killed with SIGKILL at every step, or its workflow is terminated from outside: the
 * same end, and nothing is done twice. Each cluster has a worker of its own.
 */

import assert from 'node:assert/strict';
import { specOfNode } from '../../src/deployment/cluster';
import { CORE } from '../../src/deployment/facts';
import type { NodeName } from '../../src/deployment/facts';
import type { DeploymentView } from '../../src/deployment/messages';
import { WORKFLOW } from '../../src/deployment/names';
import type { DeploymentSpec } from '../../src/deployment/spec';
import { stepsOn } from '../../src/deployment/steps';
import type { StepId } from '../../src/deployment/steps';
import { LabCluster } from '../support/lab-cluster';
import { SideBySide } from '../support/side-by-side';
import { Site } from '../support/site';
import type { SpecChange, WorkerProcess } from '../support/site';
import { eventually } from '../support/wait';

/** Without instance tags, and with. */
const KINDS = ['eucalyptus-3.2', 'eucalyptus-4.4'] as const;
type Kind = (typeof KINDS)[number];
/** Number of clusters at the same time. */
const LANES = 8;
/** Slow enough for a kill to hit a command while it runs. */
const SLOW = { katoTakes: 1_500, oldBootIdFor: 800, downFor: 1_500 };
const VOLUME = { storage: { containers: { volume: 20 } } };
const LIMIT_MS = 600_000;

describe('a cluster whose worker is killed', function () {
  this.timeout(1_200_000);
  let site: Site;
  const sideBySide = new SideBySide(LANES);

  before(async () => {
    site = await Site.open();
    sideBySide.begin();
  });
  after(() => site.close());

  /** A cluster with its own worker, whose keys are those of a user of its own. */
  const open = async (name: string, kind: Kind, movesStore = false): Promise<Killed> => {
    const { accessKey, secretKey } = site.lab.user(kind, name);
    const worker = (): Promise<WorkerProcess> =>
      site.worker(kind, name, { SITE_ACCESS_KEY: accessKey, SITE_SECRET_KEY: secretKey });
    return new Killed(
      await LabCluster.open(site, name, kind, name, SLOW, movesStore),
      worker,
      await worker(),
      accessKey,
    );
  };
  const deas = (count: number, storage: SpecChange = {}): SpecChange => ({
    dea: { roles: ['dea'], count, ...storage },
  });
  const named = (count: number): Record<NodeName, readonly string[]> =>
    Object.fromEntries(Array.from({ length: count }, (_, i) => [`dea-${i + 1}`, ['dea']]));

  for (const kind of KINDS) {
    const number = kind.slice(-1);
    const movesStore = kind === 'eucalyptus-4.4';

    sideBySide.it(
      `14: ${kind}: 2 → 5 → 1 DEA, the worker killed at every step of nodes that are made and of nodes that are removed`,
      async () => {
        const killed = await open(`killed-${number}`, kind, movesStore);
        const { cluster } = killed;
        const spec = (count: number): DeploymentSpec => cluster.spec(deas(count, movesStore ? VOLUME : {}));
        await cluster.assertWhole(await cluster.up(spec(2)), named(2), 2);
        await cluster.start(spec(5));
        for (const step of neededSteps(spec(5), 'dea-3')) await killed.at('dea-3', step);
        await killed.at('dea-5', 'rename');
        const five = await cluster.over();
        await cluster.assertWhole(five, named(5), 5);
        const removed = ['dea-5', 'dea-4', 'dea-3', 'dea-2'];
        const before = LabCluster.changesOn(cluster.core);
        const ips = removed.map((node) => five.nodes.find(({ name }) => name === node)?.instance?.privateIp ?? '');
        const machines = removed.map((node) => cluster.machine(five, node));
        await cluster.start(spec(1));
        for (const node of removed) {
          await killed.at(node, 'attach', WORKFLOW.removeNode, 3_000);
          // After a kill, a termination waits for late effects: once is enough.
          if (node === 'dea-5') await killed.at(node, 'launch', WORKFLOW.removeNode);
        }
        const one = await cluster.over();
        await cluster.assertWhole(one, named(1), 5);
        assert.deepEqual(LabCluster.changesOn(cluster.core), [...before, ...ips.map((ip) => `node remove ${ip}`)]);
        for (const [i, machine] of machines.entries())
          assert.deepEqual(
            LabCluster.changesOn(machine),
            [...cluster.making(five, removed[i] ?? ''), cluster.draining()],
            removed[i],
          );
        assert.equal(site.lab.volumes(kind).length, movesStore ? 1 : 0);
        await cluster.down();
        await killed.stop();
      },
    );

    sideBySide.it(
      `14: ${kind}: a core and its first node, the worker killed at every step of the deployment itself`,
      async () => {
        const killed = await open(`first-${number}`, kind);
        const { cluster } = killed;
        const spec = cluster.spec(deas(1));
        await cluster.start(spec);
        for (const step of neededSteps(spec, CORE)) await killed.at(CORE, step);
        await cluster.assertWhole(await cluster.over(), named(1), 1);
        await cluster.down();
        await killed.stop();
      },
    );

    for (const then of ['up', 'down'] as const) {
      sideBySide.it(
        `14: ${kind}: terminated from outside while nodes are made, one of whose launches has no answer: ${then === 'up' ? '`up` ends as if nothing had been' : '`down` leaves nothing'}`,
        async () => {
          const killed = await open(`ended-${then}-${number}`, kind);
          const { cluster } = killed;
          const spec = cluster.spec(deas(4));
          await cluster.start(spec);
          await killed.running('dea-1', 'attach');
          site.lab.fault({ kind, action: 'RunInstances', what: 'hold', times: 1, by: killed.key });
          await eventually('a launch is held', () => site.lab.held(kind).some(({ by }) => by === killed.key), LIMIT_MS);
          // Where launches need not wait for one another, two others are at work.
          if (kind === 'eucalyptus-4.4')
            await eventually(
              'others are at work',
              async () => {
                const views = await Promise.all(['dea-2', 'dea-3', 'dea-4'].map((node) => cluster.view(node)));
                return views.filter((view) => hasBegun(view, 'rename')).length === 2;
              },
              LIMIT_MS,
            );
          await cluster.terminate();
          if (then === 'up') {
            await cluster.start(spec);
            await eventually(
              'it is about to launch again',
              async () => {
                const views = await Promise.all(['dea-2', 'dea-3', 'dea-4'].map((node) => cluster.view(node)));
                return views.some((view) => view?.steps.launch?.state === 'running');
              },
              LIMIT_MS,
            );
            site.lab.release(kind, killed.key);
            await cluster.assertWhole(await cluster.over(), named(4), 4);
            await cluster.down();
          } else {
            const down = cluster.down();
            await eventually('it is being removed', async () => (await cluster.view(CORE))?.stage === 'undoing');
            site.lab.release(kind, killed.key);
            await down;
          }
          await killed.stop();
        },
      );
    }
  }
});

/** A cluster, and the worker that is killed. */
class Killed {
  constructor(
    readonly cluster: LabCluster,
    private readonly start: () => Promise<WorkerProcess>,
    private worker: WorkerProcess,
    readonly key: string,
  ) {}

  /** At a random moment while the step runs. */
  async at(node: NodeName, step: StepId, type?: Parameters<LabCluster['view']>[1], within = 400): Promise<void> {
    await this.running(node, step, type);
    await new Promise((resolve) => setTimeout(resolve, 40 + Math.random() * within));
    await this.worker.kill();
    this.worker = await this.start();
  }

  async running(node: NodeName, step: StepId, type?: Parameters<LabCluster['view']>[1]): Promise<void> {
    await eventually(
      `${step} of ${node} runs`,
      async () => {
        const view = await this.cluster.view(node, type);
        assert.notEqual(view?.stage, 'needs-attention', JSON.stringify(view?.steps));
        return hasBegun(view, step);
      },
      LIMIT_MS,
    );
  }

  stop(): Promise<void> {
    return this.worker.stop();
  }
}

function hasBegun(view: DeploymentView | undefined, step: StepId): boolean {
  return ['running', 'done', 'unchanged'].includes(view?.steps[step]?.state ?? '');
}

function neededSteps(spec: DeploymentSpec, node: NodeName): StepId[] {
  const own = specOfNode(spec, node);
  return stepsOn(spec, node).flatMap(({ id, notNeeded }) => (notNeeded?.(own) === undefined ? [id] : []));
}
