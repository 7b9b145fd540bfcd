import assert from 'node:assert/strict';
import { dialectOf, direct } from '../../src/machine/kato';
import { allRunning, parseInfo, parseReady, parseStatus, parseVersion } from '../../src/machine/roles';

const HOST = 'stackato.example.com';

describe('kato dialects', () => {
  const families: readonly [string, string, readonly string[]][] = [
    [
      '2.6.6',
      '2.2-2.6',
      [
        'kato rename stackato.example.com',
        'kato disable mdns',
        'kato setup core api.stackato.example.com',
        'kato enable --all-but mdns',
        'timeout -k 2 10 kato ready',
        'kato op static_ip',
      ],
    ],
    [
      '2.10.6',
      '2.8-2.10',
      [
        'kato node rename stackato.example.com',
        'kato role remove mdns',
        'kato node setup core api.stackato.example.com',
        'kato role add --all-but mdns',
        'timeout -k 2 10 kato process ready --block 5 all',
        'kato op static_ip',
      ],
    ],
    [
      '3.4.2',
      '3.x',
      [
        'kato node rename stackato.example.com',
        'kato role remove mdns',
        'kato node setup core api.stackato.example.com',
        'kato role add --all-but mdns',
        'timeout -k 2 10 kato process ready --block 5 all',
        'kato op static_ip --no-restart',
      ],
    ],
  ];
  for (const [release, family, commands] of families) {
    it(`speaks ${release}`, () => {
      const kato = dialectOf(release);
      assert.equal(kato.family, family);
      const built = [
        kato.rename(HOST),
        kato.disableRole('mdns'),
        kato.setUpCore(`api.${HOST}`),
        kato.enableAllBut('mdns'),
        kato.ready,
        kato.staticIp,
      ];
      assert.deepEqual(built, commands);
    });
  }

  it('knows the borders, and refuses what is beyond', () => {
    const known = ['2.2', '2.6.7', '2.8.0', '2.10.4', '3.0', 'v3.6.1'].map((release) => dialectOf(release).family);
    assert.deepEqual(known, ['2.2-2.6', '2.2-2.6', '2.8-2.10', '2.8-2.10', '3.x', '3.x']);
    for (const release of ['2.1.9', '1.2.6', '4.0.0', '', '26', 'latest'])
      assert.throws(() => dialectOf(release), RangeError);
  });

  it('quotes what it is given', () => {
    assert.equal(dialectOf('2.6.6').rename('a; reboot'), "kato rename 'a; reboot'");
  });

  it('finds kato in a plain exec', () => {
    assert.equal(direct('kato info'), 'PATH="$HOME/bin:$PATH:/usr/sbin:/sbin"; export PATH; kato info');
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
    assert.deepEqual(parseInfo(text), wanted);
  });

  it('is read as YAML', () => {
    const text =
      '---\nassigned_roles:\n- base\n- controller\n- mdns\navailable_roles: [base, controller, mdns, dea]\nmbusip: 127.0.0.1\nendpoint: api.stackato-ab12.local\nmicro_cloud: true\n';
    assert.deepEqual(parseInfo(text), { ...wanted, microCloud: true });
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
    assert.deepEqual(parseInfo(`warning: old client\n${json}\n`), { ...wanted, microCloud: false });
  });

  it('is read as lists on one line, with states', () => {
    assert.deepEqual(parseInfo('Assigned Roles: base (RUNNING), dea\nMBUS IP = 10.0.0.5\n'), {
      assigned: ['base', 'dea'],
      available: [],
      mbusIp: '10.0.0.5',
    });
  });

  it('is nothing where something else answered', () => {
    for (const text of ['', 'sh: kato: not found\n', 'Usage: kato <command>\n'])
      assert.equal(parseInfo(text), undefined);
  });
});

describe('kato status', () => {
  it('is read as a table', () => {
    const states = parseStatus(
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
    assert.deepEqual(parseStatus(json), [
      { name: 'dea', state: 'RUNNING' },
      { name: 'nats', state: 'FATAL' },
    ]);
  });
});

describe('kato ready and version', () => {
  it('tells ready from not ready from neither', () => {
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
      ].map(parseReady),
      [true, true, false, false, false, false, undefined, undefined],
    );
  });

  it('finds the number', () => {
    assert.deepEqual(['Stackato 2.6.6\n', 'v3.4.2-g1234', 'kato: error'].map(parseVersion), [
      '2.6.6',
      '3.4.2',
      undefined,
    ]);
  });
});
