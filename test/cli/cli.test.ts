import { strict as assert } from 'node:assert';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Context } from '@temporalio/activity';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import type { DeploymentStatus } from '../../src/client/status';
import type { Activities } from '../../src/deployment/activities';
import type { Finding } from '../../src/deployment/messages';
import { FakeActivities } from '../support/fake-activities';
import { localServer } from '../support/temporal';
import { eventually } from '../support/wait';
import { allThere, ClientBench, hold } from '../client/bench';
import { cli, Cli, COMMAND, onTerminal } from './cli';
import type { Ended } from './cli';

/** Of the plain spec of these tests. */
const NOT_NEEDED = /^(publish-.*|cloud-init|container-store)$/;

class Fakes extends FakeActivities {
  findings: readonly Finding[] = [{ check: 'secrets', ok: true, message: '3 resolve' }];

  find: () => Promise<readonly Finding[]> = () => Promise.resolve(this.findings);

  override get activities(): Activities {
    return { ...super.activities, findProblems: () => this.find() };
  }
}

function documents(text: string): DeploymentStatus[] {
  return text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as DeploymentStatus);
}

describe('command line, with Temporal', function () {
  this.timeout(90_000);
  let server: TestWorkflowEnvironment;
  let bench: ClientBench;
  let fakes: Fakes;
  let dir: string;
  let count = 0;

  before(async () => {
    server = await localServer();
    dir = mkdtempSync(join(tmpdir(), 'stackato-cli-'));
  });
  after(async () => {
    rmSync(dir, { recursive: true });
    await server.teardown();
  });
  beforeEach(async () => {
    fakes = new Fakes();
    bench = await ClientBench.open(server, `cli-${++count}`);
    await bench.worker.startWorker(fakes);
  });
  afterEach(() => bench.close());

  function specFile(name: string, change: readonly [RegExp, string] = [/^/, '']): string {
    const path = join(dir, `${name}.yaml`);
    const example = readFileSync('examples/stackato-2.6.6.yaml', 'utf8').replace(
      /^image:\n( {2}.*\n)+/m,
      'image: emi-5ca70266\n',
    );
    const text = example.replace('name: dev ', `name: ${name} `).replace(...change);
    writeFileSync(path, text);
    return path;
  }

  it('up follows to the end, line by line; up again says that nothing changed', async () => {
    const first = await cli(['up', specFile('told')]);
    assert.deepEqual([first.code, first.stderr], [0, 'Started the deployment told.\n']);
    assert.match(
      first.stdout,
      /^\S+Z told console http:\/\/dev\.stackato\.test:17080\/\n\S+Z told workflow http:\/\/ui\.test\/namespaces\/default\/workflows\/stackato%2Ftold\//,
    );
    for (const line of [
      'preflight: done in',
      'reboot: done in',
      'verify: done in',
      'ready\n',
      'Ready: http://dev.stackato.test:17080/\n',
    ])
      assert.ok(first.stdout.includes(` told ${line}`), line);
    assert.ok(!first.stdout.includes(String.fromCharCode(27)));
    allThere(fakes);
    const again = await cli(['up', specFile('told')]);
    assert.equal(again.code, 0);
    assert.match(again.stdout, /unchanged: every step's effect was already there\n$/);
  });

  it('on a terminal it redraws, in colours unless told otherwise', async () => {
    const path = specFile('drawn');
    await cli(['up', path]);
    allThere(fakes);
    const escape = String.fromCharCode(27);
    const coloured = await onTerminal(['up', path]);
    assert.equal(coloured.code, 0);
    assert.ok(coloured.stdout.includes(`${escape}[1mdrawn`), 'bold');
    assert.ok(!coloured.stdout.includes(`${escape}[?25l`), 'a cursor that was never hidden need not be put back');
    assert.match(coloured.stdout, /= resolver/);
    assert.match(coloured.stdout, /✓ verify/);
    assert.doesNotMatch(coloured.stdout, /Warning/);
    const plain = await onTerminal(['up', '--no-color', path]);
    assert.ok(plain.stdout.includes('drawn  ready'));
    assert.ok(!plain.stdout.includes(`${escape}[1m`));
  });

  it('a step that needs attention: exit 3, the remedy and the commands; status and list with no worker; resume, skip and watch', async () => {
    fakes.fail('observeDns', 'DNS_KEY_REFUSED', 'The server says BADKEY.');
    fakes.fail('verifyConsole', 'CONSOLE_NOT_UP', 'It answers 503.');
    const up = await cli(['up', specFile('stuck')]);
    assert.equal(up.code, 3);
    for (const line of [
      'dns: DNS_KEY_REFUSED: The server says BADKEY.',
      '  stackato-deploy resume stuck',
      '  stackato-deploy skip stuck',
      '  stackato-deploy abort stuck',
    ]) {
      assert.ok(up.stdout.includes(` stuck ${line}\n`), line);
    }
    await bench.worker.stopWorker();
    const printed = await cli(['status', 'stuck', '--json']);
    const [status] = documents(printed.stdout);
    assert.deepEqual(
      [printed.code, status?.stage, status?.steps.find(({ id }) => id === 'dns')?.error?.code],
      [3, 'needs-attention', 'DNS_KEY_REFUSED'],
    );
    const page = await cli(['status', 'stuck']);
    assert.match(
      page.stdout,
      /^stuck {2}needs attention [^]*✗ dns +attention[^]*Check the TSIG key[^]*stackato-deploy resume stuck\n/,
    );
    const listed = await cli(['list', '--json']);
    assert.equal(
      (JSON.parse(listed.stdout) as { name: string; stage: string }[]).find(({ name }) => name === 'stuck')?.stage,
      'needs-attention',
    );
    assert.match((await cli(['list'])).stdout, /^stuck +needs attention .+dns: DNS_KEY_REFUSED$/m);

    await bench.worker.startWorker(fakes);
    fakes.recover('observeDns');
    const resumed = await cli(['resume', 'stuck', '--step', 'dns', '--json']);
    assert.deepEqual([resumed.code, JSON.parse(resumed.stdout)], [0, { name: 'stuck', answer: 'Trying again: dns.' }]);
    await bench.until('stuck', 'verify needs attention', ({ steps }) => steps.at(-1)?.state === 'attention');
    assert.equal((await cli(['watch', 'stuck'])).code, 3);
    const refused = await cli(['resume', 'stuck', '--step', 'dns']);
    assert.deepEqual(
      [refused.code, refused.stderr],
      [
        2,
        'stackato-deploy: The deployment stuck refuses to resume. The step dns does not need attention.\nSee `stackato-deploy status` for what it waits for.\n',
      ],
    );
    assert.equal(
      (await cli(['skip', 'stuck'])).stdout,
      'Going on without verify.\nWatch it with: stackato-deploy watch stuck\n',
    );
    const watched = await cli(['watch', 'stuck', '--json']);
    assert.deepEqual([watched.code, documents(watched.stdout).at(-1)?.stage], [0, 'ready']);
  });

  it('--json: a document for each change, the last one closed', async () => {
    const { code, stdout } = await cli(['--json', 'up', specFile('streamed')]);
    assert.equal(code, 0);
    const all = documents(stdout);
    assert.ok(all.every(({ name }) => name === 'streamed'));
    const { stage, open, steps, resources } = all.at(-1)!;
    assert.deepEqual([stage, open, resources.instance?.id], ['ready', false, 'i-1']);
    assert.ok(steps.every(({ id, state }) => state === (NOT_NEEDED.test(id) ? 'not-needed' : 'done')));
  });

  it('two at once make one deployment, and both see its end', async () => {
    const path = specFile('double');
    const both = await Promise.all([cli(['up', path]), cli(['up', path])]);
    assert.deepEqual(
      both.map(({ code }) => code),
      [0, 0],
    );
    assert.equal(
      both.filter(({ stderr }) => stderr.includes('Started')).length,
      1,
      both.map(({ stderr }) => stderr).join(),
    );
    assert.equal(fakes.names().filter((name) => name === 'launchInstance').length, 1);
  });

  it('Ctrl-C detaches with 130, and the deployment goes on; --detach does not even begin to watch', async () => {
    const release = hold(fakes, 'renameNode');
    const up = new Cli(['up', specFile('left')]);
    await eventually('it is being watched', () => up.stdout.includes('rename: running'));
    up.signal('SIGINT');
    const { code, stderr } = await up.ended;
    assert.equal(code, 130);
    assert.match(stderr, /Detached; it goes on: stackato-deploy watch left\n$/);
    const again = await cli(['up', '--detach', specFile('left')]);
    assert.equal(again.code, 0);
    assert.match(again.stderr, /under way already, with the same spec/);
    assert.match(again.stdout, /▶ rename/);
    const differs = await cli(['up', specFile('left', [/^image: .*$/m, 'image: emi-00000000'])]);
    assert.equal(differs.code, 2);
    assert.match(differs.stderr, /under way with another spec\. It differs in image\.id\./);
    release();
    assert.equal((await bench.untilClosed('left')).stage, 'ready');
  });

  it('down: removes, then finds nothing; aborts what is under way; tells what is left with exit 4', async () => {
    await cli(['up', specFile('gone')]);
    fakes.fail('deleteSecurityGroup', 'CLOUD_REFUSED', 'in use');
    const failed = await cli(['down', 'gone']);
    assert.equal(failed.code, 4);
    assert.match(failed.stdout, /still there: security group \(CLOUD_REFUSED: in use\)/);
    fakes.recover('deleteSecurityGroup');
    assert.equal((await cli(['down', 'gone'])).code, 0);
    const twice = await cli(['down', 'gone']);
    assert.deepEqual([twice.code, twice.stdout], [0, 'Nothing to remove: everything of gone is gone already.\n']);
    assert.equal((await cli(['down', 'nobody'])).code, 2);

    fakes.fail('renameNode', 'COMMAND_NO_EFFECT');
    assert.equal((await cli(['up', specFile('gone')])).code, 3);
    const aborted = await cli(['down', 'gone']);
    assert.equal(aborted.code, 0);
    assert.match(aborted.stderr, /was under way: it is aborted/);
    assert.match(aborted.stdout, /taken back: /);
  });

  it('abort: watch ends with 4', async () => {
    fakes.fail('renameNode', 'COMMAND_NO_EFFECT');
    await cli(['up', specFile('given-up')]);
    assert.equal(
      (await cli(['abort', 'given-up'])).stdout,
      'Taking everything back.\nWatch it with: stackato-deploy watch given-up\n',
    );
    assert.equal((await cli(['watch', 'given-up'])).code, 4);
    assert.equal((await cli(['status', 'given-up'])).code, 4);
  });

  it('doctor: exit 0 when all is well, else 3 with a remedy for each failure', async () => {
    const path = specFile('checked');
    const well = await cli(['doctor', path]);
    assert.equal(well.code, 0);
    assert.match(
      well.stdout,
      /^✓ Temporal [^]*✓ search attributes [^]*✓ worker [^]*✓ secrets +3 resolve\n\nAll checks passed\.\n$/,
    );
    fakes.findings = [
      { check: 'image', ok: false, code: 'IMAGE_NOT_FOUND', message: 'The cloud does not know the image.' },
    ];
    const ill = await cli(['doctor', path]);
    assert.equal(ill.code, 3);
    assert.match(
      ill.stdout,
      /✗ image +IMAGE_NOT_FOUND: The cloud does not know the image\.\n +Put an image id into image\.id that this account can see\.\n/,
    );
    const { ok, findings } = JSON.parse((await cli(['doctor', path, '--json'])).stdout) as {
      ok: boolean;
      findings: { check: string }[];
    };
    assert.deepEqual(
      [ok, findings.map(({ check }) => check)],
      [false, ['Temporal', 'search attributes', 'worker', 'image']],
    );
  });

  it('F21: doctor tells each finding as it comes; without a worker it gives up after 15 s, always with 3; one that starts is waited for', async () => {
    let release = (): void => undefined;
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    const findings: Finding[] = [
      { check: 'secrets', ok: true, message: '3 resolve' },
      { check: 'image', ok: true, message: 'exists' },
    ];
    fakes.find = async () => {
      Context.current().heartbeat({ findings: findings.slice(0, 1) });
      await held;
      return findings;
    };
    const path = specFile('examined');
    const doctor = new Cli(['doctor', path]);
    await eventually('the first is told', () => doctor.stdout.includes('✓ secrets'));
    assert.match(doctor.stdout, /✓ worker [^]*✓ secrets +3 resolve\n$/);
    release();
    const { code, stdout } = await doctor.ended;
    assert.deepEqual([code, stdout.match(/✓ secrets/g)?.length], [0, 1]);
    assert.match(stdout, /✓ image +exists\n\nAll checks passed\.\n$/);

    // It counts as polling for a minute more.
    await bench.worker.stopWorker();
    const alone = await cli(['doctor', path, '--json']);
    const told = JSON.parse(alone.stdout) as { ok: boolean; findings: { check: string; code?: string }[] };
    assert.deepEqual([alone.code, told.ok, told.findings.at(-1)?.code], [3, false, 'NO_WORKER']);

    const waiting = new Cli(['doctor', path]);
    await eventually('it waits', () => waiting.stdout.includes('✓ search attributes'));
    await bench.worker.startWorker(fakes);
    assert.equal((await waiting.ended).code, 0);
  });

  it('F24: abort of one that is ready names down; an empty name is bad usage; what cannot be written ends with 1, what nobody reads in silence', async () => {
    await cli(['up', specFile('over')]);
    const aborted = await cli(['abort', 'over']);
    assert.equal(aborted.code, 2);
    assert.match(aborted.stderr, /It is ready\.\nTake back what it made with `stackato-deploy down over`\.\n$/);
    for (const command of ['status', 'watch', 'down', 'abort', 'up'])
      assert.equal((await cli([command, ''])).code, 2, command);
    const shell = (script: string): Promise<Ended> => new Cli([script], {}, ['bash', '-c']).ended;
    const list = COMMAND.map((word) => `'${word}'`)
      .join(' ')
      .concat(' list');
    const full = await shell(`${list} >/dev/full`);
    assert.equal(full.code, 1);
    assert.match(full.stderr, /^stackato-deploy: The output cannot be written\. ENOSPC.*\n.+\n$/);
    const unread = await shell(`set -o pipefail; ${list} | sleep 0`);
    assert.deepEqual([unread.code, unread.stderr], [141, '']);
    assert.equal((await shell(`${list} 2>/dev/full >/dev/null`)).code, 0);
  });

  it('no worker: answers end with exit 5 and what to do', async () => {
    const env = { STACKATO_DEPLOY_TASK_QUEUE: 'cli-nobody-listens' };
    const up = await cli(['up', '--detach', specFile('alone')], env);
    assert.equal(up.code, 0);
    assert.match(up.stdout, /No worker is running\. Start one: stackato-deploy worker\n$/);
    const { code, stderr } = await cli(['pause', 'alone'], env);
    assert.equal(code, 5);
    assert.match(stderr, /cannot be told to pause\. No worker is running on [^]*stackato-deploy worker/);
  });
});
