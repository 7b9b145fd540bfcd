import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync, rmSync, statSync, writeFileSync, mkdirSync, existsSync } from 'node:fs';
import { answerJob, killJob, readJob, startJob, stepsStartedIn } from '../../src/machine/journal';
import type { JournalKey, RemoteCommand } from '../../src/machine/journal';
import { parseReport } from '../../src/machine/journal-report';
import type { JobReport } from '../../src/machine/journal-report';
import { LocalVm, eventually, sleep } from './local-vm';

const KEY: JournalKey = { deployment: 'dev', step: 'rename', need: 'run1-1' };
const FOLDER = ['.stackato-deploy', 'dev', 'rename', 'run1-1'];
const NO_PID = 4_000_000;

describe('journal commands', () => {
  /** The part after the shell functions that every command begins with. */
  const lastPart = (built: RemoteCommand): string =>
    built.command.slice(built.command.indexOf('echo stackato-journal-end\n}\n') + 28);

  it('begin with the folder of the step and the literal path of the boot id', () => {
    for (const { command } of [startJob(KEY, 'true'), readJob(KEY, 0), killJob(KEY, 0)]) {
      assert.ok(
        command.startsWith(
          `umask 077\ntrap '' HUP\nj="$HOME/.stackato-deploy/dev/rename"\nb=$(cat /proc/sys/kernel/random/boot_id)\n`,
        ),
      );
    }
  });

  it('read a report', () => assert.equal(lastPart(readJob(KEY, 12)), 'n="$j/run1-1"\nreport "$n" 12'));

  it('take the answer from stdin, ended by a full stop', () => {
    const built = answerJob(KEY, { id: 'password', offset: 12, text: 'hush', secret: true });
    assert.equal(built.stdin, 'hush\n.\n');
    assert.equal(
      lastPart(built),
      `n="$j/run1-1"
IFS= read -r line && read -r stop && [ "$stop" = . ] || exit 75
read_state "$n"
if [ $s = running ] && [ "$(stat -c %s "$n/log")" = 12 ]; then
  if w=$(mkdir "$n/said/12.password" 2>&1); then
    stty -F "$(cat "$n/tty")" -echo 2>/dev/null
    printf '%s\\n' "$line" 1<>"$n/in"
  elif [ ! -d "$n/said/12.password" ]; then echo "$w" >&2; exit 75
  fi
fi
report "$n" 12`,
    );
  });
});

describe('journal on a real terminal', function () {
  this.timeout(20_000);
  let vm: LocalVm;
  beforeEach(() => (vm = new LocalVm()));
  afterEach(() => vm.dispose());

  const send = async (built: RemoteCommand): Promise<JobReport> => {
    const { stdout, stderr } = await vm.run(built.command, built.stdin);
    const report = parseReport(stdout);
    assert.ok(report, `no reply: ${stdout}${stderr}`);
    return report;
  };
  const read = (key = KEY): Promise<JobReport> => send(readJob(key, 0));
  const until = (state: string, key = KEY): Promise<JobReport> =>
    eventually(async () => {
      const report = await read(key);
      return report.state === state ? report : undefined;
    });
  const printed = (text: string, key = KEY): Promise<JobReport> =>
    eventually(async () => {
      const report = await read(key);
      // `bytes` may hold more than `size` says: what was printed while the log was read.
      return report.bytes.toString().includes(text) ? { ...report, size: report.bytes.length } : undefined;
    });

  it('6c: lists the steps of which a command was started in a given boot', async () => {
    await send(startJob(KEY, 'true'));
    await eventually(async () => ((await send(readJob(KEY, 0))).state === 'finished' ? true : undefined));
    const steps = ['static-ip', 'rename'];
    const startedIn = async (boot: string): Promise<string> =>
      (await vm.run(stepsStartedIn(boot, 'dev', steps))).stdout;
    assert.equal(await startedIn(readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()), 'rename\n');
    assert.equal(await startedIn('00000000-0000-4000-8000-000000000000'), '');
    assert.equal((await vm.run(stepsStartedIn('x', 'never-here', steps))).stdout, '');
  });

  it('reports absent if nothing was started', async () => {
    assert.deepEqual(await read(), {
      state: 'absent',
      need: 'run1-1',
      offset: 0,
      bytes: Buffer.alloc(0),
      size: 0,
      quiet: 0,
      writeError: '',
      answered: [],
    });
  });

  it('runs a command once, on a terminal, and keeps output and exit status', async () => {
    const command = `tty; echo "it's" $TERM; umask; echo x >> ran; exit 7`;
    await send(startJob(KEY, command));
    const done = await until('finished');
    assert.equal(done.code, 7);
    assert.match(done.bytes.toString(), /^\/dev\/pts\/\d+\r\nit's dumb\r\n0022\r\n$/);
    assert.equal((await send(startJob(KEY, command))).state, 'finished');
    assert.equal(vm.read('ran'), 'x\n');
  });

  it('hides its files from other users', async () => {
    await send(startJob(KEY, 'true'));
    await until('finished');
    assert.equal(statSync(vm.path(...FOLDER)).mode & 0o777, 0o700);
    assert.equal(statSync(vm.path(...FOLDER, 'log')).mode & 0o777, 0o600);
  });

  it('finds programs in ~/bin and adds nothing to the output of the command', async () => {
    vm.program('kato', 'printf "hello %s" "$1"');
    await send(startJob(KEY, 'kato you'));
    assert.equal((await until('finished')).bytes.toString(), 'hello you');
  });

  it('starts one job if several are requested at the same time', async () => {
    const keys = ['a', 'b', 'c', 'd'].map((need) => ({ ...KEY, need }));
    const replies = await Promise.all(keys.map((key) => send(startJob(key, 'echo x >> ran; sleep 2'))));
    const [need = '', ...others] = new Set(replies.map((reply) => reply.need));
    assert.deepEqual(others, []);
    await until('finished', { ...KEY, need });
    assert.equal(vm.read('ran'), 'x\n');
  });

  it('attaches to the job of an earlier need while it runs, and starts a new one afterwards', async () => {
    await send(startJob(KEY, 'while [ ! -e go ]; do sleep 0.1; done; echo one >> ran'));
    const second = { ...KEY, need: 'run1-2' };
    assert.equal((await send(startJob(second, 'echo two >> ran'))).need, 'run1-1');
    writeFileSync(vm.path('go'), '');
    await until('finished');
    assert.equal((await send(startJob(second, 'echo two >> ran'))).need, 'run1-2');
    await until('finished', second);
    assert.equal(vm.read('ran'), 'one\ntwo\n');
  });

  it('types an answer once per prompt, unless the log has grown or the answer was cut off', async () => {
    await send(
      startJob(
        KEY,
        `printf 'Name: '; IFS= read -r a; printf '[%s]\\n' "$a" >> ran; printf 'Again: '; read -r a; echo "[$a]" >> ran`,
      ),
    );
    const { size } = await printed('Name: ');
    const answer = answerJob(KEY, { id: 'address', offset: size, text: ` it's $1 \\t `, secret: false });
    await vm.run(answer.command, answer.stdin, 6);
    await sleep(200);
    assert.equal(vm.read('ran'), '');
    await Promise.all([send(answer), send(answer)]);
    const after = await printed('Again: ');
    assert.deepEqual(after.answered, [{ id: 'address', offset: size }]);
    await send(answer);
    await send(answerJob(KEY, { id: 'netmask', offset: size, text: 'stale', secret: false }));
    await sleep(200);
    assert.equal(vm.read('ran'), `[ it's $1 \\t ]\n`);
    await send(answerJob(KEY, { id: 'netmask', offset: after.size, text: '', secret: false }));
    await until('finished');
    assert.equal(vm.read('ran'), `[ it's $1 \\t ]\n[]\n`);
  });

  it('leaves no secret in log or command, even if the program echoes input', async () => {
    await send(startJob(KEY, `printf 'Password: '; read a; echo "\${#a}"`));
    const { size } = await printed('Password: ');
    const answer = answerJob(KEY, { id: 'password', offset: size, text: 'pässwört', secret: true });
    assert.ok(!answer.command.includes('pässwört'));
    await send(answer);
    const done = await until('finished');
    assert.ok(!done.bytes.toString().includes('pässwört'));
  });

  it('refuses answers with control characters, and invalid names', () => {
    assert.throws(() => answerJob(KEY, { id: 'password', offset: 0, text: 'a\x03b', secret: true }), RangeError);
    assert.throws(() => readJob({ ...KEY, need: '../x' }, 0), RangeError);
    assert.throws(() => readJob({ ...KEY, deployment: 'a b' }, 0), RangeError);
    assert.throws(() => readJob(KEY, -1), RangeError);
  });

  it('reports a job that was killed from outside as lost, and does not start it again', async () => {
    await send(startJob(KEY, 'echo x >> ran; echo begun; sleep 30'));
    await printed('begun');
    const [pid = '', , , outer = ''] = vm.read(...FOLDER, 'pid').split(' ');
    process.kill(-Number(pid), 'SIGKILL');
    process.kill(-Number(outer), 'SIGKILL');
    await until('lost');
    assert.equal((await send(startJob(KEY, 'echo x >> ran'))).state, 'lost');
    assert.equal(vm.read('ran'), 'x\n');
  });

  it('reports rebooted after another boot, and lost if its pid now belongs to another process', async () => {
    for (const owner of [
      `${process.pid} 1 00000000-0000-0000-0000-000000000000 1 1`,
      `${process.pid} 1 ${bootId(vm)} 1 1`,
    ]) {
      mkdirSync(vm.path(...FOLDER), { recursive: true });
      writeFileSync(vm.path(...FOLDER, 'pid'), owner);
      assert.equal((await read()).state, owner.includes(bootId(vm)) ? 'lost' : 'rebooted');
      rmSync(vm.path(...FOLDER), { recursive: true });
    }
  });

  it('gives up a start that did not happen in time, so that it cannot happen late', async () => {
    mkdirSync(vm.path(...FOLDER), { recursive: true });
    assert.equal((await read()).state, 'running');
    writeFileSync(
      vm.path(...FOLDER, 'made'),
      `${Math.round((Number(readFileSync('/proc/uptime', 'utf8').split(' ')[0]) - 60) * 100)}\n`,
    );
    assert.equal((await read()).state, 'lost');
    // The shell text of a real start, in the folder that was given up.
    const start = startJob({ ...KEY, need: 'other' }, 'echo x >> ran').command.replace(
      'if w=$(mkdir "$n" 2>&1); then',
      'n="$j/run1-1"; if true; then',
    );
    await vm.run(start);
    await eventually(() => (existsSync(vm.path(...FOLDER, 'end')) ? true : undefined));
    assert.equal(vm.read('ran'), '');
  });

  it('kills a job that hangs, with all its children', async () => {
    await send(startJob(KEY, `sh -c 'trap "" TERM; echo begun; sleep 1000' ; echo never >> ran`));
    await printed('begun');
    assert.equal((await send(killJob(KEY, 0))).state, 'killed');
    const [pid = ''] = vm.read(...FOLDER, 'pid').split(' ');
    assert.deepEqual(processesIn(pid), []);
    assert.equal((await send(startJob(KEY, 'echo never >> ran'))).state, 'killed');
    assert.equal(vm.read('ran'), '');
  });

  it('does not kill another process that now has the pid', async () => {
    mkdirSync(vm.path(...FOLDER), { recursive: true });
    writeFileSync(vm.path(...FOLDER, 'pid'), `${NO_PID} 1 ${bootId(vm)} ${NO_PID} 1`);
    assert.equal((await send(killJob(KEY, 0))).state, 'lost');
    assert.ok(!existsSync(vm.path(...FOLDER, 'killed')));
  });

  it('returns the log in pieces of 64 KiB, and its tail to a caller that attaches', async () => {
    await send(startJob(KEY, 'head -c 150000 /dev/zero | tr "\\0" a'));
    const first = await until('finished');
    assert.equal(first.size, 150_000);
    assert.equal(first.bytes.length, 65_536);
    assert.equal((await send(readJob(KEY, 131_072))).bytes.length, 150_000 - 131_072);
    const attached = await send(startJob(KEY, 'true'));
    assert.deepEqual([attached.offset, attached.bytes.length], [150_000 - 65_536, 65_536]);
  });

  it('rejects a truncated reply', async () => {
    await send(startJob(KEY, 'echo stackato-journal running'));
    await until('finished');
    const { stdout } = await vm.run(readJob(KEY, 0).command);
    assert.ok(parseReport(`Welcome to Ubuntu${stdout}`));
    for (const length of [0, 20, stdout.length - 30, stdout.length - 1])
      assert.equal(parseReport(stdout.slice(0, length)), undefined);
  });
});

/** The commands of a process group's processes, without zombies. */
function processesIn(group: string): string[] {
  const rows = execFileSync('ps', ['-eo', 'pgid=,stat=,args='], { encoding: 'utf8' }).trim().split('\n');
  return rows
    .map((row) => row.trim().split(/\s+/))
    .flatMap(([pgid, stat, ...args]) => (pgid === group && !stat?.startsWith('Z') ? [args.join(' ')] : []));
}

function bootId(vm: LocalVm): string {
  return vm.read('..', '..', 'proc/sys/kernel/random/boot_id').trim();
}
