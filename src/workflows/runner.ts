/** Runs one step: observe-and-act activities, then done, or parked until a person answers. */

import { condition, isCancellation } from '@temporalio/workflow';
import { stepById } from '../spec/steps';
import type { StepId } from '../spec/steps';
import type { DeploymentSpec, Resources } from '../spec/types';
import type { StepActivityName, StepInput, StepOutcome } from '../activities/types';
import { callStepActivity } from './calls';
import type { Decisions } from './decisions';
import { stepFailureOf } from './failures';
import { now, runKey } from './progress';
import type { Progress } from './progress';
import { STEP_PLANS } from './steps';

/** What a step's body works with. */
export interface StepContext {
  readonly spec: DeploymentSpec;
  /** Calls an activity and keeps what it learnt, at once. */
  call(name: StepActivityName, summary?: string): Promise<StepOutcome>;
  readonly known: Resources;
  forget(fact: keyof Resources): void;
}

export type StepBody = (context: StepContext) => Promise<Pick<StepOutcome, 'changed' | 'note'>>;

export class StepRunner {
  /** Steps that did something in this run. */
  readonly changed = new Set<StepId>();
  private parking = 0;

  constructor(
    private readonly spec: DeploymentSpec,
    private readonly progress: Progress,
    private readonly decisions: Decisions,
  ) {}

  /** Runs a step of the table. */
  async run(id: keyof typeof STEP_PLANS): Promise<void> {
    const plan = STEP_PLANS[id];
    const notNeeded = plan.notNeeded?.(this.spec);
    if (notNeeded !== undefined) return this.progress.step(id, { state: 'not-needed', note: notNeeded });
    await this.runBody(id, plan.deadline, async ({ call }) => {
      let changed = false;
      let note = '';
      for (const activity of plan.activities) {
        const outcome = await call(activity);
        changed = changed || outcome.changed;
        note = outcome.note || note;
      }
      return { changed, note };
    });
  }

  /** Runs a step with a body of its own. */
  async runBody(id: StepId, deadline: keyof DeploymentSpec['timing']['deadline'], body: StepBody): Promise<void> {
    const startedAt = now();
    for (let tries = 1; ; tries++) {
      await this.whilePaused();
      this.progress.step(id, { state: 'running', startedAt });
      try {
        const outcome = await body(this.context(id, deadline, `${runKey()}-${tries}`));
        if (outcome.changed) this.changed.add(id);
        const state = outcome.changed || stepById(id).looksOnly === true ? 'done' : 'unchanged';
        return this.progress.step(id, { state, startedAt, endedAt: now(), note: outcome.note });
      } catch (error) {
        if (isCancellation(error)) throw error;
        if ((await this.park(id, error, startedAt)) === 'resume') continue;
        return this.progress.step(id, { state: 'skipped', startedAt, endedAt: now(), note: 'skipped by hand' });
      }
    }
  }

  private context(id: StepId, deadline: keyof DeploymentSpec['timing']['deadline'], need: string): StepContext {
    const { spec, progress } = this;
    return {
      spec,
      known: progress.known,
      forget: (fact) => progress.forget(fact),
      call: async (name, summary = stepById(id).title) => {
        const input: StepInput = { spec, known: progress.known, need, deadline: spec.timing.deadline[deadline] };
        const outcome = await callStepActivity(name, id, summary, input);
        progress.learn(outcome.known);
        return outcome;
      },
    };
  }

  private async park(id: StepId, error: unknown, startedAt: number): Promise<'resume' | 'skip'> {
    this.progress.step(id, { state: 'attention', startedAt, endedAt: now(), error: stepFailureOf(error) });
    this.decisions.park(id);
    this.parking += 1;
    this.progress.stage('needs-attention');
    await condition(() => this.decisions.answered(id));
    this.parking -= 1;
    if (this.parking === 0) this.progress.stage('deploying');
    return this.decisions.take(id) ?? 'resume';
  }

  private async whilePaused(): Promise<void> {
    if (!this.decisions.paused) return;
    if (this.parking === 0) this.progress.stage('paused');
    await condition(() => !this.decisions.paused);
    if (this.parking === 0) this.progress.stage('deploying');
  }
}
