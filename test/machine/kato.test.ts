import assert from 'node:assert/strict';
import { DEPLOYABLE_RELEASES, RELEASES } from '../../src/deployment/releases';
import type { ReleaseName } from '../../src/deployment/releases';
import { katoOf } from '../../src/machine/kato';
import { withPath } from '../../src/machine/shell';
import {
  allRunning,
  parseKatoInfo,
  parseKatoReady,
  parseKatoStatus,
  parseKatoVersion,
} from '../../src/machine/kato-output';

const HOST = 'stackato.example.com';

const TO_2_6 = [
  'kato rename stackato.example.com',
  'kato disable mdns',
  'kato setup core api.stackato.example.com',
  'kato enable --all-but mdns',
  'timeout -k 2 10 kato ready',
  'kato op static_ip',
];
const FROM_2_8 = [
  'kato node rename stackato.example.com',
  'kato role remove mdns',
  'kato node setup core api.stackato.example.com',
  'kato role add --all-but mdns',
  'timeout -k 2 10 kato process ready --block 5 all',
  'kato op static_ip',
];
const FROM_3_0 = [...FROM_2_8.slice(0, -1), 'kato op static_ip --no-restart'];

const COMMANDS: readonly (readonly [ReleaseName, readonly string[]])[] = [
  ['2.6.6', TO_2_6],
  ['2.6.7', TO_2_6],
  ['2.8.2', FROM_2_8],
  ['2.10.6', FROM_2_8],
  ['3.4.2', FROM_3_0],
];

describe('kato commands', () => {
  for (const [release, commands] of COMMANDS) {
    it(`of ${release}`, () => {
      const kato = katoOf(release);
      const built = [
        kato.rename(HOST),
        kato.disableRole('mdns'),
        kato.setUpCore(`api.${HOST}`),
        kato.enableAllBut('mdns'),
        kato.ready,
        kato.staticIp,
      ];
      assert.deepEqual(built, commands);
      assert.deepEqual(
        [kato.version, kato.status, kato.info],
        ['kato version', 'timeout -k 2 10 kato status', 'timeout -k 2 10 kato info'],
      );
    });
  }

  it('exist for every release in the table, which includes those a spec may name', () => {
    assert.deepEqual(
      Object.keys(RELEASES),
      COMMANDS.map(([release]) => release),
    );
    assert.deepEqual(DEPLOYABLE_RELEASES, ['2.6.6', '2.6.7']);
  });

  it('quote their arguments', () => {
    assert.equal(katoOf('2.6.6').rename('a; reboot'), "kato rename 'a; reboot'");
  });

  it('find kato without a login shell', () => {
    assert.equal(withPath('kato info'), 'PATH="$HOME/bin:$PATH:/usr/sbin:/sbin"; export PATH; kato info');
  });
});

describe('kato info', () => {
  const wanted = {
    assigned: ['base', 'controller', 'mdns'],
    available: ['base', 'controller', 'mdns', 'dea'],
    mbusIp: '127.0.0.1',
    endpoint: 'api.stackato-ab12.local',
  };

  it('is read as text with indented lists', () => {
    const text =
      '\x1b[1massigned roles :\x1b[0m\r\n  base\r\n  controller\r\n  mdns\r\navailable roles :\r\n  base, controller\r\n  mdns dea\r\nmbusip : 127.0.0.1\r\nendpoint : https://api.stackato-ab12.local/\r\n';
    assert.deepEqual(parseKatoInfo(text), wanted);
  });

  it('is read as YAML', () => {
    const text =
      '---\nassigned_roles:\n- base\n- controller\n- mdns\navailable_roles: [base, controller, mdns, dea]\nmbusip: 127.0.0.1\nendpoint: api.stackato-ab12.local\nmicro_cloud: true\n';
    assert.deepEqual(parseKatoInfo(text), { ...wanted, microCloud: true });
  });

  it('is read as JSON, with states beside the roles, after a warning', () => {
    const json = JSON.stringify(
      {
        assigned_roles: { base: 'START', controller: 'START', mdns: 'STOP' },
        available_roles: wanted.available,
        mbusip: wanted.mbusIp,
        endpoint: wanted.endpoint,
        micro_cloud: false,
      },
      null,
      2,
    );
    assert.deepEqual(parseKatoInfo(`warning: old client\n${json}\n`), { ...wanted, microCloud: false });
  });

  it('is read as lists on one line, with states', () => {
    assert.deepEqual(parseKatoInfo('Assigned Roles: base (RUNNING), dea\nMBUS IP = 10.0.0.5\n'), {
      assigned: ['base', 'dea'],
      available: [],
      mbusIp: '10.0.0.5',
    });
  });

  it('is nothing where something else answered', () => {
    for (const text of ['', 'sh: kato: not found\n', 'Usage: kato <command>\n'])
      assert.equal(parseKatoInfo(text), undefined);
  });
});

describe('kato status', () => {
  it('is read as a table', () => {
    const states = parseKatoStatus(
      '\x1b[32mcontroller\x1b[0m    RUNNING  pid 123, uptime 0:01\nmysql_node    STARTING\n  dea : RUNNING\nTotal: 3\n',
    );
    assert.deepEqual(states, [
      { name: 'controller', state: 'RUNNING' },
      { name: 'mysql_node', state: 'STARTING' },
      { name: 'dea', state: 'RUNNING' },
    ]);
    assert.equal(allRunning(states), false);
    assert.equal(allRunning(states.filter(({ state }) => state === 'RUNNING')), true);
    assert.equal(allRunning([]), false);
  });

  it('is read as JSON, nested by node', () => {
    const json = JSON.stringify({
      nodes: { '10.0.0.5': { roles: { dea: 'RUNNING' }, processes: [{ name: 'nats', state: 'FATAL' }] } },
    });
    assert.deepEqual(parseKatoStatus(json), [
      { name: 'dea', state: 'RUNNING' },
      { name: 'nats', state: 'FATAL' },
    ]);
  });
});

describe('kato ready and version', () => {
  it('tells ready, not ready, and neither apart', () => {
    assert.deepEqual(
      [
        'READY\n',
        '\x1b[32mready\x1b[0m',
        'Not ready',
        'not yet ready',
        'dea STARTING\nREADY',
        'timed out',
        '',
        'Usage: kato',
      ].map(parseKatoReady),
      [true, true, false, false, false, false, undefined, undefined],
    );
  });

  it('contains the version number', () => {
    assert.deepEqual(['Stackato 2.6.6\n', 'v3.4.2-g1234', 'kato: error'].map(parseKatoVersion), [
      '2.6.6',
      '3.4.2',
      undefined,
    ]);
  });
});
