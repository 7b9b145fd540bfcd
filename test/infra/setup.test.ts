/** scripts/setup.mjs in temporary folders: what it finds missing, what it does about it, and two running at once. */

import { strict as assert } from 'node:assert';
import { existsSync, readFileSync, rmSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { TempProject } from './temp-project';

/** A project without dependencies, whose build appends a line to `builds`. */
function project(): TempProject {
  const lock = { name: 'x', version: '1.0.0', lockfileVersion: 3, packages: { '': { name: 'x', version: '1.0.0' } } };
  return new TempProject()
    .copy('scripts')
    .write(
      'package.json',
      JSON.stringify({
        name: 'x',
        version: '1.0.0',
        scripts: { build: "node -e \"require('fs').appendFileSync('builds', 'x')\"" },
      }),
    )
    .write('package-lock.json', JSON.stringify(lock))
    .write('node_modules/.package-lock.json', JSON.stringify({ ...lock, packages: {} }))
    .write('tsconfig.json', '{}')
    .write('tsconfig.build.json', '{}')
    .write('src/a.ts', '')
    .write('lab/b.ts', '');
}

describe('scripts/setup.mjs', () => {
  let folder: TempProject;
  const builds = (): number =>
    existsSync(join(folder.path, 'builds')) ? readFileSync(join(folder.path, 'builds')).length : 0;
  beforeEach(() => {
    folder = project();
  });
  afterEach(() => folder.remove());

  it('builds once, says nothing when there is nothing to do, and builds again after a change', async () => {
    assert.equal((await folder.node(['scripts/setup.mjs'])).code, 0);
    assert.deepEqual(await folder.node(['scripts/setup.mjs']), { code: 0, output: '' });
    assert.equal(builds(), 1);
    folder.write('src/a.ts', 'changed');
    assert.match((await folder.node(['scripts/setup.mjs'])).output, /build: 1 changed \(src\/a\.ts\)/);
    assert.equal(builds(), 2);
  });

  it('removes what was made of a source that is gone', async () => {
    await folder.node(['scripts/setup.mjs']);
    folder.write('dist/src/a.js', '').write('dist/lab/b.js', '');
    rmSync(join(folder.path, 'src/a.ts'));
    await folder.node(['scripts/setup.mjs']);
    assert.equal(existsSync(join(folder.path, 'dist/src/a.js')), false);
    assert.equal(existsSync(join(folder.path, 'dist/lab/b.js')), true);
  });

  it('takes a failed build for not built, and says what the compiler said', async () => {
    folder.write('package.json', JSON.stringify({ scripts: { build: 'echo src/a.ts: no good; exit 2' } }));
    for (let times = 0; times < 2; times++) {
      const { code, output } = await folder.node(['scripts/setup.mjs']);
      assert.equal(code, 1);
      assert.match(output, /src\/a\.ts: no good[^]*Fix the errors above/);
    }
  });

  it('sees node_modules that differ from package-lock.json', async () => {
    folder
      .write(
        'package-lock.json',
        JSON.stringify({
          packages: {
            '': {},
            'node_modules/a': { version: '1.0.0' },
            'node_modules/b': { version: '1.0.0', optional: true },
          },
        }),
      )
      .write(
        'node_modules/.package-lock.json',
        JSON.stringify({ packages: { 'node_modules/a': { version: '0.9.0' } } }),
      )
      // A fake npm that prints its arguments.
      .write('bin/npm', '#!/bin/sh\necho "called with $*"\nexit 1\n', 0o755);
    const { code, output } = await folder.node(['scripts/setup.mjs'], {
      PATH: `${join(folder.path, 'bin')}:${process.env.PATH}`,
    });
    assert.equal(code, 1);
    assert.match(output, /differs from package-lock\.json \(a\)[^]*called with ci --ignore-scripts/);
  });

  it('two at once build once', async () => {
    const both = await Promise.all([folder.node(['scripts/setup.mjs']), folder.node(['scripts/setup.mjs'])]);
    assert.deepEqual(
      both.map(({ code }) => code),
      [0, 0],
    );
    assert.equal(builds(), 1);
    assert.equal(existsSync(join(folder.path, '.tools/setup.lock')), false);
  });

  it('takes over from one that died', async () => {
    const { output } = await folder.node(['-p', 'process.pid']);
    folder.write('.tools/setup.lock', output.trim());
    assert.equal((await folder.node(['scripts/setup.mjs'])).code, 0);
    assert.equal(builds(), 1);
  });

  it('takes over a lock that nobody has touched for long, whoever has its process id now', async () => {
    folder.write('.tools/setup.lock', String(process.pid));
    const longAgo = new Date(Date.now() - 120_000);
    utimesSync(join(folder.path, '.tools/setup.lock'), longAgo, longAgo);
    assert.equal((await folder.node(['scripts/setup.mjs'])).code, 0);
  });

  it('without apt-get says what to install', async () => {
    const { code, output } = await folder.node(['scripts/setup.mjs', '--chromium'], { PATH: join(folder.path, 'bin') });
    assert.equal(code, 1);
    assert.match(
      output,
      /no apt-get to install them \(Debian's names\): chromium\.\nInstall them with the package manager/,
    );
  });

  it('wants what benchmarks compare with only for them', async () => {
    const { output } = await folder.node(['scripts/setup.mjs', '--bench'], { PATH: join(folder.path, 'bin') });
    assert.match(output, /programs of the benchmarks: .*pigz/);
  });

  it('refreshes the list of packages only where an installation fails, and believes what it finds, not exit codes', async () => {
    folder.write(
      'bin/apt-get',
      '#!/bin/sh\necho "$*" >> apt.log\ncase "$*" in *install*) [ -e updated ] ;; *) : > updated ;; esac\n',
      0o755,
    );
    for (const program of ['env', 'sudo'])
      folder.write(
        `bin/${program}`,
        '#!/bin/sh\n[ "$1" = -n ] && exit 0\nwhile [ $# -gt 0 ]; do case $1 in env|*=*) shift ;; *) break ;; esac; done\nexec "$@"\n',
        0o755,
      );
    const { code, output } = await folder.node(['scripts/setup.mjs', '--chromium'], { PATH: join(folder.path, 'bin') });
    const calls = readFileSync(join(folder.path, 'apt.log'), 'utf8')
      .trim()
      .split('\n')
      .map((line) => line.replace(/^.*Timeout=\d+ /, ''));
    assert.deepEqual(calls, [
      'install -y --no-install-recommends chromium',
      'update',
      'install -y --no-install-recommends chromium',
    ]);
    assert.equal(code, 1);
    assert.match(output, /Still missing after the installation: chromium/);
  });

  it('refuses an option it does not know', async () => {
    assert.match(
      (await folder.node(['scripts/setup.mjs', '--labs'])).output,
      /Unknown option --labs\.\nOptions are: --lab, --chromium, --bench, --vm/,
    );
  });
});
