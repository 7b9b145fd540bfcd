/** After a step has failed: is what the steps before it made still there? Cheap looks at cloud and DNS only; nothing is changed. */

import type { LookBackInput } from '../deployment/activities';
import type { LostEffect } from '../deployment/messages';
import { STEP_IDS } from '../deployment/steps';
import { definitionOf } from '.';
import type { Dependencies } from './dependencies';

/** In the order of the steps: what is lost early explains what is lost late. */
export async function findLost(deps: Dependencies, input: LookBackInput): Promise<LostEffect | undefined> {
  for (const step of STEP_IDS.filter((id) => input.steps.includes(id))) {
    const message = await definitionOf(step).lost?.(deps, input);
    if (message !== undefined) return { step, message: deps.secrets.mask(message) };
  }
  return undefined;
}
