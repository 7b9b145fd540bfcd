/** Where the image of the lab's real machine is, once it was built (build.sh, by `npm run setup -- --vm`). */

import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { NodeImage } from '../types';

/** `.tools/vm` of the repository, whether this file runs from lab/ or from dist/lab/. */
const PLACES = [dirname(dirname(__dirname)), dirname(dirname(dirname(__dirname)))].map((root) =>
  join(root, '.tools', 'vm'),
);

/** Files to publish. Throws with what to do where they were not built. */
export function builtImage(): NodeImage {
  const folder = PLACES.find((place) => existsSync(join(place, 'root.img')));
  if (folder === undefined)
    throw new Error(
      'The image of the real machine has not been built. Run `npm run setup -- --lab --vm`, as root or where sudo works.',
    );
  return { kernel: join(folder, 'vmlinuz'), ramdisk: join(folder, 'initrd.img'), root: join(folder, 'root.img') };
}
