/** scripts/check/tables.mjs finds reference tables that do not match the code. */

import { strict as assert } from 'node:assert';
import { TempProject } from './temp-project';

const LOADER = 'exports.parseSpec = () => ({ ok: true });';
const ERRORS = `exports.ERRORS = { DOWN: { owner: 'cloud', retry: 'not-yet' }, BAD_KEY: { owner: 'user', retry: 'no' } };`;
const SCHEMA = `
const secret = { maxProperties: 1, properties: { env: {}, file: {} } };
const tsig = { properties: { secret, port: { default: 53 } }, required: ['secret'], default: {} };
const mode = { properties: { mode: {}, search: { default: ['a', 'b'] } }, required: ['mode'] };
exports.jsonSchema = () => ({ properties: { name: {}, tsig, net: { anyOf: [{ type: 'string' }, mode], default: 'dhcp' } }, required: ['name'] });
`;

const KEYS = [
  '| `name` | text | needed |',
  '| `tsig` | mapping | none |',
  '| `tsig.secret` | secret | needed |',
  '| `tsig.port` | port | `53` |',
  '| `net` | text | `dhcp` |',
  '| `net.mode` | text | needed |',
  '| `net.search` | list | `[a, b]` |',
];
const CODES = ['| `DOWN` | cloud | not yet | x \\| y |', '| `BAD_KEY` | user | no | z |'];

describe('tables of reference', () => {
  let folder: TempProject;
  beforeEach(() => {
    folder = new TempProject()
      .copy('scripts')
      .write('package.json', '{}')
      .write('dist/src/specfile/loader.js', LOADER)
      .write('dist/src/deployment/errors.js', ERRORS)
      .write('dist/src/specfile/schema.js', SCHEMA)
      .write('dist/src/deployment/cloud-kinds.js', 'exports.CLOUD_KINDS = {};');
  });
  afterEach(() => folder.remove());

  async function problems(path: string, heads: string, rows: readonly string[], after = ''): Promise<string[]> {
    const text = ['# A', '', heads, heads.replace(/[^|]+/g, '---'), ...rows, after].join('\n');
    const { output, code } = await folder.write(path, text).node(['scripts/check-docs.mjs']);
    const lines = output.trimEnd().split('\n').slice(0, -1);
    assert.equal(code, lines.length === 0 ? 0 : 1, output);
    return lines;
  }
  const ofCodes = (rows: readonly string[], after?: string): Promise<string[]> =>
    problems('docs/recovery.md', '| code | owner | retried | means |', rows, after);
  const ofKeys = (rows: readonly string[]): Promise<string[]> =>
    problems('docs/spec.md', '| key | type | default |', rows);

  it('finds nothing in a true table, nor in others beside it', async () => {
    assert.deepEqual(await ofCodes(CODES, '\n| exit code | meaning |\n|---|---|\n| `NONE` | x |\n'), []);
  });

  it('finds a code that is left out, one that does not exist, and one that is there twice', async () => {
    assert.deepEqual(await ofCodes([...CODES.slice(0, 1), CODES[0] ?? '', '| `GONE` | user | no | z |']), [
      'docs/recovery.md:6: DOWN is listed twice',
      'docs/recovery.md:7: there is no code GONE',
      'docs/recovery.md: there is no row for the code BAD_KEY',
    ]);
  });

  it('finds an owner and a retry that are not those of the code', async () => {
    const wrong = CODES.map((row) => row.replace('cloud', 'dns').replace('| no |', '| yes |'));
    assert.deepEqual(await ofCodes(wrong), [
      'docs/recovery.md:5: DOWN: owner must be cloud, but is dns',
      'docs/recovery.md:6: BAD_KEY: retried must be no, but is yes',
    ]);
  });

  it('takes the rows of several tables together', async () => {
    const [first = '', second = ''] = CODES;
    assert.deepEqual(await ofCodes([first], `\n| code | owner | retried |\n|---|---|---|\n${second}\n`), []);
  });

  it('knows every key of a spec: in mappings and unions, and a reference as one', async () => {
    assert.deepEqual(await ofKeys(KEYS), []);
    assert.deepEqual(await ofKeys([...KEYS, '| `tsig.secret.env` | text | none |']), [
      'docs/spec.md:12: there is no key tsig.secret.env',
    ]);
    assert.deepEqual(await ofKeys(KEYS.slice(1)), ['docs/spec.md: there is no row for the key name']);
  });

  it('finds defaults that are not those of the schema', async () => {
    assert.deepEqual(await ofKeys(KEYS.map((row) => row.replace('`53`', '`54`').replace('`dhcp`', 'needed'))), [
      'docs/spec.md:8: tsig.port: default must be `53`, but is `54`',
      'docs/spec.md:9: net: default must be `dhcp`, but is needed',
    ]);
  });
});
