import assert from 'node:assert/strict';
import { RELEASE_NAMES } from '../../src/deployment/releases';
import type { ReleaseName } from '../../src/deployment/releases';
import { katoOf } from '../../src/machine/kato';
import type { StaticNetwork } from '../../src/machine/network';
import { withPath } from '../../src/machine/shell';
import {
  agrees,
  allRunning,
  parseKatoInfo,
  parseKatoReady,
  parseKatoStatus,
  parseKatoVersion,
} from '../../src/machine/kato-output';

const HOST = 'stackato.example.com';

const NETWORK: StaticNetwork = {
  interface: 'eth0',
  address: '10.1.2.11',
  netmask: '255.255.255.0',
  gateway: '10.1.2.1',
  nameservers: ['172.16.0.23', '172.16.0.24'],
  search: [],
};

const TO_2_6 = [
  'kato op static_ip',
  'kato rename stackato.example.com',
  'kato disable mdns',
  'kato setup core api.stackato.example.com',
  'kato enable --all-but mdns',
  'kato enable --all-but mdns,dea',
  'timeout -k 2 10 kato ready',
];
const FROM_2_8 = [
  'kato op static_ip',
  'kato node rename stackato.example.com',
  'kato role remove mdns',
  'kato node setup core api.stackato.example.com',
  'kato role add --all-but mdns',
  'kato role add --all-but mdns dea',
  'timeout -k 2 10 kato process ready --block 5 all',
];
const FROM_3_0 = [
  'kato op static_ip --no-restart',
  'kato node rename --no-restart stackato.example.com',
  ...FROM_2_8.slice(2),
];
const FROM_3_2 = [
  "kato op static_ip --interface=eth0 --ip=10.1.2.11 --netmask=255.255.255.0 --gateway=10.1.2.1 --dns-nameservers='172.16.0.23 172.16.0.24' --dns-search-domains='' --no-restart",
  ...FROM_3_0.slice(1),
];

const COMMANDS: readonly (readonly [ReleaseName, readonly string[]])[] = [
  ['2.6.6', TO_2_6],
  ['2.6.7', TO_2_6],
  ['2.8.2', FROM_2_8],
  ['2.10.4', FROM_2_8],
  ['2.10.6', FROM_2_8],
  ['3.0.1', FROM_3_0],
  ['3.2.1', FROM_3_2],
  ['3.4.2', FROM_3_2],
  ['3.6.2', FROM_3_2],
];

describe('kato commands', () => {
  for (const [release, commands] of COMMANDS) {
    it(`of ${release}`, () => {
      const kato = katoOf(release);
      const built = [
        kato.staticIp(NETWORK),
        kato.rename(HOST),
        kato.disableRole('mdns'),
        kato.setUpCore(`api.${HOST}`),
        kato.enableAllBut('mdns'),
        kato.enableAllBut('mdns', 'dea'),
        kato.ready,
      ];
      assert.deepEqual(built, commands);
      assert.deepEqual(
        [kato.version, kato.status, kato.info],
        ['timeout -k 2 10 kato version', 'timeout -k 2 10 kato status', 'timeout -k 2 10 kato info'],
      );
    });
  }

  it('exist for every release that a spec may name', () => {
    assert.deepEqual(
      RELEASE_NAMES,
      COMMANDS.map(([release]) => release),
    );
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

  it('contains the version number, whatever stands beside it', () => {
    const cases: readonly (readonly [text: string, wanted: string, found: string | undefined])[] = [
      ['Stackato 2.6.6\n', '2.6.6', '2.6.6'],
      ['v3.4.2-g1234', '3.4.2', '3.4.2'],
      ['v3.2.1-21-gccecf32', '2.6.6', '3.2.1'],
      ['kato 3.1 of Stackato 2.10.6, 2013.02.1', '2.10.6', '2.10.6'],
      ['kato 3.1 of Stackato 2.10.6', '2.6.6', '3.1'],
      ['Stackato 2.10', '2.10.4', '2.10'],
      ['built 2013.02.14 on 10.2.6.6 by ruby 1.9.3', '2.6.6', undefined],
      ['kato: error', '2.6.6', undefined],
    ];
    for (const [text, wanted, found] of cases) assert.equal(parseKatoVersion(text, wanted), found, text);
    assert.deepEqual(
      [agrees('2.10', '2.10.4'), agrees('2.1', '2.10.4'), agrees('2.10.6', '2.10.4')],
      [true, false, false],
    );
  });
});
