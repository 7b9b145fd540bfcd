/** scripts/check-cycles.mjs finds circular imports of every form, and nothing else. */

import { strict as assert } from 'node:assert';
import { TempProject } from './temp-project';

describe('scripts/check-cycles.mjs', () => {
  let project: TempProject;
  beforeEach(() => {
    project = new TempProject().copy('scripts/check-cycles.mjs').linkModules();
  });
  afterEach(() => project.remove());

  async function cycles(files: Readonly<Record<string, string>>, ...folders: string[]): Promise<string[]> {
    for (const [name, text] of Object.entries(files)) project.write(name, text);
    const { output, code } = await project.node(['scripts/check-cycles.mjs', ...folders]);
    const lines = output.trimEnd().split('\n').slice(0, -1);
    assert.equal(code, lines.length === 0 ? 0 : 1, output);
    return lines;
  }

  it('passes a folder without a cycle', async () => {
    const files = {
      'a/one.ts': "import fs from 'node:fs';\nimport { two } from './two';\nexport const one = [fs, two];",
      'a/two.ts': "import type { Three } from './b';\nexport const two: Three = 3;",
      'a/b/index.ts': "export type { Three } from '../three';",
      'a/three.ts': "/** Like `import './one'`. */\nexport type Three = 3;\nexport const text = \"import './one'\";",
    };
    assert.deepEqual(await cycles(files, 'a'), []);
  });

  it('finds a cycle through types only', async () => {
    const files = {
      'a/one.ts': "import type { Two } from './two';\nexport interface One { two: Two }",
      'a/two.ts': "import type { One } from './one';\nexport interface Two { one: One }",
    };
    assert.deepEqual(await cycles(files, 'a'), ['a/one.ts -> a/two.ts -> a/one.ts']);
  });

  it('finds it through every form of import, an index, and folders', async () => {
    const files = {
      'a/one.ts': "export type One = import('./two').Two;",
      'a/two.ts': "export * from './three';\nexport type Two = 2;",
      'a/three.ts': "export const three = (): Promise<unknown> => import('../b');",
      'b/index.ts': "import four = require('./four.js');\nexport default four;",
      'b/four.ts': "import { type One } from '../a/one';\nexport const four: One = 2;",
    };
    assert.deepEqual(await cycles(files, 'a', 'b'), [
      'a/one.ts -> a/two.ts -> a/three.ts -> b/index.ts -> b/four.ts -> a/one.ts',
    ]);
  });

  it('lists each cycle once, the shortest first', async () => {
    const files = {
      'a/one.ts': "import './one';\nimport './two';",
      'a/two.ts': "import './one';\nimport './three';",
      'a/three.ts': "import './two';",
    };
    assert.deepEqual(await cycles(files, 'a'), [
      'a/one.ts -> a/one.ts',
      'a/one.ts -> a/two.ts -> a/one.ts',
      'a/three.ts -> a/two.ts -> a/three.ts',
    ]);
  });

  it('looks into src, lab and test/support where it is not told otherwise', async () => {
    const files = {
      'src/one.ts': "import '../lab/two';",
      'lab/two.ts': "import '../test/support/three';",
      'test/support/three.ts': "import '../../src/one';",
      'test/four.ts': "import './four';",
    };
    assert.deepEqual(await cycles(files), ['lab/two.ts -> test/support/three.ts -> src/one.ts -> lab/two.ts']);
  });
});
