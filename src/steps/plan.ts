/** What a deployment would do, step by step. Sends no request. */

import { STEPS } from '../deployment/steps';
import type { StepId } from '../deployment/steps';
import type { DeploymentSpec } from '../deployment/spec';
import { definitionOf } from '.';
import { planningOf } from './planning';
import type { PlannedAction } from './planning';

export interface PlannedStep {
  readonly id: StepId;
  readonly title: string;
  /** Why this spec does not need it. */
  readonly notNeeded?: string;
  readonly actions: readonly PlannedAction[];
}

/** @param namespace of Temporal: part of the owner mark */
export function planOf(spec: DeploymentSpec, namespace = 'default'): readonly PlannedStep[] {
  const planning = planningOf(spec, namespace);
  return STEPS.map(({ id, title, notNeeded }) => {
    const reason = notNeeded?.(spec);
    if (reason !== undefined) return { id, title, notNeeded: reason, actions: [] };
    return { id, title, actions: definitionOf(id).plan(planning) };
  });
}
