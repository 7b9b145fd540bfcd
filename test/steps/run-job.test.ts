import assert from 'node:assert/strict';
import { runJob } from '../../src/steps/machine/run-job';
import type { JobCommand, JobOutcome } from '../../src/steps/machine/run-job';
import type { Secret } from '../../src/steps/ports';
import { DeployError } from '../../src/deployment/errors';
import { LocalVm } from '../machine/local-vm';

const PASSWORD: Secret = { reveal: () => "p'ss wörd" };

/** Asks as `kato op static_ip` may: two questions, a summary, sudo's password without echo; then does its work, once a run. */
const KATO = `
ask() { printf '\\033[1m%s\\033[0m: ' "$1"; IFS= read -r a; printf '%s\\n' "$a" >> "$HOME/typed"; }
echo begun >> "$HOME/ran"
ask 'Static IP address'
ask 'Netmask'
echo 'Configuring the interface:'
printf '[sudo] password for stackato: '; stty -echo; IFS= read -r p; stty echo; echo
printf '%s\\n' "$p" >> "$HOME/typed"
[ "$p" = "p'ss wörd" ] && echo 'Settings written.'
exit 3`;

const COMMAND: JobCommand = {
  deployment: 'dev',
  step: 'static-ip',
  need: 'run1-1',
  command: 'kato op static_ip',
  answers: { address: '10.0.0.5', netmask: '255.255.255.0', password: PASSWORD },
};
const TYPED = `10.0.0.5\n255.255.255.0\np'ss wörd\n`;

describe('a detached command', function () {
  this.timeout(60_000);
  let vm: LocalVm;
  beforeEach(() => {
    vm = new LocalVm();
    vm.program('kato', KATO);
  });
  afterEach(() => vm.dispose());

  const run = (command: Partial<JobCommand> = {}, budgetMs = 15_000, patienceMs = 1500): Promise<JobOutcome> =>
    runJob(vm.session(), { ...COMMAND, ...command }, { budgetMs, patienceMs });

  it('answers what is asked, and tells how it ended', async () => {
    const lines: string[] = [];
    const outcome = await runJob(vm.session(), COMMAND, {
      budgetMs: 15_000,
      onOutput: (line) => lines.push(line),
    });
    assert.deepEqual(
      [outcome.state, outcome.code, outcome.log],
      ['finished', 3, '~/.stackato-deploy/dev/static-ip/run1-1/log'],
    );
    assert.match(
      outcome.transcript,
      /^Static IP address: 10\.0\.0\.5\nNetmask: 255\.255\.255\.0\nConfiguring the interface:\n.*\nSettings written\.\n$/,
    );
    assert.equal(vm.read('typed'), TYPED);
    assert.ok(lines.includes('Static IP address:'));
  });

  it('answers bare words once nothing more has come for long', async () => {
    const outcome = await run({ command: `echo Netmask; sleep 1; echo 'Subnet mask'; IFS= read -r m; echo "got $m"` });
    assert.match(outcome.transcript, /^Netmask\nSubnet mask\n255\.255\.255\.0\ngot 255\.255\.255\.0\n$/);
  });

  it('lets no secret out: not by argv, not by the log, not by the transcript of a program that echoes', async () => {
    const outcome = await run({ command: `printf 'Password: '; read -r p; echo "I heard $p"` });
    assert.match(outcome.transcript, /I heard \[secret\]/);
    for (const { command } of vm.sent) assert.ok(!command.includes('wörd'));
  });

  it('does everything once however often, and wherever, its driver is killed', async () => {
    const killed = new Error('killed');
    const hooks = [
      (doomed: number) => ({
        before: (index: number) => {
          if (index === doomed) throw killed;
        },
      }),
      (doomed: number) => ({
        after: (index: number) => {
          if (index === doomed) throw killed;
        },
      }),
    ];
    let outcome: JobOutcome | undefined;
    let deaths = 0;
    for (let round = 0; outcome === undefined; round++) {
      const session = vm.session(hooks[round % 2]?.(Math.floor(round / 2)));
      outcome = await runJob(session, COMMAND, { budgetMs: 15_000 }).catch((error: unknown) => {
        assert.equal(error, killed);
        deaths += 1;
        return undefined;
      });
    }
    // A start and three answers: on the slowest machine, where every question has been quiet for long when it is read, five die.
    assert.ok(deaths >= 5, `only ${deaths} deaths`);
    assert.deepEqual([outcome.state, vm.read('ran'), vm.read('typed')], ['finished', 'begun\n', TYPED]);
  });

  it('serves two drivers at once as one', async () => {
    const outcomes = await Promise.all([run(), run(), run()]);
    assert.deepEqual(
      outcomes.map(({ state }) => state),
      ['finished', 'finished', 'finished'],
    );
    assert.deepEqual([vm.read('ran'), vm.read('typed')], ['begun\n', TYPED]);
  });

  it('comes back when its time is up, and goes on with it later', async () => {
    const command = { command: 'echo x >> ran; sleep 1; echo done' };
    assert.equal((await run(command, 0)).state, 'running');
    assert.equal((await run({ ...command, need: 'run1-2' })).transcript, 'done\n');
    assert.equal(vm.read('ran'), 'x\n');
  });

  it('ends a job that asks what nobody understands, and says so again when asked again', async () => {
    const command = { command: `printf 'Favourite colour? '; read a; echo x >> ran` };
    const outcome = await run(command);
    assert.deepEqual([outcome.state, outcome.prompt, outcome.reason], ['stuck', 'Favourite colour?', 'not understood']);
    assert.deepEqual(await run(command), outcome);
    assert.equal(vm.read('ran'), '');
  });

  it('does not type a refused password twice', async () => {
    vm.program(
      'sudo',
      `while :; do printf '[sudo] password for x: '; read -r p; echo x >> "$HOME/ran"; echo; echo 'Sorry, try again.'; done`,
    );
    const outcome = await run({ command: 'sudo true' });
    assert.deepEqual([outcome.state, outcome.reason, vm.read('ran')], ['stuck', 'refused', 'x\n']);
  });

  it('types the password for each sudo that asks', async () => {
    vm.program(
      'sudo',
      `printf '[sudo] password for x: '; stty -echo; read -r p; stty echo; echo; echo x >> "$HOME/ran"; echo "did $1"`,
    );
    assert.equal((await run({ command: 'sudo one && sudo two && sudo three' })).state, 'finished');
    assert.equal(vm.read('ran'), 'x\nx\nx\n');
  });

  it('keeps the end of endless output', async () => {
    const outcome = await run({ command: 'i=0; while [ $i -lt 60000 ]; do echo "line $i"; i=$((i + 1)); done' });
    assert.equal(outcome.transcript.length, 4096);
    assert.match(outcome.transcript, /line 59999\n$/);
  });

  it('C12: says what the machine said in place of a reply', async () => {
    const session = {
      ...vm.session(),
      exec: () => Promise.resolve({ stdout: 'stackato-journal run', stderr: 'sh: 1: Cannot fork\n', code: 2 }),
    };
    await assert.rejects(
      runJob(session, COMMAND, { budgetMs: 100 }),
      (error) =>
        error instanceof DeployError &&
        error.code === 'SSH_COMMAND' &&
        /ended with 2 and said "sh: 1: Cannot fork"/.test(error.message),
    );
  });

  it('stops watching when told to', async () => {
    const watching = runJob(
      vm.session(),
      { ...COMMAND, command: 'sleep 20' },
      { budgetMs: 15_000, signal: AbortSignal.timeout(300) },
    );
    await assert.rejects(watching, { name: 'AbortError' });
  });
});
