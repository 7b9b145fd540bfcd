/** This package: its folder and its version. */

import { readFileSync } from 'node:fs';
import { basename, join } from 'node:path';

/** dist/src/cli is one level deeper than src/cli. */
const ABOVE = join(__dirname, '../..');

export const PACKAGE_ROOT = basename(ABOVE) === 'dist' ? join(ABOVE, '..') : ABOVE;

export function packageVersion(): string {
  const { version } = JSON.parse(readFileSync(join(PACKAGE_ROOT, 'package.json'), 'utf8')) as { version: string };
  return version;
}
