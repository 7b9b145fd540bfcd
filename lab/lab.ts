/** The lab, in this process: Temporal, DNS, three clouds and their machines. */

import { createAppliance, DEFAULT_KNOBS } from './appliance';
import { assembleLab } from './assembly';
import type { Lab, LabOptions } from './types';

export function startLab(options: LabOptions): Promise<Lab> {
  return assembleLab(options, { create: createAppliance, knobs: DEFAULT_KNOBS, bootsImages: false });
}
