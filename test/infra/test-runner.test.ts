/** scripts/test.mjs counts correctly, whatever happens to a group. */

import { strict as assert } from 'node:assert';
import { TempProject } from './temp-project';
import type { Ended } from './temp-project';

const PASSES = "describe('a', () => { it('passes', () => {}); });";

describe('scripts/test.mjs', () => {
  let folder: TempProject;
  beforeEach(() => {
    folder = new TempProject()
      .copy('scripts', '.mocharc.json')
      .linkModules()
      .write('package.json', '{}')
      .write('test/specfile/a.test.ts', PASSES);
  });
  afterEach(() => folder.remove());

  const run = (...args: string[]): Promise<Ended> => folder.node(['scripts/test.mjs', ...args]);
  const lastLine = ({ output }: Ended): string => output.trimEnd().split('\n').at(-1) ?? '';

  it('ends with the counts of all groups', async () => {
    folder.write('test/e2e/b.test.ts', "it('one', () => {}); it('two', () => {});");
    const ended = await run();
    assert.equal(lastLine(ended), '3 passed, 0 failed');
    assert.equal(ended.code, 0);
  });

  it('fails when a test fails, and names it at the end', async () => {
    folder.write(
      'test/specfile/b.test.ts',
      "describe('b', () => { it('is wrong', () => { throw new Error('no'); }); });",
    );
    const ended = await run();
    assert.equal(lastLine(ended), '1 passed, 1 failed');
    assert.match(ended.output, /^FAILED: unit: b is wrong$/m);
    assert.equal(ended.code, 1);
  });

  it('takes a test that cannot run for a failure', async () => {
    folder.write('test/e2e/b.test.ts', "it('some day'); it('not here', function () { this.skip(); });");
    const ended = await run();
    assert.equal(lastLine(ended), '1 passed, 2 failed');
    assert.match(ended.output, /^not run: e2e: some day$/m);
    assert.equal(ended.code, 1);
  });

  it('takes a group that dies for a failure', async () => {
    folder.write('test/e2e/b.test.ts', "it('dies', () => process.exit(0));");
    const ended = await run();
    assert.equal(lastLine(ended), '1 passed, 1 failed');
    assert.match(ended.output, /^FAILED: e2e: The group ended with 0 and left no report\.$/m);
  });

  it('takes a file that does not load for a failure', async () => {
    folder.write('test/e2e/b.test.ts', "throw new Error('at load');");
    assert.equal(lastLine(await run()), '1 passed, 1 failed');
  });

  it('finds a test that no group runs', async () => {
    folder.write('test/elsewhere/b.test.ts', PASSES);
    const ended = await run();
    assert.equal(lastLine(ended), '1 passed, 1 failed');
    assert.match(ended.output, /test\/elsewhere\/b\.test\.ts is in no group/);
  });

  it('runs the groups asked for, and hands the rest to mocha', async () => {
    folder.write('test/e2e/b.test.ts', "it('one', () => {}); it('two', () => {});");
    assert.equal(lastLine(await run('--only', 'e2e')), '2 passed, 0 failed');
    assert.equal(lastLine(await run('--only=e2e', '--grep', 'two')), '1 passed, 0 failed');
  });

  it('runs those on real machines only where they are asked for, and tells them their dialogue', async () => {
    folder.write(
      'test/vm/b.test.ts',
      "it(process.env.STACKATO_VM_DIALOGUE ?? 'none', () => {}); it('other', () => {});",
    );
    assert.equal(lastLine(await run()), '1 passed, 0 failed');
    const ended = await run('--only', 'vm', '--dialogue', 'some.json', '--grep', 'some');
    assert.equal(lastLine(ended), '1 passed, 0 failed');
    assert.match(ended.output, / \/\S+\/some\.json$/m);
  });

  it('fails where nothing ran', async () => {
    const ended = await run('--grep', 'no such thing');
    assert.equal(lastLine(ended), '0 passed, 1 failed');
    assert.equal((await run('--only', 'nothing')).code, 1);
  });
});
