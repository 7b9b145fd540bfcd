/** One test server and worker, and deployments on it. */

import type { TestWorkflowEnvironment } from '@temporalio/testing';
import type { Worker } from '@temporalio/worker';
import type { WorkflowHandle } from '@temporalio/client';
import { nodeWorkflowIdOf, WORKFLOW, workflowIdOf } from '../../src/deployment/names';
import type { Decision, DeployInput, DeploymentView, DeployResult, TeardownInput } from '../../src/deployment/messages';
import { noFacts } from '../../src/deployment/facts';
import type { Facts, NodeName } from '../../src/deployment/facts';
import type { DeploymentSpec } from '../../src/deployment/spec';
import { deploymentViewIn } from '../../src/temporal/memo';
import type { FakeActivities } from './fake-activities';
import { createWorker, workflowBundle } from './temporal';
import { eventually } from './wait';

export class Bench {
  private worker: Worker | undefined;
  private running: Promise<void> | undefined;

  constructor(
    readonly env: TestWorkflowEnvironment,
    readonly taskQueue: string,
  ) {}

  async startWorker(fakes: Pick<FakeActivities, 'activities'>): Promise<void> {
    await workflowBundle();
    this.worker = await createWorker(this.env, this.taskQueue, fakes.activities);
    this.running = this.worker.run();
  }

  async stopWorker(): Promise<void> {
    this.worker?.shutdown();
    await this.running;
    this.worker = undefined;
    this.running = undefined;
  }

  async deploy(
    spec: DeploymentSpec,
    facts: Facts = noFacts(),
    more: Pick<DeployInput, 'dataLoss'> = {},
  ): Promise<Deployment> {
    const handle = await this.env.client.workflow.start(WORKFLOW.deploy, {
      workflowId: workflowIdOf(spec.name),
      taskQueue: this.taskQueue,
      args: [{ spec, facts, ...more }],
    });
    return new Deployment(handle);
  }

  /** What anybody can read with no worker. */
  view(deployment: string): Promise<DeploymentView> {
    return new Deployment(this.env.client.workflow.getHandle(workflowIdOf(deployment))).view();
  }

  async teardown(spec: DeploymentSpec, facts: Facts, more: Partial<TeardownInput> = {}): Promise<DeploymentView> {
    const args = [{ spec, facts, ...more }];
    const options = { workflowId: workflowIdOf(spec.name), taskQueue: this.taskQueue, args };
    return (await this.env.client.workflow.execute(WORKFLOW.teardown, options)) as DeploymentView;
  }

  /** The workflow of a node, once it has begun. */
  async node(deployment: string, node: NodeName): Promise<Deployment> {
    const found = new Deployment(this.env.client.workflow.getHandle(nodeWorkflowIdOf(deployment, node)));
    await eventually(`a workflow of ${node}`, () => found.view().catch(() => undefined));
    return found;
  }
}

export class Deployment {
  constructor(readonly handle: WorkflowHandle) {}

  /** What anybody can read with no worker. */
  async view(): Promise<DeploymentView> {
    const { memo } = await this.handle.describe();
    return deploymentViewIn(memo) as DeploymentView;
  }

  async until(
    what: string,
    good: (view: DeploymentView) => boolean,
    limitMs = 30_000,
    everyMs = 50,
  ): Promise<DeploymentView> {
    let view: DeploymentView | undefined;
    const look = async (): Promise<DeploymentView | undefined> => {
      view = await this.view();
      return view !== undefined && good(view) ? view : undefined;
    };
    return eventually(what, look, limitMs, everyMs).catch(async (error: unknown) => {
      const { raw } = await this.handle.describe();
      const pending = (raw.pendingActivities ?? []).map(
        ({ activityId, attempt, lastFailure }) =>
          `${activityId ?? ''} attempt ${attempt ?? 0}: ${lastFailure?.message ?? ''}`,
      );
      throw new Error(`${String(error)}\n${JSON.stringify(view)}\n${pending.join('\n')}`, { cause: error });
    });
  }

  readyOrParked(limitMs: number, everyMs?: number): Promise<DeploymentView> {
    return this.until(
      'ready or parked',
      ({ stage }) => stage === 'ready' || stage === 'needs-attention',
      limitMs,
      everyMs,
    );
  }

  untilStage(stage: DeploymentView['stage']): Promise<DeploymentView> {
    return this.until(`stage ${stage}`, (view) => view.stage === stage);
  }

  say(update: string, decision: Decision = {}): Promise<string> {
    return this.handle.executeUpdate<string, [Decision]>(update, { args: [decision] });
  }

  result(): Promise<DeployResult> {
    return this.handle.result() as Promise<DeployResult>;
  }
}
