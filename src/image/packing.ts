/** What a file is packed in, by its name: the only thing known of it before it is there. */

import { DeployError } from '../deployment/errors';
import type { ImageKind } from './checks';
import type { Packing } from './packed';

const ENDINGS: readonly (readonly [ending: RegExp, packing: Packing | 'unknown'])[] = [
  [/\.(tar\.gz|tgz)$/i, 'tar.gz'],
  // Bundled as they are, they would be images that nothing can boot.
  [/\.(tar(\.\w+)?|t[bx]z2?|bz2|zst|lzma|7z|rar|vmdk|vdi|vhd|qcow2?|ova|ovf|iso)$/i, 'unknown'],
  [/\.gz$/i, 'gz'],
  [/\.xz$/i, 'xz'],
  [/\.zip$/i, 'zip'],
];

/** Kernels and ramdisks are booted compressed, as they are. */
const BOOTED_PACKED: readonly Packing[] = ['gz', 'xz'];

export function packingOf(name: string, kind: ImageKind = 'machine'): Packing {
  const packing = ENDINGS.find(([ending]) => ending.test(name))?.[1] ?? 'raw';
  if (packing === 'unknown')
    throw new DeployError('IMAGE_FORMAT', `The file ${name} is of a kind that cannot be read here.`);
  return kind !== 'machine' && BOOTED_PACKED.includes(packing) ? 'raw' : packing;
}
