/** What a deployment would do, step by step. Sends no request. */

import { nodesOf, specOfNode } from '../deployment/cluster';
import { CORE } from '../deployment/facts';
import type { NodeName } from '../deployment/facts';
import { stepsOn, titleOf } from '../deployment/steps';
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

/** The nodes of a group, which are all made alike. */
export interface PlannedGroup {
  readonly group: string;
  readonly nodes: readonly NodeName[];
  /** Of the first of them: the others have their own name in its place. */
  readonly steps: readonly PlannedStep[];
}

/**
 * The steps of a node; the core has those of the site, too.
 * @param namespace of Temporal: part of the owner mark
 */
export function planOf(spec: DeploymentSpec, namespace = 'default', node: NodeName = CORE): readonly PlannedStep[] {
  const planning = planningOf(spec, namespace, node);
  const own = specOfNode(spec, node);
  return stepsOn(spec, node).map((step) => {
    const { id, notNeeded } = step;
    const title = titleOf(step, spec.cluster !== undefined);
    const reason = notNeeded?.(own);
    if (reason !== undefined) return { id, title, notNeeded: reason, actions: [] };
    return { id, title, actions: definitionOf(id).plan(planning) };
  });
}

/** The groups of a cluster that have nodes, in the order of the file. */
export function groupPlansOf(spec: DeploymentSpec, namespace = 'default'): readonly PlannedGroup[] {
  return (spec.cluster?.groups ?? []).flatMap((group) => {
    const nodes = nodesOf(group);
    const [first] = nodes;
    return first === undefined ? [] : [{ group: group.name, nodes, steps: planOf(spec, namespace, first) }];
  });
}
