/** Where this package is: two folders further up in dist than in src. */

import { basename, join } from 'node:path';

const ABOVE = join(__dirname, '../..');

export const ROOT = basename(ABOVE) === 'dist' ? join(ABOVE, '..') : ABOVE;
