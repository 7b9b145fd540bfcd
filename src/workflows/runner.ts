/** Runs one step: calls its activities until it is done, or parks it until a person answers. */

import { CancellationScope, CancelledFailure, condition, isCancellation } from '@temporalio/workflow';
import { NEED_REBOOT, stepById, STEP_IDS, titleOf } from '../deployment/steps';
import type { RequestFact, StepActivityName, StepId } from '../deployment/steps';
import type { LostEffect, StepProgress } from '../deployment/messages';
import { CORE } from '../deployment/facts';
import type { Known, NodeName, RebootReason } from '../deployment/facts';
import type { DeploymentSpec } from '../deployment/spec';
import type { StepInput, StepOutcome } from '../deployment/activities';
import { callStepActivity } from './calls';
import type { Answer, Decisions } from './decisions';
import { stepFailureOf, unsettledOf } from './failures';
import { lookBack } from './look-back';
import { now, runKey } from './progress';
import type { Progress } from './progress';

/** What the body of a step gets. */
export interface StepContext {
  readonly spec: DeploymentSpec;
  /** Of this try. */
  readonly need: string;
  /** Calls an activity and stores the facts that it learnt. */
  call(name: StepActivityName, more?: Pick<StepInput, 'assigned'>): Promise<StepOutcome>;
  /** The current facts. */
  known(): Known;
  forget(fact: keyof Known): void;
}

export type StepBody = (context: StepContext) => Promise<Pick<StepOutcome, 'changed' | 'note'>>;

/** Thrown when `resume --from` answers a parked step: everything from that earlier step on is done again. */
export class RepeatFrom extends Error {
  override readonly name = 'RepeatFrom';
  constructor(readonly from: StepId) {
    super(`from ${from} on`);
  }
}

export class StepRunner {
  /** Steps that did something in this run. */
  readonly changed = new Set<StepId>();
  /** Steps that have ended, whether they did something or not. */
  private readonly ended = new Set<StepId>();
  /** Every try gets a need of its own, so that its command runs again. */
  private readonly tries = new Map<StepId, number>();

  constructor(
    private readonly spec: DeploymentSpec,
    private readonly progress: Progress,
    private readonly decisions: Decisions,
    private readonly node: NodeName = CORE,
  ) {}

  /** Resets all steps from that one on, so that they run once more. A skipped step stays skipped, unless it is that one. */
  repeatFrom(from: StepId): void {
    for (const id of STEP_IDS.slice(STEP_IDS.indexOf(from))) {
      const state = this.progress.view.steps[id]?.state;
      if (state === undefined || state === 'not-needed' || (state === 'skipped' && id !== from)) continue;
      this.ended.delete(id);
      this.progress.step(id, { state: 'waiting' });
    }
  }

  /** Runs the activities of a step in the order of its row. */
  run(id: StepId): Promise<void> {
    return this.runBody(id, async ({ call }) => {
      let changed = false;
      let note = '';
      for (const activity of Object.keys(stepById(id).activities) as StepActivityName[]) {
        const outcome = await call(activity);
        changed = changed || outcome.changed;
        note = outcome.note || note;
      }
      return { changed, note };
    });
  }

  /** For steps that were added later: to say that they are not needed would be a new command, with which older histories do not replay. */
  async runIfNeeded(id: StepId): Promise<void> {
    const notNeeded = stepById(id).notNeeded?.(this.spec);
    if (notNeeded === undefined) return this.run(id);
    this.progress.note(id, { state: 'not-needed', note: notNeeded });
  }

  /** Runs a step with a body of its own. */
  async runBody(id: StepId, body: StepBody): Promise<void> {
    const notNeeded = stepById(id).notNeeded?.(this.spec);
    if (notNeeded !== undefined) return this.progress.step(id, { state: 'not-needed', note: notNeeded });
    if (this.ended.has(id)) return;
    const startedAt = now();
    for (;;) {
      await this.whilePaused();
      this.progress.step(id, { state: 'running', startedAt });
      try {
        const outcome = await body(this.context(id, this.nextNeed(id)));
        if (outcome.changed) this.noteChange(id);
        const state = outcome.changed || stepById(id).looksOnly === true ? 'done' : 'unchanged';
        return this.end(id, { state, startedAt, endedAt: now(), note: outcome.note });
      } catch (error) {
        if (isCancellation(error)) throw error;
        // The step failed before the cancellation reached the attempt: it must not be parked any more.
        if (CancellationScope.current().consideredCancelled) throw new CancelledFailure('The step was cancelled.');
        const answer = await this.park(id, error, startedAt);
        if (answer === 'resume') continue;
        if (answer === 'skip')
          return this.end(id, { state: 'skipped', startedAt, endedAt: now(), note: 'skipped by hand' });
        throw new RepeatFrom(answer.from);
      }
    }
  }

  private end(id: StepId, progress: StepProgress): void {
    this.ended.add(id);
    this.progress.step(id, progress);
  }

  private nextNeed(id: StepId): string {
    const tries = (this.tries.get(id) ?? 0) + 1;
    this.tries.set(id, tries);
    return `${runKey()}-${tries}`;
  }

  private noteChange(id: StepId): void {
    this.changed.add(id);
    const reason = NEED_REBOOT.find((each) => each === id);
    const owed: readonly RebootReason[] = this.progress.known(this.node).rebootOwed ?? [];
    if (reason !== undefined && !owed.includes(reason))
      this.progress.learn(this.node, { rebootOwed: [...owed, reason] });
  }

  private context(id: StepId, need: string): StepContext {
    const { spec, node, progress } = this;
    const row = stepById(id);
    const { scope, deadline, activities } = row;
    return {
      spec,
      need,
      known: () => progress.known(node),
      forget: (fact) => progress.forget(node, fact),
      call: async (name, more = {}) => {
        const { summary = titleOf(row, spec.cluster !== undefined), request } = activities[name] ?? {};
        const input: StepInput = {
          spec,
          node,
          known: progress.known(node),
          ...progress.reachedBy(node),
          ...more,
          need,
          deadline: spec.timing.deadline[deadline],
        };
        const call = (): Promise<StepOutcome> => {
          progress.flush();
          return callStepActivity(name, id, scope === 'node' ? node : undefined, summary, input);
        };
        const outcome = await (request === undefined ? call() : this.keepRequest(request, name, call));
        progress.learn(node, outcome.known);
        return outcome;
      },
    };
  }

  /** Stored before the call: an undo, or another run after this one was ended from outside, must know about the request. */
  private async keepRequest(
    fact: RequestFact,
    name: StepActivityName,
    call: () => Promise<StepOutcome>,
  ): Promise<StepOutcome> {
    this.progress.request(this.node, fact, { call: name });
    try {
      const outcome = await call();
      this.progress.request(this.node, fact, outcome.unsettled);
      return outcome;
    } catch (error) {
      this.progress.request(this.node, fact, unsettledOf(error, name));
      throw error;
    }
  }

  private async park(id: StepId, error: unknown, startedAt: number): Promise<Answer> {
    const parked = { state: 'attention', startedAt, endedAt: now() } as const;
    const failure = stepFailureOf(error);
    this.progress.step(id, { ...parked, error: failure });
    this.decisions.park(id);
    this.progress.park();
    // An answer does not wait for the check, and cancels it.
    const check = new CancellationScope();
    const checking = check.run(async () => {
      const lost = await this.findLost(id);
      if (lost === undefined || this.decisions.answered(id)) return;
      const message = `${failure.message} What the step ${lost.step} made is gone: ${lost.message} \`resume --from ${lost.step}\` makes it again.`;
      this.progress.step(id, { ...parked, error: { ...failure, message, from: lost.step } });
    });
    checking.catch(() => undefined);
    await condition(() => this.decisions.answered(id));
    check.cancel();
    this.progress.unpark();
    return this.decisions.take(id) ?? 'resume';
  }

  /** If the effect of an earlier step is gone, retrying this one would fail forever: the earlier one must be repeated. */
  private async findLost(id: StepId): Promise<LostEffect | undefined> {
    const earlier = [...this.ended].filter(
      (each) => each !== id && this.progress.view.steps[each]?.state !== 'skipped',
    );
    if (!this.decisions.rules.repeat || !earlier.some((each) => each !== 'preflight')) return undefined;
    // If this check fails, too, that adds nothing: the step's own failure is shown.
    return lookBack(this.spec, this.progress, this.node, `${id}/${runKey()}-${this.tries.get(id) ?? 1}`, earlier);
  }

  async whilePaused(): Promise<void> {
    if (!this.decisions.paused) return;
    this.progress.pause();
    await condition(() => !this.decisions.paused);
    this.progress.goOn();
  }
}
