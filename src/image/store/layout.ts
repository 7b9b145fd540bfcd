/**
 * How an archive of an image store is laid out, and how eustore tells its files apart: by their names. A kernel has `vmlinu` in its name,
 * a ramdisk `initrd`, `initramfs` or `loader`, the image ends in `.img`. euca2ools 3.0 looks at the whole path, so the name of the folder
 * counts, too. Both take the common prefix of all names by characters, so the folder must be a member itself.
 */

import { DeployError } from '../../deployment/errors';
import type { ImageKind } from '../../deployment/spec';

const KERNEL = /vmlinu/;
const RAMDISK = /initrd|initramfs|loader/;
/** The longest, `<name>/vmlinuz-<name>`, must fit into the header of a tar member. */
const NAME = /^[A-Za-z0-9_][A-Za-z0-9._-]{2,44}$/;

export function checkArchiveName(name: string): void {
  if (!NAME.test(name))
    throw new DeployError(
      'IMAGE_NAME',
      `The name ${JSON.stringify(name)} cannot be that of an archive: it must be 3 to 45 letters, digits, dots, underscores and hyphens.`,
    );
  if (KERNEL.test(name) || RAMDISK.test(name) || /^(windows|kvm-kernel|xen-kernel)/i.test(name))
    throw new DeployError(
      'IMAGE_NAME',
      `The name ${JSON.stringify(name)} cannot be that of an archive: eustore would take it for a kernel or a ramdisk.`,
    );
}

export const MEMBER_NAMES: Readonly<Record<ImageKind, (name: string) => string>> = {
  kernel: (name) => `${name}/vmlinuz-${name}`,
  ramdisk: (name) => `${name}/initrd-${name}`,
  machine: (name) => `${name}/${name}.img`,
};

/** What eustore would take a file for; undefined for what it leaves alone. */
export function kindOfMember(path: string): ImageKind | undefined {
  const name = path.split('/').at(-1) ?? '';
  if (name.startsWith('.')) return undefined;
  if (KERNEL.test(name)) return 'kernel';
  if (RAMDISK.test(name)) return 'ramdisk';
  return name.endsWith('.img') ? 'machine' : undefined;
}
