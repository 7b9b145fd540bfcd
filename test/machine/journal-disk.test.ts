/**
 * The journal on full and read-only disks, and with clocks that jump. The disks are real but small file systems in a
 * mount namespace; if this computer does not allow `unshare`, a fake mkdir prints the errors instead.
 */

import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, utimesSync, writeFileSync } from 'node:fs';
import { runJob } from '../../src/steps/machine/run-job';
import type { JobOutcome } from '../../src/steps/machine/run-job';
import { readJob, startJob } from '../../src/machine/journal';
import { parseReport } from '../../src/machine/journal-report';
import { DeployError } from '../../src/deployment/errors';
import { LocalVm, eventually, sleep } from './local-vm';

const KEY = { deployment: 'dev', step: 'rename', need: 'run1-1' };
const CAN_MOUNT = spawnSync('unshare', ['-rm', 'true']).status === 0;
const REASONS = { full: 'No space left on device', 'read-only': 'Read-only file system' } as const;

/** More than fits on the disk. Bounded, in case the disk is not the small one. */
const FILL = 'head -c 200K /dev/zero > "$HOME/fill" 2>/dev/null';

class SmallDisk {
  readonly vm = new LocalVm();
  /** Keeps the mount namespace alive. */
  private holder: ChildProcess | undefined;

  async open(): Promise<void> {
    const { home } = this.vm;
    if (!CAN_MOUNT) return;
    this.holder = spawn(
      'unshare',
      [
        '-rm',
        'sh',
        '-c',
        `mount -t tmpfs -o size=64k none ${home} && mkdir ${home}/bin && echo ready && exec sleep 600`,
      ],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    );
    await once(this.holder.stdout!, 'data');
    this.vm.inside = ['nsenter', '-t', String(this.holder.pid), '-U', '-m', '--preserve-credentials'];
  }

  async become(what: 'full' | 'read-only' | 'good'): Promise<void> {
    const { home } = this.vm;
    if (CAN_MOUNT)
      await this.vm.run(
        {
          full: FILL,
          'read-only': `mount -o remount,ro ${home}`,
          good: `mount -o remount,rw ${home}; rm -f "$HOME/fill"`,
        }[what],
      );
    else
      this.vm.inside =
        what === 'good' ? [] : ['env', `PATH=${this.fakeMkdir(REASONS[what])}:${process.env['PATH'] ?? ''}`];
  }

  close(): void {
    this.holder?.kill();
    this.vm.dispose();
  }

  private fakeMkdir(error: string): string {
    this.vm.program(
      'mkdir',
      `[ "$1" = -p ] && exec /bin/mkdir "$@"\necho "mkdir: cannot create directory '$1': ${error}" >&2\nexit 1`,
    );
    return this.vm.path('bin');
  }
}

describe('the journal on a full or read-only disk', function () {
  this.timeout(60_000);
  let disk: SmallDisk;
  beforeEach(async () => {
    disk = new SmallDisk();
    await disk.open();
  });
  afterEach(() => disk.close());

  const run = (command: string): Promise<JobOutcome> =>
    runJob(disk.vm.session(), { ...KEY, command, answers: {} }, { budgetMs: 15_000 });
  const fails = (work: Promise<unknown>, text: string): Promise<void> =>
    assert.rejects(
      work,
      (error) => error instanceof DeployError && error.code === 'MACHINE_DISK' && error.message.includes(text),
    );

  for (const what of ['full', 'read-only'] as const) {
    it(`C12: case 11, ${what}: reports it, starts nothing, and starts the command once it can write`, async () => {
      await disk.become(what);
      await fails(run('echo made'), REASONS[what]);
      const { stdout } = await disk.vm.run(readJob(KEY, 0).command);
      assert.equal(parseReport(stdout)?.state, 'absent');
      await disk.become('good');
      const { state, transcript } = await run('echo made');
      assert.deepEqual([state, transcript], ['finished', 'made\n']);
    });
  }

  if (CAN_MOUNT) {
    it('C12: case 11, filled by the command itself: its exit status is kept nevertheless', async () => {
      const { state, code } = await run(`${FILL}; exit 3`);
      assert.deepEqual([state, code], ['finished', 3]);
    });

    it('C12: case 11, filled so that not even the exit status fits: lost, with the disk as the reason', async () => {
      const { state, trouble } = await run(`rm "$HOME"/.stackato-deploy/dev/rename/*/rc.new; ${FILL}`);
      assert.equal(state, 'lost');
      assert.match(trouble ?? '', /No space left on device/);
    });
  }
});

describe('the journal with a clock that jumps', function () {
  this.timeout(60_000);
  let vm: LocalVm;
  beforeEach(() => (vm = new LocalVm()));
  afterEach(() => vm.dispose());
  const log = '.stackato-deploy/dev/rename/run1-1/log';

  for (const when of ['1970-01-01', '2100-01-01']) {
    it(`C12: case 12, set to ${when} while a command runs: the command goes on`, async () => {
      const command = `printf "Licence server: "; touch -d ${when} ~/${log}; sleep 2; echo ok; echo made > ~/effect`;
      const { state, transcript } = await runJob(
        vm.session(),
        { ...KEY, command, answers: {} },
        { budgetMs: 15_000, patienceMs: 5000 },
      );
      assert.deepEqual([state, transcript, vm.read('effect')], ['finished', 'Licence server: ok\n', 'made\n']);
    });
  }

  it('C12: case 12, set while a command starts: the start is not given up', async () => {
    const folder = vm.path('.stackato-deploy', 'dev', 'rename', 'run1-1');
    mkdirSync(folder, { recursive: true });
    utimesSync(folder, new Date(0), new Date(0));
    assert.equal(parseReport((await vm.run(readJob(KEY, 0).command)).stdout)?.state, 'running');
  });

  it('C12: the quiet time adds up over reports, whoever asks for them, and starts over after new output', async () => {
    const report = async () => parseReport((await vm.run(readJob(KEY, 0).command)).stdout)!;
    await vm.run(startJob(KEY, 'echo one; while [ ! -e go ]; do sleep 0.1; done; echo two; sleep 20').command);
    await eventually(async () => ((await report()).bytes.length > 0 ? true : undefined));
    await report();
    await sleep(700);
    const before = (await report()).quiet;
    assert.ok(before >= 700, String(before));
    writeFileSync(vm.path('go'), '');
    // The output may come while a report is written, after the quiet time was taken: then the next report starts over.
    await eventually(async () => {
      const { bytes, quiet } = await report();
      return bytes.toString().includes('two') && quiet < before ? true : undefined;
    });
  });
});
