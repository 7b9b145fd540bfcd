/** What the workflow of a node tells its deployment, besides its result. */

import { CancellationScope, getExternalWorkflowHandle } from '@temporalio/workflow';
import type { NodeFacts, NodeName } from '../deployment/facts';
import { SIGNAL } from '../deployment/messages';
import type { DeploymentView, NodeChange, NodeStage, Stage, TurnEnd } from '../deployment/messages';
import { workflowIdOf } from '../deployment/names';
import { STEP_IDS } from '../deployment/steps';

interface Payloads {
  readonly changed: NodeChange;
  readonly requestTurn: NodeName;
  readonly endTurn: TurnEnd;
}

/** What the row of a node shows while its workflow is in that stage. Absent: the result of the workflow tells. */
const ROW_STAGE: Partial<Readonly<Record<Stage, NodeStage>>> = {
  'needs-attention': 'needs-attention',
  deploying: 'deploying',
  paused: 'deploying',
  undoing: 'removing',
};

export class ToDeployment {
  private sent = Promise.resolve();
  private attention = false;

  constructor(private readonly deployment: string) {}

  /** Signals arrive in the order in which they are sent. A deployment that is gone has ended this workflow, too. */
  tell<Name extends keyof Payloads>(signal: Name, payload: Payloads[Name]): void {
    const handle = getExternalWorkflowHandle(workflowIdOf(this.deployment));
    this.sent = CancellationScope.nonCancellable(() =>
      this.sent.then(() => handle.signal(SIGNAL[signal], payload)).catch(() => undefined),
    );
  }

  /** Only when it needs attention, or no longer does. */
  tellStage(view: DeploymentView, node: NodeName, stage: Stage): void {
    const shown = ROW_STAGE[stage];
    const attention = stage === 'needs-attention';
    if (shown === undefined || attention === this.attention) return;
    this.attention = attention;
    const step = STEP_IDS.find((id) => view.steps[id]?.state === 'attention');
    const error = step === undefined ? undefined : view.steps[step]?.error;
    this.tell('changed', {
      node,
      stage: shown,
      facts: copyOf(view.facts.nodes[node] ?? {}),
      ...(attention && step !== undefined && error !== undefined ? { error: { ...error, step } } : {}),
    });
  }

  /** Wait for it before the workflow ends: a signal after its result would be taken for one of the next run. */
  delivered(): Promise<void> {
    return CancellationScope.nonCancellable(() => this.sent);
  }
}

function copyOf(facts: NodeFacts): NodeFacts {
  return JSON.parse(JSON.stringify(facts)) as NodeFacts;
}
