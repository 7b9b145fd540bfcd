/** What a deployment would do, step by step. Asks nobody. */

import { STEPS } from '../deployment/steps';
import type { StepId } from '../deployment/steps';
import type { DeploymentSpec } from '../deployment/types';
import { definitionOf } from '.';
import { planningOf } from './planning';
import type { PlannedAction } from './planning';

export interface PlannedStep {
  readonly id: StepId;
  readonly title: string;
  /** Why this spec does without it. */
  readonly notNeeded?: string;
  readonly actions: readonly PlannedAction[];
}

/** @param namespace Temporal's, because what is made is marked with it */
export function planOf(spec: DeploymentSpec, namespace = 'default'): readonly PlannedStep[] {
  const planning = planningOf(spec, namespace);
  return STEPS.map(({ id, title, notNeeded }) => {
    const reason = notNeeded?.(spec);
    if (reason !== undefined) return { id, title, notNeeded: reason, actions: [] };
    return { id, title, actions: definitionOf(id).plan(planning) };
  });
}
