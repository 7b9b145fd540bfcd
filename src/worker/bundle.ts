/** Writes the workflow bundle next to the compiled workflows: part of `npm run build`, so that a worker starts fast and a forbidden import fails here. */

import { writeFile } from 'node:fs/promises';
import { bundleWorkflowCode } from '@temporalio/worker';
import { BUNDLE_PATH, MAX_BUNDLE_BYTES, WORKFLOWS_PATH } from './paths';

async function main(): Promise<void> {
  const { code } = await bundleWorkflowCode({
    workflowsPath: WORKFLOWS_PATH,
    // Its chatter is webpack's; errors throw.
    logger: { log: quiet, trace: quiet, debug: quiet, info: quiet, warn: console.warn, error: console.error },
  });
  if (Buffer.byteLength(code) > MAX_BUNDLE_BYTES)
    throw new Error(`The workflow bundle is ${Buffer.byteLength(code)} bytes: did a library slip in?`);
  await writeFile(BUNDLE_PATH, code);
}

function quiet(): void {}

main().catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
