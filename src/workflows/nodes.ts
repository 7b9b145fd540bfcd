/** The nodes of a deployment other than the core. Each has a workflow of its own, and a row in the view of the deployment. */

import {
  ApplicationFailure,
  CancellationScope,
  CancelledFailure,
  ChildWorkflowCancellationType,
  defineSignal,
  executeChild,
  setHandler,
  sleep,
} from '@temporalio/workflow';
import { WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import {
  groupOf,
  hostOf,
  launchesInTurn,
  makeOf,
  mayHoldData,
  nodesOf,
  nodesToReplace,
  specOfNode,
  unwantedNodes,
  wantedNodes,
} from '../deployment/cluster';
import { CORE } from '../deployment/facts';
import type { Facts, NodeName } from '../deployment/facts';
import { SIGNAL } from '../deployment/messages';
import type { NodeChange, NodeInput, NodeResult, NodeStage, Turn } from '../deployment/messages';
import { nodeWorkflowIdOf, WORKFLOW } from '../deployment/names';
import type { DeploymentSpec } from '../deployment/spec';
import { STEP_IDS } from '../deployment/steps';
import type { StepId } from '../deployment/steps';
import { freshView, memoOf } from '../deployment/view';
import { lookBack } from './look-back';
import { runKey } from './progress';
import type { Progress } from './progress';
import { Line, rollOut } from './rollout';
import type { StepRunner } from './runner';
import { atMost } from './together';
import { Turns } from './turns';

const changed = defineSignal<[NodeChange]>(SIGNAL.changed);

/** Its earlier workflow may still be open for a moment when the deployment was ended from outside and started again. */
const START_TRIES = 15;

/** Nodes whose machine is asked for at the same time. */
const LOOKS_AT_ONCE = 10;

const STAGE_AFTER: Readonly<Record<Exclude<NodeResult['stage'], 'removed'>, NodeStage>> = {
  ready: 'ready',
  aborted: 'aborted',
  // By somebody else than this deployment.
  cancelled: 'lost',
};

export class Nodes {
  /** Whether this run did anything to a node. */
  changed = false;
  /** Those whose workflow is open, or about to be. */
  private readonly open = new Set<NodeName>();
  private readonly ready = new Set<NodeName>();
  private readonly turns: Turns;

  constructor(
    private readonly spec: DeploymentSpec,
    private readonly progress: Progress,
    private readonly steps: StepRunner,
  ) {
    this.turns = new Turns(progress, (node) => this.open.has(node));
    setHandler(changed, ({ node, ...change }) => {
      if (this.open.has(node)) progress.node(node, change);
    });
  }

  /** The client refuses it, too, before it starts anything. */
  refuseDataLoss(allowed: readonly NodeName[]): void {
    const { nodes } = this.progress.view.facts;
    const lost = [...unwantedNodes(this.spec, nodes), ...nodesToReplace(this.spec, nodes)].filter(
      (node) => mayHoldData(nodes[node] ?? {}) && !allowed.includes(node),
    );
    if (lost.length === 0) return;
    this.progress.stage('failed');
    throw ApplicationFailure.nonRetryable(
      `Data would be lost with ${lost.join(', ')}: that needs \`up ${lost.map((node) => `--data-loss ${node}`).join(' ')}\`.`,
      'DATA_LOSS',
    );
  }

  /**
   * Of the nodes that are to be removed or replaced, those whose machine is gone are removed first: while they are on the core's list, some
   * releases cannot show it, and no new node would be seen there (bugs 102226, 103788).
   */
  async removeLost(): Promise<void> {
    const { facts } = this.progress.view;
    const leaving = [...unwantedNodes(this.spec, facts.nodes), ...nodesToReplace(this.spec, facts.nodes)];
    const lost = new Set<NodeName>();
    await atMost(LOOKS_AT_ONCE, leaving, async (node) => {
      if (await this.isLost(node)) lost.add(node);
    });
    for (const node of leaving) if (lost.has(node)) await this.remove(node);
  }

  /** Makes all that are wanted: new ones first, then those that replace what was made otherwise, one by one. */
  async deployAll(): Promise<void> {
    const { cluster } = this.spec;
    if (cluster === undefined) return;
    const line = new Line();
    const replaced = nodesToReplace(this.spec, this.progress.view.facts.nodes);
    const groups = cluster.groups.map((group) => {
      const nodes = nodesOf(group).filter((node) => !replaced.includes(node) && !this.ready.has(node));
      const exists = (node: NodeName): boolean => this.progress.factsOf(node).instance !== undefined;
      return { existing: nodes.filter(exists), fresh: nodes.filter((node) => !exists(node)) };
    });
    const deploy = (node: NodeName): Promise<boolean> => this.deploy(node, line);
    const hold = (node: NodeName): void => this.progress.node(node, { stage: 'held' });
    await rollOut(groups, cluster.rollout.canary, deploy, hold);
    let whole = this.notReady().every((node) => replaced.includes(node));
    for (const node of replaced) {
      if (whole) whole = (await this.remove(node)) && (await deploy(node));
      else hold(node);
    }
  }

  /** One at a time, and only from a cluster that has everything else. */
  async removeUnwanted(): Promise<void> {
    if (this.notReady().length > 0) return;
    for (const node of unwantedNodes(this.spec, this.progress.view.facts.nodes)) await this.remove(node);
  }

  /** For `resume --from`: what comes after the nodes does not concern them. */
  repeatFrom(step: StepId): void {
    if (STEP_IDS.indexOf(step) < STEP_IDS.indexOf('open-console')) this.ready.clear();
  }

  /** What is missing of the cluster; undefined: nothing. */
  get missing(): string | undefined {
    const missing = this.notReady().map((node) => `${node} (${this.stageOf(node) ?? 'waiting'})`);
    const left = unwantedNodes(this.spec, this.progress.view.facts.nodes);
    if (missing.length === 0 && left.length === 0) return undefined;
    const sentences = [
      ...(missing.length === 0 ? [] : [`Not ready: ${missing.join(', ')}.`]),
      ...(left.length === 0 ? [] : [`Not removed: ${left.join(', ')}.`]),
    ];
    return `${sentences.join(' ')} \`stackato-deploy up\` goes on with them.`;
  }

  /** Not, if that cannot be found out: the removal itself will. */
  private async isLost(node: NodeName): Promise<boolean> {
    const { spec, progress } = this;
    if (progress.factsOf(node).instance === undefined) return false;
    return (await lookBack(specOfNode(spec, node), progress, node, `${node}/${runKey()}`, ['launch'])) !== undefined;
  }

  private async deploy(node: NodeName, line: Line): Promise<boolean> {
    const { cluster, cloud } = this.spec;
    const group = groupOf(this.spec, node);
    if (cluster === undefined || group === undefined) return false;
    await line.enter(() => this.atWork() < cluster.rollout.parallel);
    return this.whileOpen(node, async () => {
      await this.steps.whilePaused();
      const turn = launchesInTurn(cloud.kind) ? await this.turns.take(node) : undefined;
      const facts = { ...this.progress.factsOf(node), made: makeOf(group) };
      this.progress.node(node, { stage: 'deploying', facts });
      const result = await this.runWorkflow(WORKFLOW.node, node, turn);
      return this.conclude(node, result) === 'ready';
    });
  }

  private async remove(node: NodeName): Promise<boolean> {
    return this.whileOpen(node, async () => {
      await this.steps.whilePaused();
      this.progress.node(node, { stage: 'removing' });
      const result = await this.runWorkflow(WORKFLOW.removeNode, node);
      return this.conclude(node, result) === 'removed';
    });
  }

  private async whileOpen(node: NodeName, work: () => Promise<boolean>): Promise<boolean> {
    this.open.add(node);
    try {
      return await work();
    } finally {
      this.open.delete(node);
      this.turns.end(node);
    }
  }

  /** @returns undefined if the workflow was ended from outside */
  private async runWorkflow(
    type: typeof WORKFLOW.node | typeof WORKFLOW.removeNode,
    node: NodeName,
    turn?: Turn,
  ): Promise<NodeResult | undefined> {
    const input: NodeInput = {
      spec: specOfNode(this.spec, node),
      node,
      facts: this.factsFor(node),
      ...(turn === undefined ? {} : { turn }),
    };
    const stage = type === WORKFLOW.node ? 'deploying' : 'undoing';
    try {
      for (let tries = 1; ; tries++) {
        try {
          this.progress.flush();
          return await executeChild<(input: NodeInput) => Promise<NodeResult>>(type, {
            workflowId: nodeWorkflowIdOf(this.spec.name, node),
            args: [input],
            // Its machine must not be taken back while it is still at work.
            cancellationType: ChildWorkflowCancellationType.WAIT_CANCELLATION_COMPLETED,
            memo: memoOf(freshView(input.spec, input.facts, stage, node)),
            staticSummary: hostOf(this.spec, node),
          });
        } catch (error) {
          if (!(error instanceof WorkflowExecutionAlreadyStartedError) || tries === START_TRIES) throw error;
          await sleep('2s', { summary: `An earlier workflow of ${node} is about to end` });
        }
      }
    } catch (error) {
      if (CancellationScope.current().consideredCancelled) throw error;
      return undefined;
    }
  }

  private conclude(node: NodeName, result: NodeResult | undefined): NodeStage | 'removed' {
    if (result === undefined) {
      this.progress.node(node, { stage: 'lost' });
      return 'lost';
    }
    const { stage, facts, unchanged } = result;
    this.changed ||= !unchanged;
    if (CancellationScope.current().consideredCancelled) {
      this.progress.nodeFacts(node, facts);
      throw new CancelledFailure('The deployment was cancelled.');
    }
    if (stage === 'removed') {
      this.progress.nodeGone(node);
      return stage;
    }
    this.progress.node(node, { stage: STAGE_AFTER[stage], facts });
    if (stage === 'ready') this.ready.add(node);
    return STAGE_AFTER[stage];
  }

  /** Of the site, the core, and that node. */
  private factsFor(node: NodeName): Facts {
    const { site, nodes } = this.progress.view.facts;
    return { site, nodes: { [CORE]: nodes.core, [node]: this.progress.factsOf(node) } };
  }

  private notReady(): readonly NodeName[] {
    return wantedNodes(this.spec).filter((node) => !this.ready.has(node));
  }

  private stageOf(node: NodeName): NodeStage | undefined {
    return this.progress.view.nodes[node]?.stage;
  }

  /** A node that waits for a person does not keep others from being begun. */
  private atWork(): number {
    return [...this.open].filter((node) => this.stageOf(node) !== 'needs-attention').length;
  }
}
