/** Finds the image of the lab's real machine, which `npm run setup -- --vm` builds with build.sh. */

import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { NodeImage } from '../types';

/** `.tools/vm` of the repository, whether this file runs from lab/ or from dist/lab/. */
const FOLDERS = [dirname(dirname(__dirname)), dirname(dirname(dirname(__dirname)))].map((root) =>
  join(root, '.tools', 'vm'),
);

/** Root images: the same Debian, with and without cloud-init. */
const ROOTS = { plain: 'root.img', 'cloud-init': 'cloud-init.img' } as const;

/** The files to publish. Throws if they have not been built. */
export function builtImage(kind: keyof typeof ROOTS = 'plain'): NodeImage {
  const root = ROOTS[kind];
  const folder = FOLDERS.find((candidate) => existsSync(join(candidate, root)));
  if (folder === undefined)
    throw new Error(
      'The image of the real machine has not been built. Run `npm run setup -- --lab --vm`, as root or where sudo works.',
    );
  return { kernel: join(folder, 'vmlinuz'), ramdisk: join(folder, 'initrd.img'), root: join(folder, root) };
}
