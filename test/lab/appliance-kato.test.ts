import assert from 'node:assert/strict';
import { DIALOGUES } from '../../lab/appliance';
import { HARD_KNOBS } from '../../lab/knobs';
import {
  allRunning,
  parseKatoInfo,
  parseKatoReady,
  parseKatoStatus,
  parseKatoVersion,
} from '../../src/machine/kato-output';
import { checkNames, isRenamed, READ_NAMES } from '../../src/machine/rename-check';
import { RELEASE_NAMES } from '../../src/deployment/releases';
import type { ReleaseName } from '../../src/deployment/releases';
import { katoOf } from '../../src/machine/kato';
import { withPath } from '../../src/machine/shell';
import type { Kato } from '../../src/machine/kato';
import { isStatic, READ_NETWORK, staticIpAnswers, staticNetworkOf } from '../../src/machine/network';
import type { StaticNetwork } from '../../src/machine/network';
import type { PromptId } from '../../src/machine/dialogue';
import type { JobOutcome } from '../../src/steps/machine/run-job';
import { DeployError } from '../../src/deployment/errors';
import type { Knobs } from '../../lab/knobs';
import { eventually } from '../support/wait';
import { TestMachines } from './appliance-support';
import type { TestMachine } from './appliance-support';

const NAME = 'dev.stackato.test';

describe("a simulated appliance's kato", function () {
  this.timeout(90_000);
  let machines: TestMachines;
  beforeEach(() => (machines = new TestMachines()));
  afterEach(() => machines.close());

  const networkOf = async (machine: TestMachine): Promise<StaticNetwork> =>
    staticNetworkOf(await machine.observe(READ_NETWORK), { mode: 'static' });
  const interfaces = (machine: TestMachine): string => machine.appliance.file('/etc/network/interfaces') ?? '';
  const infoOf = async (machine: TestMachine): Promise<NonNullable<ReturnType<typeof parseKatoInfo>>> =>
    parseKatoInfo((await machine.kato('info')).stdout)!;

  const staticIp = async (
    machine: TestMachine,
    answers: Partial<Record<PromptId, string>> = {},
  ): ReturnType<TestMachine['job']> =>
    machine.job('kato op static_ip', { answers: { ...staticIpAnswers(await networkOf(machine)), ...answers } });

  it('asks for the static address with the questions of every dialogue', async () => {
    await Promise.all(
      DIALOGUES.map(async (dialogue) => {
        const machine = await machines.machine({ dialogue });
        const outcome = await staticIp(machine);
        assert.equal(outcome.state, 'finished', `${dialogue}: ${outcome.transcript}`);
        assert.ok(isStatic(interfaces(machine), await networkOf(machine)), `${dialogue}: ${interfaces(machine)}`);
        assert.match(interfaces(machine), /broadcast 10\.1\.2\.255/);
        assert.ok(!outcome.transcript.includes('stackato\n'), `${dialogue} echoed the password`);
        assert.deepEqual(machine.programs(), ['kato op static_ip']);
      }),
    );
  });

  it('with all traps at once, does everything exactly once for a client that reconnects', async () => {
    const machine = await machines.machine(HARD_KNOBS);
    const network = await networkOf(machine);
    let losses = 0;
    const outcome = await eventually(
      'the end of it',
      () =>
        machine.job('kato op static_ip', { answers: staticIpAnswers(network) }).catch((error: unknown) => {
          assert.ok(error instanceof DeployError && error.code === 'SSH_DROPPED', String(error));
          losses += 1;
          return undefined;
        }),
      60_000,
    );
    assert.ok(losses > 0 && outcome.state === 'finished', outcome.transcript);
    assert.ok(isStatic(interfaces(machine), network));
    assert.deepEqual(machine.programs(), ['kato op static_ip']);
  });

  it('has dialogues with the questions in another order, with fewer and with more questions', () => {
    for (const wanted of [
      'default',
      'reworded',
      'reordered',
      'interface',
      'confirm',
      'newline',
      'carriage',
      'coloured',
      'commas',
      'listed',
      'brackets',
      'spinner',
      'warning',
      'form',
      'closing',
      'offered',
    ])
      assert.ok(DIALOGUES.includes(wanted));
    assert.ok(DIALOGUES.includes(HARD_KNOBS.dialogue));
  });

  it('asks again after an invalid address, and does not change the file without the password or a yes', async () => {
    const tries: readonly [Partial<Knobs>, Partial<Record<PromptId, string>>, Partial<JobOutcome>][] = [
      [{}, { netmask: '255.255.0' }, { state: 'stuck', reason: 'asked again' }],
      [{}, { password: 'no' }, { state: 'stuck', reason: 'refused' }],
      [{ dialogue: 'confirm', exitAlwaysZero: false }, { confirm: 'no' }, { state: 'finished', code: 1 }],
      [{ dialogue: 'closing' }, { decline: 'yes' }, { state: 'stuck', reason: 'asked again' }],
      [{ dialogue: 'brackets' }, { confirm: 'no' }, { state: 'stuck', reason: 'asked again' }],
      [
        { dialogue: 'listed' },
        { nameservers: '', search: 'a  b', password: 'no' },
        { state: 'stuck', reason: 'refused' },
      ],
    ];
    await Promise.all(
      tries.map(async ([knobs, answers, expected]) => {
        const machine = await machines.machine(knobs);
        const outcome = await staticIp(machine, answers);
        assert.deepEqual({ ...outcome, ...expected }, outcome);
        assert.match(interfaces(machine), /eth0 inet dhcp/);
      }),
    );
  });

  it('renames with sudo, into host name, hosts file and certificate, once it has taken its time', async () => {
    const machine = await machines.machine({ katoTakes: 1500 });
    const identity = async () => checkNames(await machine.observe(READ_NAMES), NAME);
    assert.ok(!isRenamed(await identity()));
    assert.equal((await machine.job(`kato rename ${NAME}`, {}, 0)).state, 'running');
    const outcome = await machine.job(`kato rename ${NAME}`);
    assert.equal(outcome.state, 'finished', outcome.transcript);
    assert.deepEqual(await identity(), { hostname: true, hosts: true, certificate: true });
    assert.equal((await infoOf(machine)).endpoint, `api.${NAME}`);
    assert.deepEqual(
      machine.programs().filter((line) => line.startsWith('kato rename')),
      [`kato rename ${NAME}`],
    );
  });

  it('hangs on rename where nobody can be asked for the password', async () => {
    const machine = await machines.machine();
    assert.equal((await machine.exec(withPath(`timeout 1 kato rename ${NAME}`))).code, 124);
    assert.notEqual(machine.appliance.file('/etc/hostname'), `${NAME}\n`);
  });

  const lifeOf = async (
    release: ReleaseName,
  ): Promise<{ machine: TestMachine; dialect: Kato; roles: readonly string[] }> => {
    const dialect = katoOf(release);
    const machine = await machines.machine({ release, sudoAsks: false });
    const fresh = await infoOf(machine);
    assert.deepEqual([fresh.mbusIp, fresh.assigned.includes('mdns')], ['127.0.0.1', true]);
    assert.equal(parseKatoVersion((await machine.exec(withPath(dialect.version))).stdout), release);
    await machine.job(dialect.disableRole('mdns'));
    assert.ok(!(await infoOf(machine)).assigned.includes('mdns'));
    await machine.job(dialect.setUpCore(`api.${NAME}`));
    const core = await infoOf(machine);
    assert.deepEqual([core.mbusIp, core.endpoint], ['10.1.2.11', `api.${NAME}`]);
    assert.ok(core.assigned.length < 5 && core.assigned.includes('router'), core.assigned.join());
    await machine.job(dialect.enableAllBut('mdns'));
    const { assigned, available } = await infoOf(machine);
    assert.deepEqual([...assigned, 'mdns'].sort(), [...available].sort());
    await eventually('its processes', async () => parseKatoReady((await machine.exec(withPath(dialect.ready))).stdout));
    assert.ok(allRunning(parseKatoStatus((await machine.exec(withPath(dialect.status))).stdout)));
    return { machine, dialect, roles: assigned };
  };

  for (const release of RELEASE_NAMES) {
    it(`speaks the dialect of ${release}`, async () => {
      const { machine } = await lifeOf(release);
      assert.match(
        (await machine.kato(release.startsWith('2.6') ? 'node list' : 'setup core')).stdout,
        /Unknown command[^]*usage: kato/,
      );
    });
  }

  it('13: refuses what its release does not know, and changes nothing', async () => {
    const refused: Readonly<Record<string, readonly string[]>> = {
      '2.6.6': [
        `node rename ${NAME}`,
        `rename --no-restart ${NAME}`,
        'role add --all-but mdns',
        'enable --all-but',
        'op static_ip --no-restart',
        'process ready all',
        'info --json',
        'setup core a b',
      ],
      '2.8.2': [
        `rename ${NAME}`,
        'ready',
        'process ready',
        'node list',
        `node rename --skip-ssl-regeneration ${NAME}`,
        'role add --all-but mdns,dea',
        'role add primary',
        'op static_ip --no-restart',
      ],
      '2.10.4': ['role add cloud_controller', 'enable dea', 'node list --json', 'op static_ip --ip=10.1.2.11'],
      '3.0.1': ['op static_ip --ip=10.1.2.11', 'role remove --no-stop mdns', 'role add stager', 'disable mdns'],
      '3.2.1': ['op static_ip --ip=10.1.2.300 --no-restart', 'op static_ip --dns=10.1.2.1', 'setup core api.x.test'],
    };
    await Promise.all(
      Object.entries(refused).map(async ([release, lines]) => {
        const machine = await machines.machine({ release, exitAlwaysZero: false });
        const before = await infoOf(machine);
        for (const line of lines) {
          const { code, stdout } = await machine.kato(line);
          assert.deepEqual([code, stdout === ''], [1, false], `${release}: kato ${line}: ${stdout}`);
        }
        assert.deepEqual(await infoOf(machine), before);
        assert.match(interfaces(machine), /eth0 inet dhcp/);
      }),
    );
  });

  it('13: asks only what static_ip was not told by options', async () => {
    const machine = await machines.machine({ release: '3.4.2' });
    const network = await networkOf(machine);
    const { address, ...rest } = staticIpAnswers(network);
    const outcome = await machine.job(`kato op static_ip --ip=${address ?? ''} --no-restart`, { answers: rest });
    assert.equal(outcome.state, 'finished', outcome.transcript);
    assert.ok(isStatic(interfaces(machine), network), interfaces(machine));
    const other = await machines.machine({ release: '3.4.2' });
    const own = await networkOf(other);
    const told = await other.job(katoOf('3.4.2').staticIp(own));
    assert.deepEqual([told.state, /netmask|gateway/i.test(told.transcript)], ['finished', false], told.transcript);
    assert.ok(isStatic(interfaces(other), own), interfaces(other));
  });

  it('exits with 0 whatever happened, or with the real status', async () => {
    const machine = await machines.machine({ readyDelay: 60_000 });
    const codes = async (): Promise<unknown[]> => [
      (await machine.kato('nonsense')).code,
      (await machine.kato('enable nonsense')).code,
      (await machine.kato('ready')).code,
    ];
    assert.deepEqual(await codes(), [0, 0, 0]);
    machine.appliance.setKnobs({ exitAlwaysZero: false });
    assert.deepEqual(await codes(), [1, 1, 1]);
  });

  it('is not ready at once after a boot, does nothing until then, and may never say so', async () => {
    const machine = await machines.machine({ readyDelay: 60_000, release: '2.10.6' });
    assert.equal(parseKatoReady((await machine.kato('process ready --block 1 all')).stdout), false);
    assert.match((await machine.kato('process list')).stdout, /STARTING/);
    await machine.kato('role remove mdns');
    assert.ok((await infoOf(machine)).assigned.includes('mdns'));
    machine.appliance.setKnobs({ readyNeverTimesOut: true });
    const hung = await machine.exec(withPath('timeout 2 kato process ready --block 1 all'));
    assert.deepEqual([hung.stdout, hung.code], ['', 124]);
  });

  it('never has all processes running with less than 2 GiB', async () => {
    const machine = await machines.machine({}, 1024);
    const first = (await machine.kato('status')).stdout;
    assert.match(first, /FATAL/);
    assert.equal((await machine.kato('status')).stdout, first);
    assert.equal(parseKatoReady((await machine.kato('ready')).stdout), false);
  });
});
