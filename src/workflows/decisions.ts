/** The updates by which a person controls a deployment. Their validators reject, with the reason, whatever makes no sense in its state. */

import { defineUpdate, setHandler } from '@temporalio/workflow';
import { UPDATE } from '../deployment/messages';
import type { Decision, DeploymentView } from '../deployment/messages';
import { stepById, STEP_IDS } from '../deployment/steps';
import type { StepId } from '../deployment/steps';

/** `from`: everything from that earlier step on is done again. */
export type Answer = 'resume' | 'skip' | { readonly from: StepId };

const resumeUpdate = defineUpdate<string, [Decision]>(UPDATE.resume);
const skipUpdate = defineUpdate<string, [Decision]>(UPDATE.skip);
const abortUpdate = defineUpdate<string, [Decision]>(UPDATE.abort);
const pauseUpdate = defineUpdate<string, []>(UPDATE.pause);

/** Which decisions make sense. */
export interface Rules {
  /** Undefined: it cannot be aborted. */
  readonly abort?: () => void;
  /** Whether data that an earlier run left would go with it. */
  readonly abortLosesData?: boolean;
  /** Whether steps that have ended can be repeated. */
  readonly repeat: boolean;
  readonly skippable: (step: StepId) => boolean;
}

/** For a deployment, and for a node that is made. */
export function forwardRules(abort: () => void, abortLosesData = false): Rules {
  return { abort, abortLosesData, repeat: true, skippable: (step) => stepById(step).skippable === true };
}

/** Update handlers only set fields; the workflow function acts on them. */
export class Decisions {
  paused = false;
  aborted = false;
  /** Steps that need attention, with the answer, once there is one. */
  private readonly parked = new Map<StepId, Answer | undefined>();

  constructor(
    private readonly view: DeploymentView,
    readonly rules: Rules,
  ) {
    setHandler(resumeUpdate, (decision) => this.resume(decision ?? {}), {
      description:
        'Try again the step that needs attention, or go on after pause. Optional: {"step": "<id>"}, or {"from": "<id of an earlier step>"}',
      validator: (decision?: Decision) => this.validateResume(decision ?? {}),
    });
    setHandler(skipUpdate, (decision) => this.skip(decision ?? {}), {
      description: 'Go on without the step that needs attention, where that is safe. Optional: {"step": "<id>"}',
      validator: (decision?: Decision) => void this.stepToSkip(decision ?? {}),
    });
    setHandler(abortUpdate, () => this.abort(), {
      description:
        'Stop, and take back everything this deployment made. For a node of an earlier run that may have data: {"dataLoss": true}',
      validator: (decision?: Decision) => this.validateAbort(decision ?? {}),
    });
    setHandler(pauseUpdate, () => this.pause(), {
      description: 'Stop before the next step; resume goes on',
      validator: () => this.validatePause(),
    });
  }

  park(step: StepId): void {
    this.parked.set(step, undefined);
  }

  /** Returns and removes the answer for a parked step. */
  take(step: StepId): Answer | undefined {
    const answer = this.parked.get(step);
    if (answer !== undefined) this.parked.delete(step);
    return answer;
  }

  answered(step: StepId): boolean {
    return this.parked.get(step) !== undefined;
  }

  get anyParked(): boolean {
    return this.parked.size > 0;
  }

  private resume({ step, from }: Decision): string {
    const waiting = this.waitingSteps().filter((id) => step === undefined || id === step);
    for (const id of waiting) this.parked.set(id, from === undefined ? 'resume' : { from });
    const wasPaused = this.paused;
    this.paused = false;
    if (from !== undefined) return `Doing everything from ${from} on again.`;
    return waiting.length > 0 ? `Trying again: ${waiting.join(', ')}.` : wasPaused ? 'Going on.' : 'Nothing to do.';
  }

  private validateResume({ step, from }: Decision): void {
    this.refuseWhenOver();
    const waiting = this.waitingSteps();
    if (from !== undefined) return this.validateFrom(from, step, waiting);
    if (step !== undefined && !waiting.includes(step)) throw new Error(`The step ${step} does not need attention.`);
    if (waiting.length === 0 && !this.paused) this.refuseForNodes();
    if (waiting.length === 0 && !this.paused)
      throw new Error(`There is nothing to resume: ${this.what} is ${this.view.stage}.`);
  }

  private validateFrom(from: StepId, step: StepId | undefined, waiting: readonly StepId[]): void {
    const [first] = waiting;
    if (step !== undefined)
      throw new Error('Say either a step that needs attention, or from which step on everything is to be done again.');
    if (!this.rules.repeat) throw new Error('It is being removed: no step can be repeated.');
    const { steps } = this.view;
    if (steps[from] === undefined)
      throw new Error(`There is no step ${from}. The steps are: ${Object.keys(steps).join(', ')}.`);
    if (first === undefined) throw new Error(`No step needs attention: ${this.what} is ${this.view.stage}.`);
    if (steps[from].state === 'not-needed') throw new Error(`The step ${from} is not needed by this spec.`);
    const later = waiting.find((id) => STEP_IDS.indexOf(id) < STEP_IDS.indexOf(from));
    if (later !== undefined)
      throw new Error(
        `The step ${from} comes after ${later}, which needs attention: only an earlier one can be repeated.`,
      );
  }

  private get what(): string {
    return this.view.node === undefined ? 'the deployment' : 'the node';
  }

  private skip(decision: Decision): string {
    const step = this.stepToSkip(decision);
    this.parked.set(step, 'skip');
    return `Going on without ${step}.`;
  }

  private stepToSkip({ step }: Decision): StepId {
    this.refuseWhenOver();
    const waiting = this.waitingSteps();
    const chosen = step ?? (waiting.length === 1 ? waiting[0] : undefined);
    if (waiting.length === 0) this.refuseForNodes();
    if (waiting.length === 0) throw new Error(`No step needs attention: ${this.what} is ${this.view.stage}.`);
    if (chosen === undefined) throw new Error(`More than one step needs attention (${waiting.join(', ')}): say which.`);
    if (!waiting.includes(chosen)) throw new Error(`The step ${chosen} does not need attention.`);
    if (!this.rules.skippable(chosen)) throw new Error(`The step ${chosen} cannot be skipped: what follows needs it.`);
    return chosen;
  }

  private abort(): string {
    this.aborted = true;
    this.rules.abort?.();
    return 'Taking everything back.';
  }

  private validateAbort({ dataLoss = false }: Decision): void {
    this.refuseWhenOver();
    const { name, node } = this.view;
    if (this.rules.abort === undefined) throw new Error('It is being removed: resume or skip what needs attention.');
    if (this.rules.abortLosesData === true && !dataLoss)
      throw new Error(
        `An earlier run made it, and it may have data, which would be lost. If the data may go: \`stackato-deploy abort ${name} --node ${node ?? ''} --data-loss\`.`,
      );
  }

  private pause(): string {
    this.paused = true;
    return 'It will stop before the next step.';
  }

  private validatePause(): void {
    this.refuseWhenOver();
    if (this.paused) throw new Error('It is paused already.');
  }

  private refuseWhenOver(): void {
    if (this.aborted || this.view.stage === 'undoing') throw new Error('It is being taken back already.');
  }

  /** Nodes have workflows of their own, which are told. */
  private refuseForNodes(): void {
    const nodes = Object.entries(this.view.nodes).flatMap(([node, { stage }]) =>
      stage === 'needs-attention' ? [node] : [],
    );
    if (nodes.length > 0) throw new Error(`Say which node: ${nodes.join(', ')}. No step of the core needs attention.`);
  }

  private waitingSteps(): StepId[] {
    return [...this.parked].filter(([, answer]) => answer === undefined).map(([id]) => id);
  }
}
