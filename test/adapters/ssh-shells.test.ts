/** Accounts as found in practice: login shells, rc files, languages, and programs in place of a shell. */

import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readSections } from '../../src/steps/machine/session';
import { runJob } from '../../src/steps/machine/run-job';
import type { RemoteSession, Secrets, SshTarget } from '../../src/steps/ports';
import { createRemote } from '../../src/adapters/ssh';
import { parseBootId, READ_BOOT_ID } from '../../src/machine/system';
import { inSections } from '../../src/machine/shell';
import { DeployError } from '../../src/deployment/errors';
import { startServer } from './ssh-server';
import type { Behaviour, TestServer } from './ssh-server';

const SECRET = "it's a secret";
const secrets: Secrets = { resolve: () => Promise.resolve({ reveal: () => SECRET }) };
const remote = createRemote(secrets);

/** Everything that some shell interprets differently. */
const HAZARDS = `printf '%s\\n' "it's" 'a "b" !c !! \\\\n' "\${x-*?[a]~}" '%s' 'ünï' '(; | & # $HOME' > hazards
# a comment with an ' and a \`
cat hazards; echo 'half a line' | tr -d '\\n'; echo "$0" >&2
exit 7`;
const SAID = `it's\na "b" !c !! \\\\n\n*?[a]~\n%s\nünï\n(; | & # $HOME\nhalf a line`;

describe('ssh to accounts as people have them', function () {
  this.timeout(60_000);
  let home: string;
  const servers: TestServer[] = [];
  beforeEach(() => (home = mkdtempSync(join(tmpdir(), 'stackato-account-'))));
  afterEach(async () => {
    await Promise.all(servers.splice(0).map((server) => server.close()));
    rmSync(home, { recursive: true, force: true });
  });

  const targetOf = async (behaviour: Behaviour): Promise<SshTarget> => {
    const server = await startServer({ password: SECRET, ...behaviour });
    servers.push(server);
    const host = { host: '127.0.0.1', spec: { user: 'stackato', port: server.port, password: { env: 'OWN' } } };
    return { ...host, hostKeys: [await remote.hostKey(host)] };
  };
  const at = async <T>(behaviour: Behaviour, use: (session: RemoteSession) => Promise<T>): Promise<T> =>
    remote.withSession(await targetOf(behaviour), use);
  const shell = (program: string, env: NodeJS.ProcessEnv = {}): Behaviour => ({
    shell: { program, env: { HOME: home, ...env } },
  });
  const file = (name: string, text: string): void => writeFileSync(join(home, name), text);
  const fails = (work: Promise<unknown>, code: string, words: RegExp): Promise<void> =>
    assert.rejects(work, (error) => {
      assert.ok(error instanceof DeployError && !error.message.includes(SECRET), String(error));
      assert.equal(error.code, code, error.message);
      assert.match(error.message, words);
      return true;
    });

  for (const program of ['sh', 'bash', 'zsh', 'tcsh']) {
    it(`C12: case 05, a login shell ${program} runs what /bin/sh would`, async () => {
      await at(shell(program), async (session) => {
        assert.deepEqual(await session.exec(`cd "$HOME"\n${HAZARDS}`), { stdout: SAID, stderr: 'sh\n', code: 7 });
        assert.deepEqual(await session.exec('cat; echo " $#"', { stdin: 'a\n.\n' }), {
          stdout: 'a\n.\n 0\n',
          stderr: '',
          code: 0,
        });
        assert.deepEqual(await readSections(session, inSections({ one: `echo '!1'`, two: 'false' })), {
          one: '!1\n',
          two: '',
        });
        assert.ok(parseBootId((await session.exec(READ_BOOT_ID)).stdout));
        const job = {
          deployment: 'dev',
          step: 'rename',
          need: 'n-1',
          command: `echo "it's" '!x' > "$HOME/effect"; exit 3`,
          answers: {},
        };
        const outcome = await runJob(session, job, { budgetMs: 20_000 });
        assert.deepEqual([outcome.state, outcome.code], ['finished', 3]);
        assert.equal(readFileSync(join(home, 'effect'), 'utf8'), "it's !x\n");
      });
    });
  }

  const RC: readonly [program: string, file: string, text: string][] = [
    ['bash', '.bashrc', 'echo "Welcome to the appliance"; echo oh >&2; trap \'echo bye; exit 9\' EXIT\n'],
    ['zsh', '.zshenv', 'echo "Welcome to the appliance"; echo oh >&2; trap "echo bye" EXIT\n'],
    ['tcsh', '.tcshrc', 'echo "Welcome to the appliance"\n'],
  ];
  for (const [program, name, text] of RC) {
    it(`C12: case 06, what ${name} prints is no answer`, async () => {
      file(name, text);
      await at(shell(program), async (session) => {
        assert.deepEqual(await session.exec('echo in; echo err >&2; exit 3'), {
          stdout: 'in\n',
          stderr: 'err\n',
          code: 3,
        });
        assert.ok(parseBootId((await session.exec(READ_BOOT_ID)).stdout));
      });
    });
  }

  it('C12: an rc file that prints and ends it is told of, with status and words', async () => {
    file('.zshenv', `echo "Down for maintenance, ask ${SECRET}"; exit 4\n`);
    await fails(
      at(shell('zsh'), (session) => session.exec('true')),
      'SSH_SHELL',
      /ended with status 4: "Down for maintenance, ask \[secret\]"/,
    );
    file('.zshenv', 'exec cat /dev/null\n');
    await fails(
      at(shell('zsh'), (session) => session.exec('true')),
      'SSH_SHELL',
      /ended with status 0, without output/,
    );
  });

  const said = (words: string, code: number, from: 'stderr' | 'stdout' = 'stderr'): Behaviour => ({
    onExec: (_script, channel) => {
      (from === 'stderr' ? channel.stderr : channel).write(words);
      channel.exit(code);
      channel.end();
    },
  });
  const HEARD: readonly [what: string, behaviour: Behaviour, code: string, words: RegExp][] = [
    [
      'a, an expired password',
      said('WARNING: Your password has expired.\nPassword change required but no TTY available.\n', 1),
      'SSH_PASSWORD_EXPIRED',
      /status 1.*no TTY available/s,
    ],
    [
      'c, nologin',
      said('This account is currently not available.\n', 1, 'stdout'),
      'SSH_SHELL',
      /status 1: "This account is currently not available\."/,
    ],
    [
      'd, a ForceCommand',
      said('Please login as the user "ubuntu" rather than the user "stackato".\n', 142, 'stdout'),
      'SSH_SHELL',
      /status 142: "Please login as the user "ubuntu"/,
    ],
    ['/bin/false', said('', 1), 'SSH_SHELL', /status 1, without output/],
    ['words with a secret', said(`x\nwho gave me ${SECRET}?\n`, 1), 'SSH_SHELL', /"x\nwho gave me \[secret\]\?"/],
  ];
  for (const [what, behaviour, code, words] of HEARD) {
    it(`C12: case 07 ${what}: status and words, no lost connection`, async () => {
      await fails(
        at(behaviour, (session) => session.exec('true')),
        code,
        words,
      );
    });
  }

  it('C12: case 07 b, a password that has expired is never answered with itself', async () => {
    const afterPassword = [
      {
        text: 'You are required to change your password immediately (administrator enforced).',
        prompt: 'Current password: ',
      },
      { text: '', prompt: 'New password: ' },
    ];
    const target = await targetOf({ methods: ['keyboard-interactive'], afterPassword });
    await fails(
      remote.withSession(target, () => Promise.resolve()),
      'SSH_PASSWORD_EXPIRED',
      /has expired.*Current password:/,
    );
    assert.deepEqual(servers[0]?.changes, ['']);
    const plain = await targetOf({
      methods: ['keyboard-interactive'],
      afterPassword: [{ text: '', prompt: 'New password: ' }],
    });
    await fails(
      remote.withSession(plain, () => Promise.resolve()),
      'SSH_PASSWORD_EXPIRED',
      /New password:/,
    );
  });

  it('C12: a code from elsewhere is not answered with the password', async () => {
    const target = await targetOf({
      methods: ['keyboard-interactive'],
      afterPassword: [{ text: '', prompt: 'Verification code: ' }],
    });
    await fails(
      remote.withSession(target, () => Promise.resolve()),
      'SSH_AUTH',
      /asks stackato for more than a password: "Verification code:"/,
    );
    assert.deepEqual(servers[0]?.changes, ['']);
  });

  it("C12: the password method's own request for a new one is heard", async () => {
    const target = await targetOf({ methods: ['password'], changeRequest: 'Your password has expired' });
    await fails(
      remote.withSession(target, () => Promise.resolve()),
      'SSH_PASSWORD_EXPIRED',
      /Your password has expired/,
    );
    assert.deepEqual(servers[0]?.changes, []);
  });

  it('C12: case 08, what is looked at is said in English, what is run has its own language left', async () => {
    const german = { LANG: 'de_DE.UTF-8', LC_ALL: 'de_AT.UTF-8', LANGUAGE: 'de' };
    await at(shell('sh', german), async (session) => {
      assert.equal((await session.exec("echo $LC_ALL; /bin/sh -c 'echo $LC_ALL'")).stdout, 'C\nC\n');
      const job = {
        deployment: 'dev',
        step: 'rename',
        need: 'n-1',
        command: 'echo "${LC_ALL-none} $LC_CTYPE $LC_MESSAGES $LANG"',
        answers: {},
      };
      assert.equal((await runJob(session, job, { budgetMs: 20_000 })).transcript, 'none de_AT.UTF-8 C de_DE.UTF-8\n');
    });
  });
});
