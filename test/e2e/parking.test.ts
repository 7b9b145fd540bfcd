/**
 * A step that fails permanently parks with its error code; once the cause is fixed, `resume` ends ready and repeats
 * nothing.
 */

import assert from 'node:assert/strict';
import type { Knobs } from '../../lab/knobs';
import type { ErrorCode } from '../../src/deployment/errors';
import { STEP_IDS } from '../../src/deployment/steps';
import type { StepId } from '../../src/deployment/steps';
import { assertOnce } from '../support/once';
import { Site } from '../support/site';
import type { SpecChange } from '../support/site';
import { eventually } from '../support/wait';

const KIND = 'eucalyptus-4.4';
/** Shared by all cases: the account's address desk runs on it. */
const QUEUE = 'parking';

interface Case {
  readonly name: string;
  readonly step: StepId;
  readonly code: ErrorCode;
  readonly says: RegExp;
  /** The environment of the first worker, with what is wrong in it. */
  readonly env?: NodeJS.ProcessEnv;
  /** The machine's knobs: first wrong, later fixed. */
  readonly knobs?: Partial<Knobs>;
  readonly fixed?: Partial<Knobs>;
  readonly change?: SpecChange;
}

const CASES: readonly Case[] = [
  {
    name: 'wrong-password',
    step: 'connect',
    code: 'SSH_AUTH',
    says: /does not let stackato in/,
    env: { SITE_SSH_PASSWORD: 'not-it', SITE_ADMIN_PASSWORD: 'neither' },
  },
  {
    name: 'wrong-dns-key',
    step: 'preflight',
    code: 'DNS_KEY_REFUSED',
    says: /key/i,
    env: { SITE_TSIG: Buffer.alloc(32).toString('base64') },
  },
  {
    name: 'missing-secret',
    step: 'preflight',
    code: 'SECRET_MISSING',
    says: /SITE_ADMIN_PASSWORD/,
    env: { SITE_ADMIN_PASSWORD: undefined },
  },
  {
    name: 'small-machine',
    step: 'connect',
    code: 'MEMORY_TOO_SMALL',
    says: /1500 MiB/,
    knobs: { memoryMiB: 1500 },
    fixed: { memoryMiB: 0 },
  },
  {
    name: 'no-console',
    step: 'verify',
    code: 'CONSOLE_NOT_UP',
    says: /answers 503/,
    knobs: { consoleDelay: -1 },
    fixed: { consoleDelay: 0 },
    change: { admin: undefined, timing: { poll: '500ms', rebootWait: '1s', deadline: { console: '4s' } } },
  },
];

describe('a step that fails permanently', function () {
  this.timeout(240_000);
  let site: Site;
  before(async () => {
    site = await Site.open();
  });
  after(() => site.close());

  for (const { name, step, code, says, env, knobs, fixed, change } of CASES) {
    it(`${name}: parks at ${step} with ${code}, is listed while no worker runs, and resumes`, async () => {
      const worker = await site.worker(KIND, QUEUE, env ?? {});
      const deployment = await site.start(site.spec(name, KIND, change, knobs), QUEUE);
      await deployment.until('parked', ({ stage }) => stage === 'needs-attention', 90_000);
      await worker.stop();

      const view = await deployment.view();
      assert.equal(view.steps[step]?.state, 'attention', JSON.stringify(view.steps));
      assert.equal(view.steps[step].error?.code, code);
      assert.match(view.steps[step].error.message, says);
      const { client } = await site.temporal(QUEUE);
      await eventually('it is listed as needing attention', async () => {
        const ids: string[] = [];
        for await (const { workflowId } of client.workflow.list({ query: `StackatoStage = 'needs-attention'` }))
          ids.push(workflowId);
        return ids.includes(`stackato/${name}`);
      });

      const earlier = STEP_IDS.slice(0, STEP_IDS.indexOf(step)).map((id) => [id, view.steps[id]]);
      const next = await site.worker(KIND, QUEUE);
      if (fixed !== undefined) site.appliance(name).setKnobs(fixed);
      await deployment.say('resume', {});
      const done = await deployment.readyOrParked(90_000);
      assert.equal(done.stage, 'ready', JSON.stringify(done.steps));
      assert.deepEqual(
        earlier.filter(([, before]) => before !== undefined),
        earlier.map(([id]) => [id, done.steps[id as StepId]]).filter(([, after]) => after !== undefined),
        'earlier steps were not repeated',
      );
      await assertOnce(site, name, KIND);
      await next.stop();
    });
  }
});
