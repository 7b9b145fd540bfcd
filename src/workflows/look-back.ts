import { isCancellation } from '@temporalio/workflow';
import type { NodeName } from '../deployment/facts';
import type { LostEffect } from '../deployment/messages';
import type { DeploymentSpec } from '../deployment/spec';
import type { StepId } from '../deployment/steps';
import { callFindLost } from './calls';
import type { Progress } from './progress';

/**
 * Whether what those steps of the node made is still there.
 * @param after part of the activity id
 * @returns undefined if nothing is gone, or if that could not be found out
 */
export async function lookBack(
  spec: DeploymentSpec,
  progress: Progress,
  node: NodeName,
  after: string,
  steps: readonly StepId[],
): Promise<LostEffect | undefined> {
  try {
    return await callFindLost(after, {
      spec,
      node,
      known: progress.known(node),
      ...progress.reachedBy(node),
      steps,
    });
  } catch (error) {
    if (isCancellation(error)) throw error;
    return undefined;
  }
}
