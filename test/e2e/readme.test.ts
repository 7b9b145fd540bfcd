/** The block "Real use" of the README as it stands, by bash, in an empty home; what its reader does in the editor is done by a script. */

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

  it('F25: "Real use" works as it is written', async () => {
    const [, block = ''] = /^## Real use\n\n```sh\n([^]*?)^```/m.exec(readFileSync('README.md', 'utf8')) ?? [];
    assert.match(block, /stackato-deploy up/);
    const [clone, home] = [join(site.dir, 'clone'), join(site.dir, 'home')];
    mkdirSync(clone);
    mkdirSync(home);
    for (const name of readdirSync(ROOT)) {
      if (COPIED.includes(name)) cpSync(join(ROOT, name), join(clone, name), { recursive: true });
      else symlinkSync(join(ROOT, name), join(clone, name));
    }
    // What is written in the editor: this site's spec, and the values of its references.
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
    let said = '';
    for (const stream of [shell.stdout, shell.stderr])
      stream.setEncoding('utf8').on('data', (text: string) => {
        said += text;
      });
    try {
      const [code] = (await once(shell, 'exit')) as [number | null];
      assert.equal(code, 0, said);
      assert.match(said, /staging Ready: http/);
    } finally {
      // The worker that was left in the background.
      if (shell.pid !== undefined) process.kill(-shell.pid, 'SIGTERM');
    }
  });
});
