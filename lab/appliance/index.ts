/** The simulated appliance: see docs/lab.md for what of it is real. */

import type { Appliance, ApplianceOptions } from '../types';
import { SimulatedAppliance } from './appliance';

export { DIALOGUES, readDialogue } from './dialogue';
export { checkKnobs, DEFAULT_KNOBS, HARD_KNOBS } from './knobs';

export function createAppliance(options: ApplianceOptions): Promise<Appliance> {
  return SimulatedAppliance.create(options, process.env['PATH'] ?? '/usr/bin:/bin');
}
