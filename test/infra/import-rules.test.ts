/** Checks each rule of scripts/import-rules.mjs with snippets, linted as if they were files in that folder. */

import { strict as assert } from 'node:assert';
import { readdirSync } from 'node:fs';
import { ESLint } from 'eslint';
import { configs } from 'typescript-eslint';

const REFUSED: readonly [file: string, code: string][] = [
  ['src/deployment/names.ts', "import { z } from 'zod';"],
  ['src/deployment/names.ts', "import { load } from '../specfile/loader';"],
  ['src/specfile/schema.ts', "import { groupNameOf } from '../activities/types';"],
  ['src/specfile/loader.ts', "import { connect } from 'node:net';"],
  ['src/specfile/loader.ts', "import { readFileSync } from 'node:fs';"],
  ['src/specfile/loader.ts', "import { step } from '../steps/step';"],
  ['src/deployment/releases.ts', "import { shellQuote } from '../machine/shell';"],
  ['src/dns/x.ts', "import { katoOf } from '../machine/kato';"],
  ['src/workflows/x.ts', "import { readFile } from 'node:fs/promises';"],
  ['src/workflows/x.ts', "import { z } from 'zod';"],
  ['src/workflows/x.ts', "import { specSchema } from '../specfile/schema';"],
  ['src/workflows/x.ts', "import { parseSpec } from '../specfile/loader';"],
  ['src/workflows/x.ts', "import { preflight } from '../activities/preflight';"],
  ['src/workflows/x.ts', "import { createActivities } from '../activities';"],
  ['src/workflows/x.ts', "import { Activities } from '../activities/types';"],
  ['src/workflows/x.ts', "import type { StepWork } from '../steps/step';"],
  ['src/workflows/x.ts', "import type { Client } from '@temporalio/client';"],
  ['src/workflows/x.ts', "import type { Secrets } from '../adapters/secrets';"],
  ['src/workflows/x.ts', "export { shellQuote } from '../machine/shell';"],
  ['src/workflows/x.ts', "export const later = (): Promise<unknown> => import('node:fs');"],
  ['src/workflows/x.ts', 'export const home = process.env.HOME;'],
  ['src/workflows/x.ts', "export const page = (): Promise<unknown> => fetch('http://localhost');"],
  ['src/workflows/deep/x.ts', "import { connect } from 'node:net';"],
  ['src/machine/x.ts', "import { readFileSync } from 'node:fs';"],
  ['src/machine/x.ts', "import { spawn } from 'node:child_process';"],
  ['src/machine/x.ts', "import { createDns } from '../adapters/dns';"],
  ['src/machine/x.ts', "import { Context } from '@temporalio/activity';"],
  ['src/activities/x.ts', "import { createRemote } from '../adapters/ssh';"],
  ['src/activities/x.ts', "import type { SshRemote } from '../adapters/ssh';"],
  ['src/activities/x.ts', "import { createClouds } from '../cloud';"],
  ['src/activities/x.ts', "import { EC2Client } from '@aws-sdk/client-ec2';"],
  ['src/activities/x.ts', "import { shellQuote } from '../machine/shell';"],
  ['src/activities/x.ts', "import { connect } from 'node:tls';"],
  ['src/activities/x.ts', "import { spawn } from 'node:child_process';"],
  ['src/activities/x.ts', 'export const home = process.env.HOME;'],
  ['src/image/x.ts', "import { Context } from '@temporalio/activity';"],
  ['src/image/x.ts', "import { request } from 'node:https';"],
  ['src/temporal/x.ts', "import { ClientError } from '../client/errors';"],
  ['src/temporal/x.ts', "import { spawn } from 'node:child_process';"],
  ['src/temporal/x.ts', "import { NativeConnection } from '@temporalio/worker';"],
  ['src/cloud/x.ts', "import { createSecrets } from '../adapters/secrets';"],
  ['src/cloud/x.ts', "import { temporalTarget } from '../temporal/connection';"],
  ['src/cloud/x.ts', "import { spawn } from 'node:child_process';"],
  ['src/net/x.ts', "import { DeployError } from '../deployment/errors';"],
  ['src/temporal/x.ts', "import { connect } from 'node:tls';"],
  ['src/worker/x.ts', "import { deployStackato } from '../workflows';"],
  ['src/adapters/x.ts', "import { workerSettings } from '../worker/options';"],
  ['src/adapters/x.ts', "import { createActivities } from '../activities';"],
  ['src/worker/x.ts', "import { render } from '../cli/render/status-page';"],
  ['src/client/x.ts', "import { workerSettings } from '../worker/options';"],
  ['src/client/x.ts', "import type { WorkerSettings } from '../worker/options';"],
  ['src/client/x.ts', "import { Worker } from '@temporalio/worker';"],
  ['src/client/x.ts', "import { deployStackato } from '../workflows';"],
  ['src/client/x.ts', "import type { deployStackato } from '../workflows';"],
  ['src/client/x.ts', "import { createDns } from '../adapters/dns';"],
  ['src/client/x.ts', "import { connect } from 'node:net';"],
  ['src/client/x.ts', "import { page } from '../cli/render/status-page';"],
  ['src/cli/x.ts', "import { Client } from '@temporalio/client';"],
  ['src/cli/x.ts', "import { pendingByLabel } from '../temporal/pending';"],
  ['src/cli/x.ts', "import type { deployStackato } from '../workflows';"],
  ['src/steps/x.ts', "import { Context } from '@temporalio/activity';"],
  ['src/steps/x.ts', "import type { Attempt } from '../activities/attempt';"],
  ['src/steps/x.ts', "export type Client = import('@aws-sdk/client-ec2').EC2Client;"],
  ['src/dns/x.ts', "import { randomBytes } from 'node:crypto';"],
  ['lab/x.ts', "import { TASK_QUEUE } from '../src/deployment/names';"],
  ['lab/cloud/x.ts', "import type { DeploymentSpec } from '../../src/deployment/spec';"],
];

const ALLOWED: readonly [file: string, code: string][] = [
  ['src/deployment/names.ts', "import type { StepId } from './steps';"],
  ['src/specfile/schema.ts', "import { z } from 'zod';"],
  ['src/specfile/loader.ts', "import { open } from 'node:fs/promises';"],
  ['src/workflows/x.ts', "import { sleep } from '@temporalio/workflow';"],
  ['src/workflows/x.ts', "import { TASK_QUEUE } from '../deployment/names';"],
  ['src/workflows/x.ts', "import type { Activities } from '../deployment/activities';"],
  ['src/workflows/x.ts', "import { Progress } from './progress';"],
  ['src/machine/x.ts', "import { createHash } from 'node:crypto';"],
  ['src/activities/x.ts', "import { stepWorks } from '../steps';"],
  ['src/activities/x.ts', "import { Context } from '@temporalio/activity';"],
  ['src/adapters/x.ts', "import { spawn } from 'node:child_process';"],
  ['src/adapters/x.ts', "import type { Dns } from '../steps/ports';"],
  ['src/cloud/x.ts', "import { request } from 'node:http';"],
  ['src/cloud/x.ts', "import { probeTls } from '../net/tls-probe';"],
  ['src/client/x.ts', "import { temporalTarget } from '../temporal/connection';"],
  ['src/adapters/x.ts', "import pLimit from 'p-limit';"],
  ['src/worker/x.ts', "import { temporalTarget } from '../temporal/connection';"],
  ['src/worker/x.ts', "import { createClouds } from '../cloud';"],
  ['src/client/x.ts', "import { parseSpec } from '../specfile/loader';"],
  ['lab/x.ts', "import { createServer } from 'node:net';"],
  ['test/x.test.ts', "import { createServer } from 'node:net';"],
];

const RULES = ['house/imports', 'no-restricted-imports', 'no-restricted-syntax', 'no-restricted-globals'];

describe('import rules', () => {
  // The files do not exist, so there are no types to check.
  const eslint = new ESLint({
    overrideConfig: [{ ...configs.disableTypeChecked, languageOptions: { parserOptions: { project: null } } }],
  });

  async function complaints(file: string, code: string): Promise<string[]> {
    const [result] = await eslint.lintText(`${code}\n`, { filePath: file });
    const fatal = result?.messages.find((message) => message.fatal === true);
    assert.equal(fatal?.message, undefined);
    return (result?.messages ?? []).map(({ ruleId }) => ruleId ?? '').filter((rule) => RULES.includes(rule));
  }

  it('every folder of src has a row', async () => {
    for (const folder of readdirSync('src')) {
      assert.deepEqual(await complaints(`src/${folder}/x.ts`, "import 'left-pad';"), ['house/imports'], folder);
    }
  });

  for (const [file, code] of REFUSED) {
    it(`refuses in ${file}: ${code}`, async () => {
      assert.notDeepEqual(await complaints(file, code), []);
    });
  }

  for (const [file, code] of ALLOWED) {
    it(`allows in ${file}: ${code}`, async () => {
      assert.deepEqual(await complaints(file, code), []);
    });
  }
});
