import { join } from 'node:path';

/** dist/src, whether this file was compiled there or not is the caller's care: workers run from dist only. */
const COMPILED = join(__dirname, '..');

export const WORKFLOWS_PATH = join(COMPILED, 'workflows', 'index.js');
export const BUNDLE_PATH = join(COMPILED, 'workflow-bundle.js');

/** Design bar: no library in the bundle (every cached workflow would carry it). */
export const MAX_BUNDLE_BYTES = 2 * 1024 * 1024;
