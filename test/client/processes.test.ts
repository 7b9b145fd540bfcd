import { strict as assert } from 'node:assert';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runProgram } from '../../src/client/cli/processes';
import { eventually } from '../support/wait';

describe('programs run as children', () => {
  let dir: string;
  let program: string;

  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'stackato-programs-'));
    program = join(dir, 'program.cjs');
  });
  afterEach(() => rmSync(dir, { recursive: true }));

  it('get arguments and environment; their exit code is ours', async () => {
    writeFileSync(program, `require('node:fs').writeFileSync(${JSON.stringify(join(dir, 'told'))}, process.argv.slice(2).join(' ') + process.env.TEMPORAL_PROFILE); process.exit(7);`);
    assert.equal(await runProgram(program, ['up', '--net', '7'], { TEMPORAL_PROFILE: 'there' }), 7);
    assert.equal(readFileSync(join(dir, 'told'), 'utf8'), 'up --net 7there');
  });

  it('get our signals once, and may take their time', async () => {
    const ready = join(dir, 'ready');
    writeFileSync(program, `
      let count = 0;
      for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => { count += 1; setTimeout(() => process.exit(40 + count), 200); });
      setInterval(() => undefined, 1000);
      require('node:fs').writeFileSync(${JSON.stringify(ready)}, '');`);
    for (const signal of ['SIGINT', 'SIGTERM'] as const) {
      const script = `require('./src/client/cli/processes').runProgram(${JSON.stringify(program)}, []).then((code) => process.exit(code));`;
      const parent = spawn(process.execPath, ['--require', 'tsx/cjs', '--eval', script], { stdio: 'ignore', detached: true });
      const ended = once(parent, 'exit');
      await eventually('it listens', () => existsSync(ready));
      // To the whole group, as a terminal does.
      process.kill(-parent.pid!, signal);
      assert.deepEqual(await ended, [41, null]);
      rmSync(ready);
    }
  });

  it('one that is killed ends as shells tell it', async () => {
    writeFileSync(program, `process.kill(process.pid, 'SIGKILL');`);
    assert.equal(await runProgram(program, []), 137);
  });
});
