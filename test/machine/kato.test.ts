import assert from 'node:assert/strict';
import { RELEASE_NAMES, RELEASES } from '../../src/deployment/releases';
import type { ReleaseName } from '../../src/deployment/releases';
import { katoOf } from '../../src/machine/kato';
import type { StaticNetwork } from '../../src/machine/network';
import { withPath } from '../../src/machine/shell';
import {
  agrees,
  allRunning,
  allStopped,
  isOfRole,
  nodeEntry,
  parseKatoInfo,
  parseKatoReady,
  parseKatoStatus,
  parseKatoVersion,
} from '../../src/machine/kato-output';
import type { ProcessState } from '../../src/machine/kato-output';

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

const CLUSTER_TO_2_6 = [
  'kato attach -e dea,stager 10.1.2.11',
  'timeout -k 2 10 kato status --all',
  'kato node remove 10.1.2.12',
  'kato node remove 10.1.2.12',
  'kato enable stager; kato enable dea',
  'kato stop',
  undefined,
  'timeout -k 2 10 kato status',
];
const CLUSTER_FROM_2_8 = [
  'kato node attach -e dea,stager 10.1.2.11',
  'timeout -k 2 10 kato status --all',
  'kato node remove 10.1.2.12',
  'kato node remove 10.1.2.12',
  'kato role add stager dea',
  'kato stop dea stager',
  undefined,
  'timeout -k 2 10 kato process list',
];
const CLUSTER_FROM_2_10_4 = CLUSTER_FROM_2_8.with(1, 'timeout -k 2 10 kato node list');
const CLUSTER_FROM_3_0 = CLUSTER_FROM_2_10_4.with(6, 'kato node retire');
const CLUSTER_FROM_3_2 = CLUSTER_FROM_3_0.with(3, 'kato node remove --skip-detach 10.1.2.12');

const CLUSTER_COMMANDS: readonly (readonly [ReleaseName, readonly (string | undefined)[]])[] = [
  ['2.6.6', CLUSTER_TO_2_6],
  ['2.6.7', CLUSTER_TO_2_6],
  ['2.8.2', CLUSTER_FROM_2_8],
  ['2.10.4', CLUSTER_FROM_2_10_4],
  ['2.10.6', CLUSTER_FROM_2_10_4],
  ['3.0.1', CLUSTER_FROM_3_0],
  ['3.2.1', CLUSTER_FROM_3_2],
  ['3.4.2', CLUSTER_FROM_3_2],
  ['3.6.2', CLUSTER_FROM_3_2],
];

describe('kato commands of a cluster', () => {
  for (const [release, commands] of CLUSTER_COMMANDS) {
    it(`14: of ${release}`, () => {
      const kato = katoOf(release);
      assert.deepEqual(
        [
          kato.attach(['dea', 'stager'], '10.1.2.11'),
          kato.nodeList,
          kato.removeNode('10.1.2.12'),
          kato.removeDeadNode('10.1.2.12'),
          kato.enableRoles(['stager', 'dea']),
          kato.stopRoles(['dea', 'stager']),
          kato.retireDea,
          kato.processes,
        ],
        commands,
      );
    });
  }

  it('exist for every release, with the roles that a spec may name', () => {
    assert.deepEqual(
      RELEASE_NAMES,
      CLUSTER_COMMANDS.map(([release]) => release),
    );
    for (const [name, { roles, dataServices, coreNeeds }] of Object.entries(RELEASES)) {
      const unnamed = [...dataServices.value, ...coreNeeds.value].filter((role) => !roles.value.includes(role));
      assert.deepEqual(unnamed, [], name);
      for (const role of ['base', 'mdns', 'load_balancer']) assert.ok(!roles.value.includes(role), `${name} ${role}`);
    }
    assert.deepEqual(
      RELEASE_NAMES.filter((name) => RELEASES[name].coreNeeds.value.includes('primary')),
      ['2.10.4', '2.10.6', '3.0.1', '3.2.1', '3.4.2', '3.6.2'],
    );
  });

  it('quote roles and addresses', () => {
    const kato = katoOf('3.4.2');
    assert.equal(kato.attach(['a;b'], '$(reboot)'), "kato node attach -e 'a;b' '$(reboot)'");
    assert.equal(kato.removeNode('a b'), "kato node remove 'a b'");
    assert.equal(kato.enableRoles(['a&b']), "kato role add 'a&b'");
  });
});

describe("the core's list of nodes", () => {
  it('says what is on a node, on its line or below it', () => {
    const line = '10.0.0.5   base, primary, router\n10.0.0.50  base, dea\n110.0.0.5 mysql\n';
    assert.equal(nodeEntry(line, '10.0.0.5'), '10.0.0.5   base, primary, router');
    assert.equal(nodeEntry(line, '10.0.0.50'), '10.0.0.50  base, dea');
    assert.equal(nodeEntry(line, '10.0.0'), undefined);
    assert.equal(nodeEntry(line, '0.0.0.5'), undefined);
    const block =
      '\x1b[1mnode 10.0.0.5:\x1b[0m\r\n  router RUNNING\r\nnode 10.0.0.6:\r\n  dea RUNNING\r\n  stager FATAL\r\n';
    assert.equal(nodeEntry(block, '10.0.0.6'), 'node 10.0.0.6:\n  dea RUNNING\n  stager FATAL\n');
    const roleFirst = 'dea     10.0.0.6 RUNNING\ndea     10.0.0.7 RUNNING\nstager  10.0.0.6 RUNNING\n';
    assert.equal(nodeEntry(roleFirst, '10.0.0.6'), 'dea     10.0.0.6 RUNNING\nstager  10.0.0.6 RUNNING\n');
    assert.equal(nodeEntry('', '10.0.0.6'), undefined);
  });

  it('has processes that belong to a role by their names', () => {
    const of = (role: string): string[] =>
      ['dea', 'dea_ng', 'router2g', 'redis_server', 'redis_node', 'mysql_gateway', 'rabbit3_node']
        .map((name) => ({ name, state: 'RUNNING' }))
        .filter((process) => isOfRole(process, role))
        .map(({ name }) => name);
    assert.deepEqual(['dea', 'router', 'redis', 'mysql', 'rabbit', 'rabbit3', 'base'].map(of), [
      ['dea', 'dea_ng'],
      ['router2g'],
      ['redis_node'],
      ['mysql_gateway'],
      [],
      ['rabbit3_node'],
      [],
    ]);
  });

  it('has processes that are stopped only once none is coming up', () => {
    const states = (...names: string[]): ProcessState[] => names.map((state) => ({ name: 'dea', state }));
    assert.equal(allStopped(states('STOPPED', 'EXITED', 'FATAL')), true);
    for (const state of ['RUNNING', 'STARTING', 'STOPPING', 'BACKOFF', 'UNKNOWN'])
      assert.equal(allStopped(states('STOPPED', state)), false, state);
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
