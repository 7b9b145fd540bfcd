/** scripts/check/releases.mjs finds a cell without its source, a knob that does not exist, and a page that differs. */

import { strict as assert } from 'node:assert';
import { TempProject } from './temp-project';

const CELLS = `{ ready: { value: 'kato ready', source: 'RN 2.8' }, lists: { value: ['a', 'b'], otherwise: 'it waits', knob: 'lists' } }`;
const HAZARD = `{ bug: 7, what: 'it hangs', fixedIn: '3.4.1', answer: 'a time limit' }`;
const PAGE = `# Stackato 1.0.0

| known | is | source |
|---|---|---|
| \`ready\` | \`kato ready\` | RN 2.8 |

| not known | assumed | if it is wrong | knob |
|---|---|---|---|
| \`lists\` | \`a\`, \`b\` | it waits | \`lists\` |

| bug | effect | fixed in | what a deployment does |
|---|---|---|---|
| \`7\` | it hangs | 3.4.1 | a time limit |
`;

describe('the check of releases', () => {
  let folder: TempProject;
  beforeEach(() => {
    folder = new TempProject()
      .copy('scripts')
      .write('package.json', '{}')
      .write('dist/src/specfile/loader.js', 'exports.parseSpec = () => ({ ok: true });')
      .write('dist/lab/knobs.js', 'exports.DEFAULT_KNOBS = { lists: true };');
  });
  afterEach(() => folder.remove());

  async function problems(cells = CELLS, page: string | undefined = PAGE): Promise<string[]> {
    folder.write(
      'dist/src/deployment/releases.js',
      `exports.RELEASES = { '1.0.0': ${cells} }; exports.hazardsOf = () => [${HAZARD}];`,
    );
    if (page !== '') folder.write('docs/releases/1.0.0.md', page);
    const { output, code } = await folder.node(['scripts/check-docs.mjs']);
    const lines = output.trimEnd().split('\n').slice(0, -1);
    assert.equal(code, lines.length === 0 ? 0 : 1, output);
    return lines;
  }

  it('finds nothing where page and table agree', async () => {
    assert.deepEqual(await problems(), []);
  });

  it('13: finds a cell without its source', async () => {
    assert.deepEqual(await problems(CELLS.replace("'RN 2.8'", "''"), PAGE.replace('RN 2.8', '')), [
      'src/deployment/releases.ts: 1.0.0: ready has no source',
    ]);
  });

  it('13: finds a knob that does not exist, and a cell that does not say what happens if it is wrong', async () => {
    const wrong = CELLS.replace("knob: 'lists'", "knob: 'list'").replace("'it waits'", "''");
    const page = PAGE.replace('`lists` |\n\n', '`list` |\n\n').replace('it waits', '');
    assert.deepEqual(await problems(wrong, page), [
      'src/deployment/releases.ts: 1.0.0: lists does not say what happens if it is wrong',
      'src/deployment/releases.ts: 1.0.0: lists names the knob list, which does not exist',
    ]);
  });

  it('finds a page that is missing, lacks a cell or a fault, or says something else', async () => {
    assert.deepEqual(await problems(CELLS, ''), ['docs/releases/1.0.0.md is missing']);
    assert.deepEqual(
      await problems(CELLS, PAGE.replace('`kato ready`', '`ready`').replace(/\| `(lists|7)`.*\n/g, '')),
      [
        'docs/releases/1.0.0.md:5: ready: is must be `kato ready`, but is `ready`',
        'docs/releases/1.0.0.md: there is no row for the not known lists',
        'docs/releases/1.0.0.md: there is no row for the bug 7',
      ],
    );
  });
});
