/**
 * No secret of a spec shows in history, memo, logs, the process list or the CLI's output. Every secret is a unique
 * word.
 */

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { promisify } from 'node:util';
import { Site, CLI } from '../support/site';

const KIND = 'eucalyptus-4.4';
const run = promisify(execFile);

/** All text in a value, with payloads decoded. */
function textOf(value: unknown): string {
  if (typeof value === 'string') return value;
  if (value instanceof Uint8Array) return Buffer.from(value).toString('utf8');
  if (Array.isArray(value)) return value.map(textOf).join('\n');
  if (typeof value === 'object' && value !== null) return Object.values(value).map(textOf).join('\n');
  return '';
}

function processList(): string {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
      } catch {
        return '';
      }
    })
    .join('\n');
}

describe('the secrets of a spec', function () {
  this.timeout(240_000);
  let site: Site;
  before(async () => {
    site = await Site.open();
  });
  after(() => site.close());

  it('appear nowhere that others can read', async () => {
    const seen: string[] = [];
    const sampler = setInterval(() => seen.push(processList()), 20);
    const worker = await site.worker(KIND, 'secrets');
    // The password is refused at first, so that failures are covered, too.
    const deployment = await site.start(site.spec('secrets', KIND, {}, { password: 'another-password' }), 'secrets');
    const parked = await deployment.until('parked', ({ stage }) => stage === 'needs-attention', 90_000);
    assert.equal(parked.steps.connect?.error?.code, 'SSH_AUTH');
    site.appliance('secrets').setKnobs({ password: site.secrets.sshPassword });
    await deployment.say('resume', {});
    await deployment.until('ready', ({ stage }) => stage === 'ready', 90_000);
    await deployment.result();
    const cli = await run(process.execPath, [CLI, 'status', 'secrets', '--json'], {
      env: { ...site.env(KIND), STACKATO_DEPLOY_TASK_QUEUE: 'secrets' },
    });
    await worker.stop();
    clearInterval(sampler);

    const description = await deployment.handle.describe();
    const places = {
      history: textOf(await deployment.handle.fetchHistory()),
      memo:
        JSON.stringify(description.memo) +
        textOf(description.raw.workflowExecutionInfo?.searchAttributes?.indexedFields),
      'worker log': readFileSync(worker.log, 'utf8'),
      'process list': seen.join('\n'),
      'command line': cli.stdout + cli.stderr,
    };
    assert.ok(
      places.history.includes('stackato-secrets') && places['process list'].includes('nsupdate'),
      'the places contain what they should',
    );
    for (const [place, text] of Object.entries(places)) {
      for (const [what, word] of Object.entries(site.secretsOf(KIND))) {
        assert.ok(
          !text.includes(word) && !text.includes(Buffer.from(word).toString('base64')),
          `${what} shows in the ${place}`,
        );
      }
    }
  });
});
