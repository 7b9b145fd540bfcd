/** Clusters with fake activities. */

import assert from 'node:assert/strict';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import type { Facts, NodeName } from '../../src/deployment/facts';
import type { DeploymentView, NodeStage } from '../../src/deployment/messages';
import type { CloudKindName, DeploymentSpec } from '../../src/deployment/spec';
import type { StepActivityName } from '../../src/deployment/steps';
import { Bench } from './deployment';
import type { Deployment } from './deployment';
import { FakeActivities } from './fake-activities';
import type { Call } from './fake-activities';
import { localServer } from './temporal';

export class ClusterBench {
  bench!: Bench;
  fakes!: FakeActivities;
  private env!: TestWorkflowEnvironment;
  private count = 0;

  /** @param queue what the names of task queues begin with */
  constructor(queue: string) {
    before(async () => {
      this.env = await localServer();
    });
    after(() => this.env.teardown());
    beforeEach(async () => {
      this.fakes = new FakeActivities().withoutReboots();
      this.bench = new Bench(this.env, `${queue}-${++this.count}`);
      await this.bench.startWorker(this.fakes);
    });
    afterEach(() => this.bench.stopWorker());
  }

  callsOf(name: StepActivityName): Call[] {
    return this.fakes.calls.filter((call) => call.name === name);
  }

  nodesOf(name: StepActivityName): NodeName[] {
    return this.callsOf(name).map(({ input }) => input.node);
  }

  /** Waits until it needs attention. */
  parked(deployment: Deployment, node: NodeName): Promise<DeploymentView> {
    return deployment.until(`${node} parked`, ({ nodes }) => nodes[node]?.stage === 'needs-attention');
  }

  /** Deploys it, and forgets the calls. @returns what its next run begins with */
  async whole(spec: DeploymentSpec): Promise<Facts> {
    const { view } = await (await this.bench.deploy(spec)).result();
    assert.equal(view.stage, 'ready');
    this.fakes.calls.length = 0;
    return view.facts;
  }
}

export function stagesIn({ nodes }: DeploymentView): Record<NodeName, NodeStage> {
  return Object.fromEntries(Object.entries(nodes).map(([node, { stage }]) => [node, stage]));
}

export function on(kind: CloudKindName, spec: DeploymentSpec): DeploymentSpec {
  return { ...spec, cloud: { ...spec.cloud, kind } };
}
