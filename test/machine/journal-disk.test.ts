/**
 * Disks that take no more, and clocks that jump. The disks are real ones, small, in a mount namespace of their own; where this machine
 * lets nobody make one (unshare), stand-ins say what mkdir says of them.
 */

import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, utimesSync, writeFileSync } from 'node:fs';
import { runDetached } from '../../src/steps/machine/run-detached';
import type { DetachedOutcome } from '../../src/steps/machine/run-detached';
import { readJob, startJob } from '../../src/machine/journal';
import { parseReport } from '../../src/machine/journal-report';
import { DeployError } from '../../src/deployment/errors';
import { LocalVm, eventually, sleep } from './local-vm';

const KEY = { deployment: 'dev', step: 'rename', need: 'run1-1' };
const REAL = spawnSync('unshare', ['-rm', 'true']).status === 0;
const REASONS = { full: 'No space left on device', 'read-only': 'Read-only file system' } as const;

/** More than there is room for, and no more than that. */
const FILL = 'head -c 200K /dev/zero > "$HOME/fill" 2>/dev/null';

class SmallDisk {
  readonly vm = new LocalVm();
  private keeper: ChildProcess | undefined;

  async begin(): Promise<void> {
    const { home } = this.vm;
    if (!REAL) return;
    this.keeper = spawn(
      'unshare',
      [
        '-rm',
        'sh',
        '-c',
        `mount -t tmpfs -o size=64k none ${home} && mkdir ${home}/bin && echo ready && exec sleep 600`,
      ],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    );
    await once(this.keeper.stdout!, 'data');
    this.vm.inside = ['nsenter', '-t', String(this.keeper.pid), '-U', '-m', '--preserve-credentials'];
  }

  async make(what: 'full' | 'read-only' | 'good'): Promise<void> {
    const { home } = this.vm;
    if (REAL)
      await this.vm.run(
        {
          full: FILL,
          'read-only': `mount -o remount,ro ${home}`,
          good: `mount -o remount,rw ${home}; rm -f "$HOME/fill"`,
        }[what],
      );
    else
      this.vm.inside =
        what === 'good' ? [] : ['env', `PATH=${this.standIn(REASONS[what])}:${process.env['PATH'] ?? ''}`];
  }

  end(): void {
    this.keeper?.kill();
    this.vm.dispose();
  }

  private standIn(words: string): string {
    this.vm.program(
      'mkdir',
      `[ "$1" = -p ] && exec /bin/mkdir "$@"\necho "mkdir: cannot create directory '$1': ${words}" >&2\nexit 1`,
    );
    return this.vm.path('bin');
  }
}

describe('the journal on a disk that takes no more', function () {
  this.timeout(60_000);
  let disk: SmallDisk;
  beforeEach(async () => {
    disk = new SmallDisk();
    await disk.begin();
  });
  afterEach(() => disk.end());

  const run = (command: string): Promise<DetachedOutcome> =>
    runDetached(disk.vm.session(), { ...KEY, command, answers: {} }, { budgetMs: 15_000 });
  const fails = (work: Promise<unknown>, words: string): Promise<void> =>
    assert.rejects(
      work,
      (error) => error instanceof DeployError && error.code === 'MACHINE_DISK' && error.message.includes(words),
    );

  for (const what of ['full', 'read-only'] as const) {
    it(`C12: case 11, ${what}: says so, starts nothing, and starts it once there is room`, async () => {
      await disk.make(what);
      await fails(run('echo made'), REASONS[what]);
      const { stdout } = await disk.vm.run(readJob(KEY, 0).command);
      assert.equal(parseReport(stdout)?.state, 'absent');
      await disk.make('good');
      const { state, transcript } = await run('echo made');
      assert.deepEqual([state, transcript], ['finished', 'made\n']);
    });
  }

  if (REAL) {
    it('C12: case 11, filled by the command itself: its exit status is kept all the same', async () => {
      const { state, code } = await run(`${FILL}; exit 3`);
      assert.deepEqual([state, code], ['finished', 3]);
    });

    it('C12: case 11, filled so that not even its exit status could be kept: lost, and not because the machine went down', async () => {
      const { state, trouble } = await run(`rm "$HOME"/.stackato-deploy/dev/rename/*/rc.new; ${FILL}`);
      assert.equal(state, 'lost');
      assert.match(trouble ?? '', /No space left on device/);
    });
  }
});

describe('the journal by a clock that jumps', function () {
  this.timeout(60_000);
  let vm: LocalVm;
  beforeEach(() => (vm = new LocalVm()));
  afterEach(() => vm.dispose());
  const log = '.stackato-deploy/dev/rename/run1-1/log';

  for (const when of ['1970-01-01', '2100-01-01']) {
    it(`C12: case 12, set to ${when} while a command works: it is left to work`, async () => {
      const command = `printf "Licence server: "; touch -d ${when} ~/${log}; sleep 2; echo ok; echo made > ~/effect`;
      const { state, transcript } = await runDetached(
        vm.session(),
        { ...KEY, command, answers: {} },
        { budgetMs: 15_000, patienceMs: 5000 },
      );
      assert.deepEqual([state, transcript, vm.read('effect')], ['finished', 'Licence server: ok\n', 'made\n']);
    });
  }

  it('C12: case 12, set while a command begins: it is not taken for one that never will', async () => {
    const folder = vm.path('.stackato-deploy', 'dev', 'rename', 'run1-1');
    mkdirSync(folder, { recursive: true });
    utimesSync(folder, new Date(0), new Date(0));
    assert.equal(parseReport((await vm.run(readJob(KEY, 0).command)).stdout)?.state, 'running');
  });

  it('C12: quiet is counted from look to look, whoever looks, and anew once something is printed', async () => {
    const look = async () => parseReport((await vm.run(readJob(KEY, 0).command)).stdout)!;
    await vm.run(startJob(KEY, 'echo one; while [ ! -e go ]; do sleep 0.1; done; echo two; sleep 20').command);
    await eventually(async () => ((await look()).bytes.length > 0 ? true : undefined));
    await look();
    await sleep(700);
    const before = (await look()).quiet;
    assert.ok(before >= 700, String(before));
    writeFileSync(vm.path('go'), '');
    const after = await eventually(async () => {
      const { bytes, quiet } = await look();
      return bytes.toString().includes('two') ? quiet : undefined;
    });
    assert.ok(after < before, `${after} after ${before}`);
  });
});
