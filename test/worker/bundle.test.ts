/** Every cached workflow carries the bundle, so it may hold only Temporal, our workflows, and src/deployment. */

import assert from 'node:assert/strict';
import { MAX_BUNDLE_BYTES } from '../../src/worker/bundle';
import { workflowBundle } from '../support/temporal';

/** What @temporalio/workflow itself consists of. */
const TEMPORAL = /^\.\/node_modules\/(@temporalio\/(common|workflow|worker)|nexus-rpc|long|ms)\//;
const OURS = /^\.\/src\/(workflows|deployment)\/[\w-]+\.ts$/;
/** webpack's empty replacement for a module that is not there. */
const EMPTY = /^\?[0-9a-f]+$/;

describe('the workflow bundle', function () {
  this.timeout(60_000);
  let code: string;
  let modules: string[];
  before(async () => {
    ({ code } = await workflowBundle());
    modules = [...code.matchAll(/^\/\*{3}\/ "([^"]+)"/gm)].map(([, id]) => id ?? '');
  });

  it('is at most 1.25 MiB, though it is not minified, with the map that stack traces need', () => {
    assert.ok(Buffer.byteLength(code) <= MAX_BUNDLE_BYTES, `${Buffer.byteLength(code)} bytes`);
  });

  it('holds no library', () => {
    const files = modules.filter((id) => id.endsWith('.ts') || id.includes('node_modules'));
    assert.ok(files.some((id) => id === './src/workflows/deploy.ts') && files.length > 30, 'the modules are found');
    assert.deepEqual(
      files.filter((id) => !TEMPORAL.test(id) && !OURS.test(id)),
      [],
    );
    assert.deepEqual(
      modules.filter((id) => !files.includes(id) && !EMPTY.test(id)),
      [],
    );
  });

  it('holds nothing of Node', () => {
    assert.doesNotMatch(code, /require\(["'](node:|fs|net|crypto|child_process)/);
    assert.deepEqual(
      modules.filter((id) => id.startsWith('node:')),
      [],
    );
  });
});
