/**
 * Runs the block "Real use" of the README as written, in bash with an empty home. A script takes the place of the
 * editor.
 */

import { strict as assert } from 'node:assert';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { Site } from '../support/site';

const ROOT = resolve(__dirname, '../..');
const COPIED = ['examples'];

describe('the README', function () {
  this.timeout(300_000);
  let site: Site;
  before(async () => {
    site = await Site.open();
  });
  after(() => site.close());

  it('F25: "Real use" works as written', async () => {
    const [, block = ''] = /^## Real use\n\n```sh\n([^]*?)^```/m.exec(readFileSync('README.md', 'utf8')) ?? [];
    assert.match(block, /stackato-deploy up/);
    const [clone, home] = [join(site.dir, 'clone'), join(site.dir, 'home')];
    mkdirSync(clone);
    mkdirSync(home);
    for (const name of readdirSync(ROOT)) {
      if (COPIED.includes(name)) cpSync(join(ROOT, name), join(clone, name), { recursive: true });
      else symlinkSync(join(ROOT, name), join(clone, name));
    }
    // What the reader would enter in the editor: this site's spec, and the values that it refers to.
    const env = site.env('eucalyptus-3.2');
    const values = Object.entries(env)
      .filter(([name]) => /^(SITE_|TEMPORAL_ADDRESS$|STACKATO_DEPLOY_)/.test(name))
      .map(([name, value]) => `${name}='${value ?? ''}'\n`);
    writeFileSync(join(site.dir, 'spec'), readFileSync(site.specFile('staging', 'eucalyptus-3.2')));
    writeFileSync(join(site.dir, 'values'), values.join(''));
    const editor = join(site.dir, 'editor');
    writeFileSync(editor, `#!/bin/sh\ncat '${site.dir}/spec' > "$1" && cat '${site.dir}/values' > "$2"\n`, {
      mode: 0o755,
    });
    const shell = spawn('bash', ['-c', block], {
      cwd: clone,
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { PATH: process.env.PATH, HOME: home, EDITOR: editor, NO_COLOR: '1' },
    });
    let output = '';
    for (const stream of [shell.stdout, shell.stderr])
      stream.setEncoding('utf8').on('data', (text: string) => {
        output += text;
      });
    try {
      const [code] = (await once(shell, 'exit')) as [number | null];
      assert.equal(code, 0, output);
      assert.match(output, /staging Ready: http/);
    } finally {
      // Ends the worker left in the background, too.
      if (shell.pid !== undefined) process.kill(-shell.pid, 'SIGTERM');
    }
  });
});
