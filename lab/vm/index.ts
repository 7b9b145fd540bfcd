/** Real machines under QEMU, which boot published images. See docs/lab.md. */

import { DEFAULT_KNOBS } from '../knobs';
import type { MachineFactory, VirtualMachine } from '../types';
import { QemuMachine } from './machine';

export { builtImage } from './image';

/** @param kvm use KVM, where this user may; otherwise machines are emulated */
export function vmFactory(kvm: boolean): MachineFactory<VirtualMachine> {
  return { create: (options) => QemuMachine.create(options, kvm), knobs: DEFAULT_KNOBS, bootsImages: true };
}
