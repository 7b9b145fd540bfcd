/** What a person sees of the live view, on real terminals. */

import { strict as assert } from 'node:assert';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { CORE } from '../../src/deployment/facts';
import { stepsOn } from '../../src/deployment/steps';
import { FakeActivities } from '../support/fake-activities';
import { OnTerminal } from '../support/on-terminal';
import { specNamed } from '../support/specs';
import { localServer } from '../support/temporal';
import { ClientBench, hold } from '../client/bench';
import { COMMAND } from './cli';

/** The steps of a single machine. */
const STEPS = stepsOn({}, CORE).map(({ id }) => id);

describe('the live view on a terminal', function () {
  this.timeout(120_000);
  let server: TestWorkflowEnvironment;
  let bench: ClientBench;
  let fakes: FakeActivities;
  let dir: string;
  let terminals: OnTerminal[];
  let count = 0;

  before(async () => {
    server = await localServer();
    dir = mkdtempSync(join(tmpdir(), 'stackato-terminal-'));
  });
  after(async () => {
    rmSync(dir, { recursive: true });
    await server.teardown();
  });
  beforeEach(async () => {
    terminals = [];
    fakes = new FakeActivities();
    bench = await ClientBench.open(server, `terminal-${++count}`);
    await bench.worker.startWorker(fakes);
  });
  afterEach(async () => {
    for (const terminal of terminals) terminal.kill();
    await Promise.all(terminals.map(({ ended }) => ended));
    await bench.close();
  });

  const specFile = (name: string): string => {
    const path = join(dir, `${name}.yaml`);
    const example = readFileSync('examples/stackato-2.6.6.yaml', 'utf8').replace(
      /^image:\n( {2}.*\n)+/m,
      'image: emi-5ca70266\n',
    );
    writeFileSync(path, example.replace('name: dev ', `name: ${name} `));
    return path;
  };

  const run = (args: readonly string[], size: readonly [number, number], env: NodeJS.ProcessEnv = {}): OnTerminal => {
    const terminal = new OnTerminal([...COMMAND, ...args], size, env);
    terminals.push(terminal);
    return terminal;
  };

  const runs =
    (step: string) =>
    (screen: readonly string[]): boolean =>
      screen.some((line) => line.includes(`▶ ${step} `));
  const lineOf =
    (step: string) =>
    (line: string): boolean =>
      line.startsWith(`${step} `, 4);
  const begins =
    (name: string) =>
    (line: string): boolean =>
      line.startsWith(`${name}  `);

  it('F19: Ctrl-C detaches: it says so, ends with 130, leaves the page and the cursor, and the deployment goes on', async () => {
    const release = hold(fakes, 'renameNode');
    const up = run(['up', specFile('left')], [80, 24]);
    await up.until('rename runs', runs('rename'));
    up.type('\u0003');
    assert.deepEqual(await up.ended, { code: 130, signal: null });
    const all = up.all();
    assert.equal(all.at(-1), 'Detached; it goes on: stackato-deploy watch left');
    for (const step of STEPS) assert.equal(all.filter(lineOf(step)).length, 1, step);
    assert.ok(!up.cursorIsHidden);
    assert.ok((await bench.deployments.status('left')).open);
    release();
    assert.equal((await bench.untilClosed('left')).stage, 'ready');
  });

  it('F19: Ctrl-C detaches from watch, too, and so it does where the terminal is dumb', async () => {
    const release = hold(fakes, 'renameNode');
    await bench.deployments.up(specNamed('watched'));
    for (const env of [{}, { TERM: 'dumb' }]) {
      const watch = run(['watch', 'watched'], [80, 24], env);
      await watch.until('rename is seen', (screen) => screen.some((line) => /[▶>] rename |rename: running/.test(line)));
      watch.type('\u0003');
      assert.deepEqual(await watch.ended, { code: 130, signal: null });
      assert.match(watch.all().join('\n'), /Detached; it goes on: stackato-deploy watch watched$/);
    }
    release();
    await bench.untilClosed('watched');
  });

  it('F19: a second Ctrl-C ends at once what does not come to its end', async () => {
    const script =
      "require('./src/cli/follow').detachOnInterrupt().signal.addEventListener('abort', () => console.log('first')); setInterval(() => undefined, 1000); console.log('ready');";
    const child = spawn(process.execPath, ['--require', 'tsx/cjs', '--eval', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    child.stdout.setEncoding('utf8');
    const ended = once(child, 'exit');
    for (const word of ['ready\n', 'first\n']) {
      assert.deepEqual(await once(child.stdout, 'data'), [word]);
      child.kill('SIGINT');
    }
    assert.deepEqual(await ended, [130, null]);
  });

  it('F20: 80 by 24: the head stays, what is over and what waits is folded; the last page is whole, and the only one', async () => {
    const release = hold(fakes, 'renameNode');
    const up = run(['up', specFile('small')], [80, 24]);
    const screen = await up.until('rename runs', runs('rename'));
    // The line of `up` itself stands above, where there is room.
    assert.ok(screen.findIndex(begins('small')) <= 1, screen.join('\n'));
    assert.ok(screen.length <= 24);
    for (const line of [/^ {2}console /, /^ {2}workflow /, / ▶ rename /])
      assert.ok(
        screen.some((text) => line.test(text)),
        `${String(line)}\n${screen.join('\n')}`,
      );
    assert.match(screen.join('\n'), /✓ \d+ finished +preflight, /);
    release();
    assert.deepEqual(await up.ended, { code: 0, signal: null });
    const all = up.all();
    assert.equal(all.filter(begins('small')).length, 1, all.join('\n'));
    for (const step of STEPS) assert.equal(all.filter(lineOf(step)).length, 1, step);
    assert.equal(all.at(-1), 'Ready: http://dev.stackato.test:17080/');
  });

  it('F20: follows the terminal from size to size, as small as it may be', async () => {
    const release = hold(fakes, 'renameNode');
    const up = run(['up', specFile('resized')], [100, 40]);
    await up.until(
      'rename runs',
      (screen) => runs('rename')(screen) && screen.some((line) => line.includes(' verify ')),
    );
    for (const [columns, rows] of [
      [80, 24],
      [60, 14],
      [40, 6],
      [30, 3],
    ] as const) {
      up.resize(columns, rows);
      // Under the title, if there is only room for one.
      const screen = await up.until(
        `rename at ${columns} by ${rows}`,
        (lines) =>
          lines.some(begins('resized')) && runs('rename')(lines) && lines.filter(begins('resized')).length === 1,
      );
      assert.equal(screen.filter((line) => line.includes('▶ rename')).length, 1, screen.join('\n'));
    }
    up.resize(100, 40);
    // A terminal that grows brings back what had scrolled away.
    await up.until('all of it again', (screen) => STEPS.every((step) => screen.some(lineOf(step))));
    release();
    assert.deepEqual(await up.ended, { code: 0, signal: null });
    assert.equal(up.all().at(-1), 'Ready: http://dev.stackato.test:17080/');
  });

  it('F20: a terminal that does not tell its size gets lines', async () => {
    const up = run(['up', specFile('sizeless')], [0, 0]);
    assert.deepEqual(await up.ended, { code: 0, signal: null });
    assert.match(up.raw, /Z sizeless rename: done in /);
    assert.ok(!up.raw.includes('\u001b['));
  });

  it('F24: TERM=dumb, or a locale without UTF-8: ASCII, no colours; a dumb one is not drawn upon', async () => {
    const path = specFile('plain');
    const dumb = run(['up', path], [80, 24], { TERM: 'dumb' });
    assert.deepEqual(await dumb.ended, { code: 0, signal: null });
    assert.ok(!dumb.raw.includes('\u001b'));
    const release = hold(fakes, 'renameNode');
    for (const env of [
      { LC_ALL: 'C' },
      { LC_ALL: 'POSIX' },
      { LC_ALL: '', LC_CTYPE: 'de_DE.ISO-8859-1' },
      { LC_ALL: '', LC_CTYPE: '', LANG: 'en_US.ISO-8859-15' },
    ]) {
      const watch = run(['up', path], [80, 24], env);
      await watch.until('rename is seen', (screen) => screen.some((line) => line.includes('> rename ')));
      watch.type('\u0003');
      await watch.ended;
      assert.match(watch.raw, /^[\u0000-\u007f]*$/, JSON.stringify(env));
      assert.doesNotMatch(watch.raw, /\u001b\[\d*m/);
    }
    release();
    await bench.untilClosed('plain');
  });
});
