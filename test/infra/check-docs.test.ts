/** scripts/check-docs.mjs finds each kind of mistake, in a small repository that has one of each. */

import { strict as assert } from 'node:assert';
import { TempProject } from './temp-project';

const LOADER = `exports.parseSpec = (text) => (text.includes('bad') ? { ok: false, problems: ['bad'] } : { ok: true });`;
const CLI = `
const top = 'Usage\\n\\nCommands:\\n  up [options] <spec>  go\\n  lab                  play';
const lab = 'Commands:\\n  down  end it\\n  help';
console.log({ '--help': top, lab }[process.argv[2]] ?? 'Usage');
`;

/** Split, so that this file passes the check for registry settings itself. */
const SCHEME = 'https:';

describe('scripts/check-docs.mjs', () => {
  let folder: TempProject;
  beforeEach(() => {
    folder = new TempProject()
      .copy('scripts')
      .write('package.json', '{"scripts":{"check":"true"}}')
      .write('dist/src/specfile/loader.js', LOADER)
      .write('bin/stackato-deploy.cjs', CLI)
      .write('examples/a.yaml', 'name: a\n');
  });
  afterEach(() => folder.remove());

  async function problems(readme: string): Promise<string[]> {
    const { output, code } = await folder.write('README.md', readme).node(['scripts/check-docs.mjs']);
    const lines = output.trimEnd().split('\n').slice(0, -1);
    assert.equal(code, lines.length === 0 ? 0 : 1, output);
    return lines;
  }

  it('finds nothing in true words', async () => {
    const readme = [
      '# A',
      '[b](examples/a.yaml "t") [c](#a) [d](https://example.com/x) ![e](examples/a.yaml)',
      '`[no](link)`',
      '```yaml',
      '# spec',
      'name: a',
      '```',
      '```yaml',
      'bad: but no spec',
      '```',
      '    stackato-deploy up dev.yaml',
      '`stackato-deploy lab down`',
      'stackato-deploy brings it up',
      '`npm run check`',
    ];
    assert.deepEqual(await problems(readme.join('\n')), []);
  });

  it('finds a broken link, with its line', async () => {
    assert.deepEqual(await problems('# A\n\n[b](docs/none.md#x)\n'), ['README.md:3: broken link: docs/none.md#x']);
  });

  it('finds an invalid spec, in a document or an example', async () => {
    folder.write('examples/b.yaml', 'bad: 1\n');
    const found = await problems('```yaml\n# spec\nbad: 1\n```\n');
    assert.deepEqual(
      found.map((line) => line.split(' ')[0]),
      ['README.md:1:', 'examples/b.yaml:'],
    );
  });

  it('finds commands that do not exist', async () => {
    const found = await problems(
      '`stackato-deploy raise x` and\n\n```sh\n$ stackato-deploy lab up\nstackato-deploy up|vanish dev\n```\n',
    );
    assert.deepEqual(
      found.map((line) => line.replace(/^.*no command /, '')),
      ['`stackato-deploy lab up`', '`stackato-deploy vanish`', '`stackato-deploy raise`'],
    );
  });

  it('finds npm scripts that do not exist', async () => {
    assert.deepEqual(await problems('`npm run nothing`'), ['README.md:1: package.json has no script nothing']);
  });

  it('finds names and settings of package registries anywhere', async () => {
    // Assembled here, so that this file names no registry.
    folder
      .write(
        'docker/x.sh',
        `pip install --index-url ${SCHEME}//example.com/x\ncurl ${SCHEME}//${['registry', 'npmjs', 'org'].join('.')}/x\n`,
      )
      .write('.npmrc', '');
    assert.equal((await problems('# A')).length, 3);
  });

  it('asks for dist where there is none', async () => {
    folder.remove();
    folder = new TempProject().copy('scripts');
    const { code, output } = await folder.node(['scripts/check-docs.mjs']);
    assert.equal(code, 1);
    assert.match(output, /npm run setup/);
  });
});
