/** After a step has failed: checks whether the effects of earlier steps are still there. Cheap queries to the cloud and DNS only; changes nothing. */

import type { LookBackInput } from '../deployment/activities';
import type { LostEffect } from '../deployment/messages';
import { STEP_IDS } from '../deployment/steps';
import { definitionOf } from '.';
import type { Dependencies } from './dependencies';

/** In the order of the steps: an effect that is lost early explains those lost later. */
export async function findLost(deps: Dependencies, input: LookBackInput): Promise<LostEffect | undefined> {
  for (const step of STEP_IDS.filter((id) => input.steps.includes(id))) {
    const message = await definitionOf(step).findLost?.(deps, input);
    if (message !== undefined) return { step, message: deps.secrets.mask(message) };
  }
  return undefined;
}
