/** Real machines: what was published boots, under QEMU. See docs/lab.md. */

import { DEFAULT_KNOBS } from '../appliance';
import type { Machinery } from '../assembly';
import type { VirtualMachine } from '../types';
import { QemuMachine } from './machine';

export { builtImage } from './image';

/** @param kvm let the processor do it, where this user may; else all of it is emulated. */
export function vmMachinery(kvm: boolean): Machinery<VirtualMachine> {
  return { create: (options) => QemuMachine.create(options, kvm), knobs: DEFAULT_KNOBS, bootsImages: true };
}
