/**
 * The image files that examples/stackato-2.6.6.yaml publishes. Every lab has them in its folder, so that the example
 * can be deployed to it.
 */

import { randomBytes } from 'node:crypto';
import { mkdirSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { NodeImage } from './types';

const ROOT_BYTES = 48 * 1_048_576;
/** File names in the example. */
const IMAGES = { kernel: 'vmlinuz', ramdisk: 'initrd.img', root: 'stackato.img' } as const satisfies Record<
  keyof NodeImage,
  string
>;

/** @param built the image of real machines; absent: made-up files, which nothing boots. */
export function exampleImages(dir: string, built?: NodeImage): void {
  const folder = join(dir, 'images');
  // An earlier run may have left links here, which must not be written through.
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  mkdirSync(folder);
  if (built === undefined) makeImages(folder);
  else
    for (const [part, name] of Object.entries(IMAGES)) symlinkSync(built[part as keyof NodeImage], join(folder, name));
}

/** The second half of the root image is a hole. */
function makeImages(folder: string): void {
  writeFileSync(join(folder, IMAGES.kernel), randomBytes(200_000));
  writeFileSync(join(folder, IMAGES.ramdisk), randomBytes(400_000));
  writeFileSync(join(folder, IMAGES.root), randomBytes(ROOT_BYTES / 2));
  truncateSync(join(folder, IMAGES.root), ROOT_BYTES);
}
