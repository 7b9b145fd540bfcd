/**
 * Runs the recipe of docs/lab.md as written, but on other ports: `lab up`, a worker, and the example deployed into the
 * lab.
 */

import { strict as assert } from 'node:assert';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { CLI } from '../support/site';

const ROOT = resolve(__dirname, '../..');
const EXAMPLE = 'examples/stackato-2.6.6.yaml';
/** A developer may have a lab running on the documented ports. */
const withOtherPorts = (text: string): string => text.replace(/\b17(\d{3})\b/g, '14$1');
const NET = '65';

describe('the recipe of docs/lab.md', function () {
  this.timeout(300_000);
  let dir: string;
  let clone: string;

  before(() => {
    dir = mkdtempSync(join(tmpdir(), 'stackato-recipe-'));
    clone = join(dir, 'clone');
    mkdirSync(join(dir, 'bin'));
    mkdirSync(clone);
    symlinkSync(CLI, join(dir, 'bin', 'stackato-deploy'));
    for (const name of readdirSync(ROOT))
      if (!['examples', '.lab'].includes(name)) symlinkSync(join(ROOT, name), join(clone, name));
    cpSync(join(ROOT, 'examples'), join(clone, 'examples'), { recursive: true });
    writeFileSync(join(clone, EXAMPLE), withOtherPorts(readFileSync(join(ROOT, EXAMPLE), 'utf8')));
  });
  after(async () => {
    await bash(`stackato-deploy lab down`);
    rmSync(dir, { recursive: true, force: true });
  });

  const bash = async (script: string): Promise<{ code: number | null; output: string }> => {
    const shell = spawn('bash', ['-c', script], {
      cwd: clone,
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: {
        ...process.env,
        PATH: `${join(dir, 'bin')}:${process.env.PATH ?? ''}`,
        STACKATO_DEPLOY_STATE: join(dir, 'state'),
        NO_COLOR: '1',
      },
    });
    let output = '';
    for (const stream of [shell.stdout, shell.stderr])
      stream.setEncoding('utf8').on('data', (text: string) => {
        output += text;
      });
    const [code] = (await once(shell, 'exit')) as [number | null];
    return { code, output };
  };

  it('F25: `lab up` sets up everything that the recipe needs', async () => {
    const [, recipe = ''] =
      /take the secrets from its `state\.json`:\n\n```sh\n([^]*?)^```/m.exec(
        readFileSync(join(ROOT, 'docs/lab.md'), 'utf8'),
      ) ?? [];
    assert.match(recipe, /stackato-deploy worker[^]*stackato-deploy up/);
    const up = await bash(`stackato-deploy lab up --base-port 14000 --net ${NET}`);
    assert.equal(up.code, 0, up.output);
    // Also ends the worker that the recipe leaves in the background.
    const { code, output } = await bash(`trap 'kill $(jobs -p)' EXIT\nset -e\n${withOtherPorts(recipe)}`);
    assert.equal(code, 0, output);
    assert.match(output, /Ready: http/);
  });
});
