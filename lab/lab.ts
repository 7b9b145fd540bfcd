/** The lab, in this process: Temporal, DNS, clouds and their machines, which are simulated, or real ones under QEMU. */

import { createAppliance, DEFAULT_KNOBS } from './appliance';
import { assembleLab } from './assembly';
import type { Lab, LabOptions, VirtualMachine } from './types';
import { vmMachinery } from './vm';

export function startLab(options: LabOptions): Promise<Lab> {
  return assembleLab(options, { create: createAppliance, knobs: DEFAULT_KNOBS, bootsImages: false });
}

/** Only images that were published to it can be launched in it. */
export function startVmLab({
  kvm = false,
  ...options
}: LabOptions & { readonly kvm?: boolean }): Promise<Lab<VirtualMachine>> {
  return assembleLab(options, vmMachinery(kvm));
}
