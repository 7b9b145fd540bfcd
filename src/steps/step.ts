/** What a step is: one object, in a file of its own. Its row, with all that a workflow has to know of it, is in deployment/steps.ts. */

import type { StepInput, StepOutcome } from '../deployment/activities';
import type { DeployError } from '../deployment/errors';
import type { Known } from '../deployment/facts';
import { groupNameOf, ownerOf } from '../deployment/names';
import type { ActivitiesOf, StepId, UndoOf } from '../deployment/steps';
import type { DeploymentSpec } from '../deployment/types';
import type { Attempt } from './attempt';
import type { Dependencies } from './dependencies';
import type { PlannedAction, Planning } from './planning';
import type { Cloud } from './ports';

/** One attempt at an activity. It may be run again after any end of it, and after none. */
export type StepWork = (deps: Dependencies, input: StepInput, attempt: Attempt) => Promise<StepOutcome>;

/** Looks whether what the step made is still there, where a look is cheap. Says in a sentence what is gone; undefined: nothing. */
export type StillThere = (deps: Dependencies, input: Pick<StepInput, 'spec' | 'known'>) => Promise<string | undefined>;

interface Definition<Id extends StepId> {
  readonly id: Id;
  /** What `plan` prints, where the step is needed. */
  readonly plan: (planning: Planning) => readonly PlannedAction[];
  /** What its row lists. */
  readonly activities: Readonly<Record<ActivitiesOf<Id>, StepWork>>;
  readonly lost?: StillThere;
}

export type StepDefinition<Id extends StepId = StepId> = Definition<Id> &
  ([UndoOf<Id>] extends [never] ? { readonly undo?: never } : { readonly undo: StepWork });

export function step<Id extends StepId>(definition: StepDefinition<Id>): StepDefinition<Id> {
  return definition;
}

/** What a step works with. */
export interface Context {
  readonly deps: Dependencies;
  readonly spec: DeploymentSpec;
  readonly known: Known;
  readonly attempt: Attempt;
  readonly cloud: Cloud;
  /** What is ours says so in these words. */
  readonly owner: string;
  readonly groupName: string;
}

/** An effect in the cloud that can be seen. */
export interface Effect<Seen> {
  observe(context: Context): Promise<Seen>;
  /** What came of it, where it is there. */
  done(seen: Seen, context: Context): Omit<StepOutcome, 'changed'> | undefined;
  act(context: Context, seen: Seen): Promise<void>;
  /** It was asked for, and is not seen yet. */
  notYet(seen: Seen, context: Context): DeployError;
}

/** Observe; already there? adopt; act; observe again, whatever the act returned. */
export function ensure<Seen>({ observe, done, act, notYet }: Effect<Seen>): StepWork {
  return async (deps, input, attempt) => {
    const context = await contextOf(deps, input, attempt);
    const before = await observe(context);
    const there = done(before, context);
    if (there !== undefined) return { changed: false, ...there };
    await act(context, before);
    const after = await observe(context);
    const reached = done(after, context);
    if (reached === undefined) throw notYet(after, context);
    return { changed: true, ...reached };
  };
}

export async function contextOf(deps: Dependencies, { spec, known }: StepInput, attempt: Attempt): Promise<Context> {
  return { deps, spec, known, attempt, ...(await siteOf(deps, spec)) };
}

/** The account's cloud, and what is ours in it. */
export async function siteOf(
  deps: Dependencies,
  spec: DeploymentSpec,
): Promise<Pick<Context, 'cloud' | 'owner' | 'groupName'>> {
  return {
    cloud: await deps.clouds.open(spec.cloud),
    owner: ownerOf(deps.namespace, spec.name),
    groupName: groupNameOf(spec.name),
  };
}

/** Of an undo: there was nothing to take back. */
export const NOTHING: StepOutcome = { changed: false, note: '', known: {} };
