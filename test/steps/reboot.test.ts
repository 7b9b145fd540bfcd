import assert from 'node:assert/strict';
import { reboot } from '../../src/steps/reboot';
import type { ExecResult, RemoteSession } from '../../src/steps/ports';
import { READ_BOOT_ID } from '../../src/machine/system';
import { DeployError } from '../../src/deployment/errors';
import type { Known } from '../../src/deployment/facts';
import { attemptOf, dependencies, firstAttempt, inputOf, remoteOf } from './support';

const readBootId = firstAttempt(reboot.activities.readBootId);
const awaitReboot = firstAttempt(reboot.activities.awaitReboot);
const { requestReboot } = reboot.activities;

const [A, B, C] = ['a', 'b', 'c'].map((digit) => `${digit.repeat(8)}-0000-4000-8000-${digit.repeat(12)}`) as [
  string,
  string,
  string,
];
const ADDRESS = { publicIp: '10.1.1.103', allocated: true };

/** What the machine says to each question for its boot id, in turn: an id, other words, or an error. */
function machine(
  answers: (string | DeployError)[],
  jobs: string[] = [],
  job?: () => ExecResult,
  startedIn: Readonly<Record<string, string>> = {},
) {
  const session: RemoteSession = {
    exec: (command) => {
      const asked = /grep -qs ' (\S+) '/.exec(command)?.[1];
      if (asked !== undefined)
        return Promise.resolve({
          stdout: `\nstackato-section startedIn\n${startedIn[asked] ?? ''}\nstackato-section-end\n`,
          stderr: '',
          code: 0,
        });
      if (command !== READ_BOOT_ID) {
        jobs.push(command);
        return job === undefined ? Promise.reject(new DeployError('SSH_DROPPED', 'gone')) : Promise.resolve(job());
      }
      const answer = answers.shift();
      if (answer instanceof DeployError) return Promise.reject(answer);
      return Promise.resolve({ stdout: `${answer ?? ''}\n`, stderr: '', code: 0 });
    },
    https: () => Promise.reject(new Error('none')),
  };
  return dependencies({
    remote: remoteOf(() => {
      const error = answers[0] instanceof DeployError ? answers.shift() : undefined;
      return error instanceof DeployError ? Promise.reject(error) : session;
    }),
  });
}

const input = (known: Known) => {
  const given = inputOf({ known: { address: ADDRESS, hostKey: 'SHA256:x', ...known } });
  return { ...given, spec: { ...given.spec, timing: { ...given.spec.timing, poll: 1 } } };
};
const down = new DeployError('SSH_UNREACHABLE', 'ssh does not answer.');
const coded =
  (code: string, words = /./) =>
  (error: unknown): boolean =>
    error instanceof DeployError && error.code === code && words.test(error.message);

describe('the one reboot', () => {
  it('stores the boot id first', async () => {
    assert.deepEqual((await readBootId(machine([A]), input({}))).known, { reboot: { before: A } });
  });

  it('keeps the id that an interrupted run stored, whatever the machine says by now', async () => {
    for (const answers of [[A], [B], [down]]) {
      assert.deepEqual((await readBootId(machine(answers), input({ reboot: { before: A } }))).known, {
        reboot: { before: A },
      });
    }
  });

  it('is not needed twice', async () => {
    assert.equal((await readBootId(machine([B]), input({ reboot: { before: A, after: B } }))).changed, false);
  });

  it('6c: is owed where a run that was ended from outside could still say so', async () => {
    const outcome = await readBootId(
      machine([B]),
      input({ reboot: { before: A, after: B }, rebootOwed: ['static-ip'] }),
    );
    assert.deepEqual([outcome.changed, outcome.known], [false, { reboot: { before: B } }]);
  });

  it('6c: is owed where the journal has a command of this boot, though nobody could say so any more', async () => {
    const owed = await readBootId(
      machine([B], [], undefined, { [B]: 'static-ip' }),
      input({ reboot: { before: A, after: B } }),
    );
    assert.deepEqual(owed.known, { reboot: { before: B } });
    const paid = await readBootId(
      machine([B], [], undefined, { [A]: 'static-ip' }),
      input({ reboot: { before: A, after: B } }),
    );
    assert.equal(paid.changed, false);
  });

  it('6c: is owed anew where an interrupted run had asked for one, it came, and a command ran after it', async () => {
    const outcome = await readBootId(machine([B], [], undefined, { [B]: 'rename' }), input({ reboot: { before: A } }));
    assert.deepEqual(outcome.known, { reboot: { before: B } });
  });

  it('is no longer asked for once the machine runs another boot', async () => {
    const jobs: string[] = [];
    await requestReboot(machine([B], jobs), input({ reboot: { before: A } }), attemptOf(2));
    assert.deepEqual(jobs, []);
  });

  it('takes the loss of the connection for the answer', async () => {
    const jobs: string[] = [];
    const outcome = await requestReboot(machine([A], jobs), input({ reboot: { before: A } }), attemptOf());
    assert.equal(outcome.changed, true);
    assert.match(jobs[0] ?? '', new RegExp(`reboot-${A}`));
  });

  it('waits for a machine that went down before it could answer', async () => {
    await assert.rejects(
      requestReboot(machine([down]), input({ reboot: { before: A } }), attemptOf(2)),
      coded('REBOOT_NOT_SEEN'),
    );
    await assert.rejects(
      requestReboot(machine([down]), input({ reboot: { before: A } }), attemptOf(1)),
      coded('SSH_UNREACHABLE'),
    );
  });

  it('is over when another boot id is read twice', async () => {
    assert.deepEqual((await awaitReboot(machine([B, B]), input({ reboot: { before: A } }))).known, {
      reboot: { before: A, after: B },
    });
  });

  const NOT_YET: readonly [string, (string | DeployError)[]][] = [
    ['the old id', [A]],
    ['a machine that is down', [down]],
    ['a machine that goes down between the two readings', [B, down]],
    ['a machine that boots once more', [B, C]],
    ['words that are no boot id', ['cat: /proc: No such file']],
    ['half a boot id', [B.slice(0, 20)]],
    ['nothing', ['']],
  ];
  for (const [what, answers] of NOT_YET) {
    it(`is not over with ${what}`, async () => {
      await assert.rejects(
        awaitReboot(machine([...answers]), input({ reboot: { before: A } })),
        coded('REBOOT_NOT_SEEN'),
      );
    });
  }

  it('says what was written to a machine that does not come back', async () => {
    const known = {
      reboot: { before: A },
      network: 'eth0 10.0.0.5 netmask 255.255.255.0 gateway 10.0.0.9 dns 10.0.0.2',
    };
    await assert.rejects(awaitReboot(machine([down]), input(known)), coded('REBOOT_NOT_SEEN', /gateway 10\.0\.0\.9/));
  });

  it('leaves a changed host key its own error', async () => {
    const changed = new DeployError('SSH_HOST_KEY', 'another key');
    await assert.rejects(awaitReboot(machine([changed]), input({ reboot: { before: A } })), coded('SSH_HOST_KEY'));
  });
});
