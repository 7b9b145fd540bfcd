/** A step is one object in a file of its own. Its row in deployment/steps.ts holds everything that workflows must know about it. */

import type { StepInput, StepOutcome } from '../deployment/activities';
import type { DeployError } from '../deployment/errors';
import { CORE } from '../deployment/facts';
import type { Known, NodeName } from '../deployment/facts';
import { groupNameOf, nodeMarkOf, nodesGroupNameOf, ownerOf } from '../deployment/names';
import type { ActivitiesOf, StepId, UndoOf } from '../deployment/steps';
import type { DeploymentSpec } from '../deployment/spec';
import type { Attempt } from './attempt';
import type { Dependencies } from './dependencies';
import type { PlannedAction, Planning } from './planning';
import type { Cloud } from './ports';

/** One attempt of an activity. It may be run again, however it ended and even if it never did. */
export type StepWork = (deps: Dependencies, input: StepInput, attempt: Attempt) => Promise<StepOutcome>;

/** Checks whether the effect of the step is still there. @returns one sentence that says what is gone, or undefined */
export type LostEffectCheck = (
  deps: Dependencies,
  input: Pick<StepInput, 'spec' | 'node' | 'known'>,
) => Promise<string | undefined>;

interface Definition<Id extends StepId> {
  readonly id: Id;
  /** What `plan` prints, if the spec needs the step. */
  readonly plan: (planning: Planning) => readonly PlannedAction[];
  /** The activities that its row lists. */
  readonly activities: Readonly<Record<ActivitiesOf<Id>, StepWork>>;
  /** Only for steps whose effect can be checked cheaply. */
  readonly findLost?: LostEffectCheck;
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
  readonly node: NodeName;
  readonly known: Known;
  readonly attempt: Attempt;
  readonly cloud: Cloud;
  /** The owner mark of this deployment's resources. */
  readonly owner: string;
  /** The mark of this step's node. */
  readonly mark: string;
  /** The core's security group. */
  readonly groupName: string;
  /** That of the other nodes. */
  readonly nodesGroupName: string;
}

/** An effect in the cloud that can be observed. */
export interface Effect<Seen> {
  observe(context: Context): Promise<Seen>;
  /** The outcome, if the effect is there. */
  done(seen: Seen, context: Context): Omit<StepOutcome, 'changed'> | undefined;
  act(context: Context, seen: Seen): Promise<void>;
  /** The effect was requested and cannot be observed yet. */
  notYet(seen: Seen, context: Context): DeployError;
}

/** Observes, adopts an effect that is already there; otherwise acts, and observes again, whatever the act returned. */
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

export async function contextOf(
  deps: Dependencies,
  { spec, node, known }: StepInput,
  attempt: Attempt,
): Promise<Context> {
  return { deps, spec, node, known, attempt, ...(await siteOf(deps, spec, node)) };
}

/** The account's cloud, and the names of what is ours in it. */
export async function siteOf(
  deps: Dependencies,
  spec: DeploymentSpec,
  node: NodeName = CORE,
): Promise<Pick<Context, 'cloud' | 'owner' | 'mark' | 'groupName' | 'nodesGroupName'>> {
  const owner = ownerOf(deps.namespace, spec.name);
  return {
    cloud: await deps.clouds.open(spec.cloud),
    owner,
    mark: nodeMarkOf(owner, node),
    groupName: groupNameOf(spec.name),
    nodesGroupName: nodesGroupNameOf(spec.name),
  };
}

/** The outcome of an undo that had nothing to do. */
export const NOTHING: StepOutcome = { changed: false, note: '', known: {} };
