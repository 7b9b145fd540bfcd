/**
 * The workflow bundle. `npm run build` runs this file, which writes it next to the compiled workflows: so a worker starts fast, and a
 * forbidden import fails at build time.
 */

import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { bundleWorkflowCode } from '@temporalio/worker';
import type { BundleOptions } from '@temporalio/worker';

/** Workers run from dist, where the parent folder is dist/src. */
const COMPILED = join(__dirname, '..');

export const BUNDLE_PATH = join(COMPILED, 'workflow-bundle.js');

/** Every cached workflow carries the bundle, so no library may slip into it. */
export const MAX_BUNDLE_BYTES = 1.25 * 1024 * 1024;

/** For `bundleWorkflowCode`. A stack trace needs to know where in the sources it is, but not the sources themselves: they would be half of the bundle. */
export const WITHOUT_SOURCES: Pick<BundleOptions, 'webpackConfigHook'> = {
  webpackConfigHook: (config) => ({ ...config, devtool: 'inline-nosources-source-map' }),
};

async function writeBundle(): Promise<void> {
  const { code } = await bundleWorkflowCode({
    workflowsPath: join(COMPILED, 'workflows', 'index.js'),
    ...WITHOUT_SOURCES,
    // webpack's progress is of no interest; its errors throw.
    logger: { log: ignore, trace: ignore, debug: ignore, info: ignore, warn: console.warn, error: console.error },
  });
  if (Buffer.byteLength(code) > MAX_BUNDLE_BYTES)
    throw new Error(`The workflow bundle is ${Buffer.byteLength(code)} bytes: has a library slipped in?`);
  await writeFile(BUNDLE_PATH, code);
}

function ignore(): void {}

if (require.main === module)
  writeBundle().catch((error: unknown) => {
    console.error(error);
    process.exitCode = 1;
  });
