import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DIALOGUES } from '../../lab/appliance';
import type { Knobs } from '../../lab/knobs';
import type { JobOutcome } from '../../src/steps/machine/run-job';
import type { PromptId } from '../../src/machine/dialogue';
import { isRenamed } from '../../src/machine/rename-check';
import { katoOf } from '../../src/machine/kato';
import { withPath } from '../../src/machine/shell';
import { isStatic, staticIpAnswers } from '../../src/machine/network';
import { allRunning, parseKatoReady, parseKatoStatus, parseKatoVersion } from '../../src/machine/kato-output';
import { eventually } from '../support/wait';
import { TestMachines } from './appliance-support';
import { GuestFiles, NAME, NETWORK } from './vm-support';

describe("a virtual machine's kato", function () {
  this.timeout(180_000);
  let guests: GuestFiles[] = [];
  afterEach(() => {
    for (const { vm } of guests) vm.dispose();
    guests = [];
  });

  const guest = (...args: ConstructorParameters<typeof GuestFiles>): GuestFiles => {
    const made = new GuestFiles(...args);
    guests.push(made);
    return made;
  };
  const staticIp = (machine: GuestFiles, answers: Partial<Record<PromptId, string>> = {}): Promise<JobOutcome> =>
    machine.job('kato op static_ip', { ...staticIpAnswers(NETWORK), ...answers });
  const interfaces = (machine: GuestFiles): string => machine.file('/etc/network/interfaces');

  it('asks for the static address with the questions of every dialogue', async () => {
    await Promise.all(
      DIALOGUES.map(async (dialogue) => {
        const machine = guest({ dialogue });
        const outcome = await staticIp(machine);
        assert.equal(outcome.state, 'finished', `${dialogue}: ${outcome.transcript}`);
        assert.ok(isStatic(interfaces(machine), NETWORK), `${dialogue}: ${interfaces(machine)}`);
        assert.match(interfaces(machine), /network 10\.1\.2\.0\n\s*broadcast 10\.1\.2\.255\n/);
        assert.ok(!outcome.transcript.includes('stackato\n'), `${dialogue} echoed the password`);
        assert.deepEqual(machine.noted(), ['op static_ip']);
      }),
    );
  });

  it('asks again after an invalid address, and does not change the file without the password or a yes', async () => {
    const tries: readonly [Partial<Knobs>, Partial<Record<PromptId, string>>, Partial<JobOutcome>][] = [
      [{}, { netmask: '255.255.0' }, { state: 'stuck', reason: 'asked again' }],
      [{}, { gateway: '10.1.2.256' }, { state: 'stuck', reason: 'asked again' }],
      [{ dialogue: 'interface' }, { interface: 'eth1' }, { state: 'stuck', reason: 'asked again' }],
      [{}, { password: 'no' }, { state: 'stuck', reason: 'refused' }],
      [{ dialogue: 'confirm', exitAlwaysZero: false }, { confirm: 'no' }, { state: 'finished', code: 1 }],
      [{ dialogue: 'confirm' }, { confirm: 'no' }, { state: 'finished', code: 0 }],
    ];
    await Promise.all(
      tries.map(async ([knobs, answers, expected]) => {
        const machine = guest(knobs);
        const outcome = await staticIp(machine, answers);
        assert.deepEqual({ ...outcome, ...expected }, outcome);
        assert.match(interfaces(machine), /eth0 inet dhcp/);
      }),
    );
  });

  it('renames with sudo: after a while, host name, hosts file and certificate have the new name', async () => {
    const machine = guest({ katoTakes: 1500 });
    assert.ok(!isRenamed(machine.identity()));
    assert.equal((await machine.job(`kato rename ${NAME}`, {}, 0)).state, 'running');
    const outcome = await machine.job(`kato rename ${NAME}`);
    assert.equal(outcome.state, 'finished', outcome.transcript);
    assert.match(
      outcome.transcript,
      /password for stackato: [^]*Renaming stackato-0000\.local[^]*generating certificate\.\.\. +ok/,
    );
    assert.deepEqual(machine.identity(), { hostname: true, hosts: true, certificate: true });
    assert.equal((await machine.info()).endpoint, `api.${NAME}`);
    assert.deepEqual(machine.noted(), [`rename ${NAME}`, 'info']);
  });

  it('hangs on rename where there is no terminal to ask for the password', async () => {
    const machine = guest();
    assert.equal((await machine.exec(`setsid -w timeout 1 kato rename ${NAME}`)).code, 124);
    assert.ok(!isRenamed(machine.identity()));
    assert.deepEqual(machine.noted(), [`rename ${NAME}`]);
  });

  for (const release of ['2.6.6', '2.8.2', '2.10.6', '3.4.2'] as const) {
    it(`speaks the dialect of ${release}`, async () => {
      const dialect = katoOf(release);
      const machine = guest({ release, sudoAsks: false });
      const fresh = await machine.info();
      assert.deepEqual([fresh.mbusIp, fresh.assigned.includes('mdns')], ['127.0.0.1', true]);
      assert.equal(parseKatoVersion((await machine.exec(dialect.version)).stdout), release);
      await machine.job(dialect.disableRole('mdns'));
      assert.ok(!(await machine.info()).assigned.includes('mdns'));
      await machine.job(dialect.setUpCore(`api.${NAME}`));
      const core = await machine.info();
      assert.deepEqual([core.mbusIp, core.endpoint], [NETWORK.address, `api.${NAME}`]);
      assert.ok(core.assigned.length < 5 && core.assigned.includes('router'), core.assigned.join());
      assert.match(machine.file('/etc/hosts'), new RegExp(`^${NETWORK.address}\\s`, 'm'));
      await machine.job(dialect.enableAllBut('mdns'));
      const { assigned, available } = await machine.info();
      assert.deepEqual([...assigned, 'mdns'].sort(), [...available].sort());
      await eventually('its processes', async () => parseKatoReady((await machine.exec(dialect.ready)).stdout));
      assert.ok(allRunning(parseKatoStatus((await machine.exec(dialect.status)).stdout)));
    });
  }

  it('exits with 0 whatever happened, or with the real status', async () => {
    const machine = guest();
    await machine.vm.run('rm root/run/stackato/up');
    const codes = async (): Promise<unknown[]> => [
      (await machine.kato('nonsense')).code,
      (await machine.kato('enable nonsense')).code,
      (await machine.kato('ready')).code,
    ];
    assert.deepEqual(await codes(), [0, 0, 0]);
    machine.setKnobs({ exitAlwaysZero: false });
    assert.deepEqual(await codes(), [1, 1, 1]);
  });

  it('does nothing until the boot is complete, and may wait forever to be ready', async () => {
    const machine = guest({ release: '2.10.6' });
    await machine.vm.run('rm root/run/stackato/up');
    assert.equal(parseKatoReady((await machine.kato('process ready --block 1 all')).stdout), false);
    assert.match((await machine.kato('process list')).stdout, /STARTING/);
    const before = machine.file('/home/stackato/stackato/etc/kato/state.json');
    for (const words of [
      'role remove mdns',
      `node rename ${NAME}`,
      'node setup core',
      'node setup micro',
      'role add --all-but mdns',
    ]) {
      assert.equal((await machine.kato(words)).stdout, 'The core services are not up yet.\n', words);
    }
    assert.equal(machine.file('/home/stackato/stackato/etc/kato/state.json'), before);
    machine.setKnobs({ readyNeverTimesOut: true });
    const hung = await machine.exec('timeout 2 kato process ready --block 1 all');
    assert.deepEqual([hung.stdout, hung.code], ['', 124]);
  });

  it('never has all processes running with less than 2 GiB', async () => {
    const machine = guest({}, 1_000_000);
    assert.match((await machine.kato('status')).stdout, /FATAL/);
    assert.equal(parseKatoReady((await machine.kato('ready')).stdout), false);
  });

  it('serves its console at its name, and can be claimed once', () => {
    const machine = guest({ consoleDelay: -1 });
    const ask = (method: string, path: string, host: string, body = ''): [number, string] => {
      const text = machine.python(
        `import console, json; print(json.dumps(console.answer(${[method, path, host].map((word) => JSON.stringify(word)).join()}, True, ${JSON.stringify(body)})))`,
      );
      const [status, , answer] = JSON.parse(text) as [number, string, string, string];
      return [status, answer];
    };
    const API = 'api.stackato-0000.local';
    assert.equal(ask('GET', '/info', 'some-app.test')[0], 404);
    assert.match(ask('GET', '/info', API)[1], /"vendor_version":"v2\.6\.6"/);
    assert.match(ask('GET', '/stackato/license', API)[1], /"code":100/);
    assert.match(ask('POST', '/stackato/license', API, 'email=a%40b&password=secret-1')[1], /"code":104/);
    assert.match(ask('POST', '/stackato/license', API, 'email=a%40b.test&password=1234')[1], /"code":105/);
    assert.deepEqual(ask('POST', '/stackato/license', API, 'email=a%40b.test&password=secret-1')[0], 200);
    assert.match(ask('POST', '/stackato/license', API, '')[1], /"code":101/);
    machine.python('import state; state.State().restarted(enabledAt=state.now())');
    assert.equal(ask('GET', '/info', API)[0], 503);
  });

  describe('compared with the simulated one', () => {
    /** Uses every field of a dialogue file. */
    const EVERYTHING = {
      intro: ['Now: {interface} {address}/{netmask} by {gateway}, {nameservers}, {search}, {braces}', ''],
      prompts: [
        { id: 'interface', text: 'Interface [{interface}]: ', default: '{interface}', after: ['It is {interface}.'] },
        {
          id: 'address',
          text: 'Address [{address}]: ',
          default: '{address}',
          again: '{address} it was, and no other.',
          progress: ['.', '.', 'ok\n'],
        },
        { id: 'netmask', text: 'Netmask of {address}?', newline: true },
        { id: 'nameservers', text: 'Name server: ', more: 'Another beside {nameservers}: ', again: 'One at a time.' },
        { id: 'confirm', text: 'Go on? [ja] ', yes: ['ja', 'Ja'], again: 'ja or Ja.' },
        { id: 'decline', text: 'Start over? ' },
        { id: 'enter', text: '-- more --', after: ['', '.'] },
        { id: 'confirm', text: 'Sure? ' },
      ],
      summary: ['', '  {address} {netmask} {gateway} {nameservers} {search}'],
      password: '100% secret for %u: ',
      written: ['Written: {nameservers}'],
      closing: [
        { id: 'decline', text: 'Reboot now? ' },
        { id: 'enter', text: 'Press enter.' },
      ],
    };
    const TYPED: Readonly<Record<string, string>> = {
      'by the defaults': '\n\n255.255.255.0\n\nja\nno\n\ny\n\n\n',
      'with second thoughts':
        'eth0\n10.0.0\n10.1.2.12\n255.255.0.0\n172.16.0.2 1\n172.16.0.23\n172.16.0.24\n\nyes\nJa\n\nq\nYES\nn\n\n',
      'until it is too bad': 'eth0\n10.1.2.13\n255.255\n',
      'until it wants to start over': '\n\n255.255.255.0\n\nja\ny\n',
      'and wants a reboot': '\n\n255.255.255.0\n\nja\nno\n\ny\nyes\n',
      'and goes away': '\n\n255.255.255.0\n',
      'with a name of no card': 'eth1\n',
    };

    let machines: TestMachines;
    beforeEach(() => (machines = new TestMachines()));
    afterEach(() => machines.close());

    const WORDS = [
      'version',
      'info',
      'info --json',
      'info --nonsense',
      'info more',
      'status',
      'status --all',
      'nonsense',
      'ready',
      'rename',
      'rename nodots',
      'enable',
      'enable nonsense',
      'enable --some mdns',
      'disable nonsense',
      'disable mdns,dea',
      'enable dea',
      `rename ${NAME.toUpperCase()}`,
      'setup core',
      'info',
      'setup core api.other.test',
      'info',
      'status --all',
      'enable data-services',
      'status',
      'disable data-services',
      'attach',
      'attach -e nonsense 10.1.2.99',
      'node remove 10.1.2.99',
      'stop router2g',
      'stop router',
      'status --all',
      'start router',
      'start router2g',
      'enable --only mdns',
      'info',
      'setup micro',
      'enable --all',
      'info',
      'stop',
      'status',
      'start',
      'status',
    ];
    const NEW_WORDS: Readonly<Record<string, string>> = {
      ready: 'process ready',
      rename: 'node rename',
      disable: 'role remove',
      enable: 'role add',
      'setup core': 'node setup core',
      attach: 'node attach',
      'setup micro': 'node setup micro',
    };
    const wordsOf = (release: string): string[] =>
      release === '2.6.6'
        ? WORDS
        : [
            ...WORDS.map((words) => words.replace(/^(setup )?\S+/, (command) => NEW_WORDS[command] ?? command)),
            'process list',
            'node list',
            'node list --json',
            'node detach',
            'node retire',
            'process list',
            'license set type: paid',
            'node setup core',
            'node list --json',
            'node attach --force -e dea',
            'process ready --block',
            'process ready --block=1 all',
            'role add -o --all mdns',
            `node rename --no-restart b.${NAME}`,
            'op static_ip --ip=10.1.2.300 --no-restart',
            "op static_ip --dns-nameservers='10.1.2.3,10.1.2.4'",
            'op static_ip --no-restart=yes',
          ];

    it('follows a dialogue file, whatever is typed', async () => {
      const knobs = { sudoAsks: false, exitAlwaysZero: false };
      const dialogue = join(guest().vm.home, 'everything.json');
      writeFileSync(dialogue, JSON.stringify(EVERYTHING));
      const simulated = await machines.machine({ ...knobs, dialogue });
      for (const [how, typed] of Object.entries(TYPED)) {
        const machine = guest({ ...knobs, dialogue });
        const fresh = interfaces(machine);
        simulated.appliance.setKnobs({ dialogue });
        const [one, other] = [
          await simulated.exec(withPath('kato op static_ip'), typed),
          await machine.vm.run(withPath('kato op static_ip'), typed),
        ];
        assert.deepEqual([other.stdout, other.code], [one.stdout, one.code], how);
        if (other.stdout.includes('Written'))
          assert.equal(interfaces(machine), simulated.appliance.file('/etc/network/interfaces'), how);
        else assert.equal(interfaces(machine), fresh, how);
      }
    });

    it("has sudo ask with the dialogue's prompt", async () => {
      const dialogue = join(guest().vm.home, 'password.json');
      writeFileSync(
        dialogue,
        JSON.stringify({
          prompts: [{ id: 'confirm', text: 'Save? (yes/no) ' }],
          password: 'Password, 100% safe: ',
          written: ['Saved.'],
        }),
      );
      const outcome = await staticIp(guest({ dialogue }));
      assert.deepEqual(
        [outcome.state, outcome.transcript],
        ['finished', 'Save? (yes/no) yes\nPassword, 100% safe: \nSaved.\n'],
      );
    });

    for (const release of ['2.6.6', '3.4.2']) {
      it(`prints the same in ${release}, and writes the same files`, async () => {
        const simulated = await machines.machine({ release, sudoAsks: false, exitAlwaysZero: false, katoTakes: 0 });
        const file = (path: string): string => simulated.appliance.file(path) ?? '';
        const machine = guest(
          { release, sudoAsks: false, exitAlwaysZero: false, katoTakes: 0 },
          4_000_000,
          file('/etc/hostname').trim(),
        );
        await simulated.session(async (session) => {
          for (const words of wordsOf(release)) {
            const [one, other] = [await session.exec(withPath(`kato ${words}`)), await machine.kato(words)];
            assert.deepEqual([other.stdout, other.code], [one.stdout, one.code], `kato ${words}`);
          }
        });
        for (const path of ['/etc/hosts', '/etc/hostname']) assert.equal(machine.file(path), file(path), path);
        const outcome = await simulated.job('kato op static_ip', { answers: staticIpAnswers(NETWORK) });
        assert.equal((await staticIp(machine)).transcript, outcome.transcript);
        assert.equal(interfaces(machine), file('/etc/network/interfaces'));
      });
    }
  });
});
