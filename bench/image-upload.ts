/** Measures publishing an image to the lab with the command a person would use. */

import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { CLI, Site } from '../test/support/site';

const KIND = 'eucalyptus-4.4';
const QUEUE = 'bench';
const run = promisify(execFile);

/** MiB per second from the command to the registered image: bundling, upload and registration. */
export async function publishRate(root: string, mib: number): Promise<number> {
  const site = await Site.open({ kernelRights: true });
  try {
    await site.worker(KIND, QUEUE, { STACKATO_DEPLOY_STATE: site.dir });
    const spec = site.specFile('bench', KIND, { image: { ...site.imageOf('bench', KIND), root } });
    const started = process.hrtime.bigint();
    await run(process.execPath, [CLI, 'image', 'publish', spec], {
      env: { ...site.env(KIND), STACKATO_DEPLOY_TASK_QUEUE: QUEUE },
    });
    return mib / (Number(process.hrtime.bigint() - started) / 1e9);
  } finally {
    await site.close();
  }
}
