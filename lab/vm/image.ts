/** Finds the image of the lab's real machine, which `npm run setup -- --vm` builds with build.sh. */

import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { NodeImage } from '../types';

/** `.tools/vm` of the repository, whether this file runs from lab/ or from dist/lab/. */
const FOLDERS = [dirname(dirname(__dirname)), dirname(dirname(dirname(__dirname)))].map((root) =>
  join(root, '.tools', 'vm'),
);

/** The files to publish. Throws if they have not been built. */
export function builtImage(): NodeImage {
  const folder = FOLDERS.find((candidate) => existsSync(join(candidate, 'root.img')));
  if (folder === undefined)
    throw new Error(
      'The image of the real machine has not been built. Run `npm run setup -- --lab --vm`, as root or where sudo works.',
    );
  return { kernel: join(folder, 'vmlinuz'), ramdisk: join(folder, 'initrd.img'), root: join(folder, 'root.img') };
}
