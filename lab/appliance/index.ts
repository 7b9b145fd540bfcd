/** The simulated appliance. docs/lab.md says which of its parts are real. */

import type { Knobs } from '../knobs';
import type { Appliance, ApplianceOptions } from '../types';
import { SimulatedAppliance } from './appliance';
import { readDialogue } from './dialogue';

export { DIALOGUES, readDialogue } from './dialogue';

export function createAppliance(options: ApplianceOptions): Promise<Appliance> {
  return SimulatedAppliance.create(options, process.env['PATH'] ?? '/usr/bin:/bin');
}

/** Throws if a knob has an invalid value: when it is set, rather than in the middle of a deployment. */
export function checkKnobs({ dialogue }: Partial<Knobs>): void {
  if (dialogue !== undefined) readDialogue(dialogue);
}
