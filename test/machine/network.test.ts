import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { checkNames, isRenamed } from '../../src/machine/rename-check';
import { parseBootId, parseMemory, rebootJob } from '../../src/machine/system';
import {
  READ_IFCONFIG,
  isStatic,
  parseIfconfig,
  parseInterfaces,
  parseResolvConf,
  parseRoute,
  staticIpAnswers,
  staticNetworkOf,
  READ_NETWORK,
} from '../../src/machine/network';
import { inSections, parseSections } from '../../src/machine/shell';
import { READ_RESOLVER, putResolverFirst, resolverStateOf } from '../../src/machine/resolver';
import { DeployError } from '../../src/deployment/errors';
import { LocalVm } from './local-vm';

const OLD_IFCONFIG = `eth0      Link encap:Ethernet  HWaddr 08:00:27:fc:1c:f6
          inet addr:10.0.0.5  Bcast:10.0.0.255  Mask:255.255.255.0
          inet6 addr: fe80::a00:27ff:fefc:1cf6/64 Scope:Link
          UP BROADCAST RUNNING MULTICAST  MTU:1500  Metric:1
`;
const NEW_IFCONFIG = `eth0: flags=4163<UP,BROADCAST,RUNNING,MULTICAST>  mtu 1500
        inet 10.0.0.5  netmask 255.255.255.0  broadcast 10.0.0.255
        ether 08:00:27:fc:1c:f6  txqueuelen 1000  (Ethernet)
`;
const ROUTE = `Kernel IP routing table
Destination     Gateway         Genmask         Flags Metric Ref    Use Iface
0.0.0.0         10.0.0.1        0.0.0.0         UG    100    0        0 eth0
10.0.0.0        0.0.0.0         255.255.255.0   U     0      0        0 eth0
192.168.3.0     0.0.0.0         255.255.255.0   U     0      0        0 lxcbr0
`;
const STATIC = `auto lo
iface lo inet loopback
# the first card
auto eth0
iface eth0 inet static
  address 10.0.0.5
  netmask 255.255.255.0
  network 10.0.0.0
  broadcast 10.0.0.255
  gateway 10.0.0.1
  dns-nameservers 10.0.0.2 \\
    10.0.0.3
  dns-search example.com
iface eth0 inet6 auto
`;
const SECTIONS = {
  ifconfig: OLD_IFCONFIG,
  route: ROUTE,
  resolver: 'search example.com\nnameserver 10.0.0.2\nnameserver 10.0.0.3\n',
  upstream: '',
};
const NETWORK = {
  interface: 'eth0',
  address: '10.0.0.5',
  netmask: '255.255.255.0',
  gateway: '10.0.0.1',
  nameservers: ['10.0.0.2', '10.0.0.3'],
  search: ['example.com'],
};

const ROUTE_HEAD = 'Destination     Gateway         Genmask         Flags Metric Ref    Use Iface\n';
const VPN = `0.0.0.0         10.8.0.5        128.0.0.0       UG    0      0        0 tun0
0.0.0.0         172.16.0.1      0.0.0.0         UG    0      0        0 eth0
10.8.0.5        0.0.0.0         255.255.255.255 UH    0      0        0 tun0
128.0.0.0       10.8.0.5        128.0.0.0       UG    0      0        0 tun0
172.16.0.0      0.0.0.0         255.255.240.0   U     0      0        0 eth0
`;
const row = (gateway: string, flags: string, metric: string, name: string): string =>
  `0.0.0.0         ${gateway}        0.0.0.0         ${flags}    ${metric}      0        0 ${name}\n`;
const ROUTES: readonly [what: string, table: string, wanted: { gateway: string; interface: string } | undefined][] = [
  ['beside a VPN', VPN, { gateway: '172.16.0.1', interface: 'eth0' }],
  [
    'the better one of two last',
    row('10.0.0.2', 'UG', '600', 'wlan0') + row('10.0.0.1', 'UG', '100', 'eth1'),
    { gateway: '10.0.0.1', interface: 'eth1' },
  ],
  [
    'two with the same metric',
    row('10.0.0.1', 'UG', '0', 'eth1') + row('10.0.0.2', 'UG', '0', 'eth2'),
    { gateway: '10.0.0.1', interface: 'eth1' },
  ],
  [
    'with reject routes',
    row('-', '!', '-', '-') + row('10.0.0.2', 'UG!', '0', 'eth1') + row('10.0.0.1', 'UGD', '9', 'eth2'),
    { gateway: '10.0.0.1', interface: 'eth2' },
  ],
  ['one without a gateway', row('0.0.0.0', 'U', '0', 'ppp0'), undefined],
  ['only the halves of a VPN', VPN.replace(/^.*172\.16\.0\.1 .*\n/m, ''), undefined],
  ['none', '', undefined],
];

/** The interface that the shell script passes to ifconfig. */
async function interfaceShown(table: string): Promise<string> {
  const vm = new LocalVm();
  vm.program('route', `cat <<'END'\n${table}END`);
  vm.program('ifconfig', 'printf %s "$1"');
  const { stdout } = await vm.run(`PATH="$HOME/bin:$PATH"; ${READ_IFCONFIG}`);
  vm.dispose();
  return stdout;
}

describe('network parsers', () => {
  it('read both formats of ifconfig', () => {
    const wanted = { name: 'eth0', address: '10.0.0.5', netmask: '255.255.255.0' };
    assert.deepEqual(parseIfconfig(OLD_IFCONFIG), wanted);
    assert.deepEqual(parseIfconfig(NEW_IFCONFIG), wanted);
    assert.deepEqual(parseIfconfig(''), {});
  });

  it('read the default route', () => {
    assert.deepEqual(parseRoute(ROUTE), { gateway: '10.0.0.1', interface: 'eth0' });
    assert.equal(parseRoute('Kernel IP routing table\n'), undefined);
  });

  it('C12: find the default route (case 09), and do not take the halves of a VPN for it', async () => {
    for (const [what, table, wanted] of ROUTES) {
      assert.deepEqual(parseRoute(`Kernel IP routing table\n${ROUTE_HEAD}${table}`), wanted, what);
      assert.equal(
        await interfaceShown(`Kernel IP routing table\n${ROUTE_HEAD}${table}`),
        wanted?.interface ?? 'eth0',
        what,
      );
    }
  });

  it('read resolv.conf as glibc does', () => {
    const text =
      '# made by resolvconf\ndomain old.example\nsearch a.example b.example\nnameserver 10.0.0.2 # first\n;nameserver 1.1.1.1\n';
    assert.deepEqual(parseResolvConf(text), { nameservers: ['10.0.0.2'], search: ['a.example', 'b.example'] });
  });

  it('read /etc/network/interfaces', () => {
    const { lo, eth0 } = parseInterfaces(STATIC);
    assert.deepEqual(lo, { method: 'loopback', options: {} });
    assert.equal(eth0?.method, 'static');
    assert.deepEqual(eth0?.options['dns-nameservers'], ['10.0.0.2', '10.0.0.3']);
  });
});

describe('the static network', () => {
  const fails = (sections: Record<string, string>, code: string, words: RegExp): void =>
    assert.throws(
      () => staticNetworkOf(sections, { mode: 'static' }),
      (error) => error instanceof DeployError && error.code === code && words.test(error.message),
    );

  it('is what the machine has', () => assert.deepEqual(staticNetworkOf(SECTIONS, { mode: 'static' }), NETWORK));

  it('is what the spec says, if it says something', () => {
    const spec = {
      mode: 'static',
      netmask: '255.255.0.0',
      gateway: '10.0.9.9',
      nameservers: ['9.9.9.9'],
      search: [],
    } as const;
    assert.deepEqual(staticNetworkOf(SECTIONS, spec), {
      ...NETWORK,
      netmask: '255.255.0.0',
      gateway: '10.0.9.9',
      nameservers: ['9.9.9.9'],
      search: [],
    });
  });

  it("has dnsmasq's upstream servers if resolv.conf only names dnsmasq", () => {
    const sections = {
      ...SECTIONS,
      resolver: 'search containers.\nnameserver 127.0.0.1\n',
      upstream: 'nameserver 10.0.0.2\nnameserver 10.0.0.3\nsearch example.com\n',
    };
    assert.deepEqual(staticNetworkOf(sections, { mode: 'static' }), NETWORK);
  });

  it('names what is missing', () => {
    fails({ ...SECTIONS, route: '' }, 'NETWORK_UNKNOWN', /its gateway\.$/);
    fails({ ...SECTIONS, resolver: 'nameserver 127.0.0.1\n' }, 'NETWORK_UNKNOWN', /its nameservers\.$/);
  });

  it("must not be in the containers' network", () => {
    fails(
      { ...SECTIONS, ifconfig: OLD_IFCONFIG.replaceAll('10.0.0.5', '192.168.3.7') },
      'NETWORK_CLASH',
      /192\.168\.3\.7/,
    );
  });

  it('is answered with lists separated by spaces, and recognized in the file', () => {
    assert.deepEqual(staticIpAnswers(NETWORK), {
      interface: 'eth0',
      address: '10.0.0.5',
      netmask: '255.255.255.0',
      gateway: '10.0.0.1',
      nameservers: '10.0.0.2 10.0.0.3',
      search: 'example.com',
      confirm: 'yes',
      decline: 'no',
      enter: '',
    });
    assert.equal(isStatic(STATIC, NETWORK), true);
    assert.equal(isStatic(STATIC, { ...NETWORK, gateway: '10.0.0.254' }), false);
    assert.equal(isStatic('auto eth0\niface eth0 inet dhcp\n', NETWORK), false);
    assert.equal(isStatic(STATIC.replace('dns-search example.com', ''), { ...NETWORK, search: [] }), true);
  });
});

describe('sections of output', () => {
  it('are told apart, even if a command fails or its output lacks the last newline', () => {
    const command = inSections({ one: 'printf "a\\n\\nb"', two: 'cat /nonexistent', three: 'echo c' });
    assert.deepEqual(parseSections(execFileSync('/bin/sh', ['-c', command], { encoding: 'utf8' })), {
      one: 'a\n\nb',
      two: '',
      three: 'c\n',
    });
  });

  it('are not returned from truncated output', () =>
    assert.equal(parseSections('\nstackato-section one\nabc'), undefined));

  it('are read from files with literal paths', () => {
    for (const path of ['/etc/resolv.conf', '/var/run/dnsmasq/resolv.conf', '/etc/network/interfaces'])
      assert.ok(READ_NETWORK.includes(`cat ${path};`), path);
  });
});

describe('the resolver step', () => {
  let root: string;
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'stackato-root-'));
    mkdirSync(join(root, 'etc/dhcp'), { recursive: true });
    writeFileSync(join(root, 'etc/dhcp/dhclient.conf'), 'request subnet-mask;\n');
    writeFileSync(join(root, 'etc/resolv.conf'), '# made by hand\nnameserver 10.0.0.2\nnameserver 127.0.0.1\n');
  });
  afterEach(() => rmSync(root, { recursive: true }));
  const run = (command: string): string =>
    execFileSync('/bin/sh', ['-c', command.replaceAll('/etc/', `${root}/etc/`).replace(/^sudo /, '')], {
      encoding: 'utf8',
    });
  const state = (mode: 'static' | 'dhcp'): unknown => resolverStateOf(parseSections(run(READ_RESOLVER)) ?? {}, mode);
  const file = (path: string): string => readFileSync(join(root, path), 'utf8');
  const WANTED = 'search containers.\nnameserver 127.0.0.1\n# made by hand\nnameserver 10.0.0.2\n';

  it("writes resolvconf's head and follows the link, with the same result the second time", () => {
    mkdirSync(join(root, 'etc/resolvconf/resolv.conf.d'), { recursive: true });
    writeFileSync(join(root, 'etc/resolvconf/resolv.conf.d/head'), '# head\n');
    writeFileSync(join(root, 'real'), file('etc/resolv.conf'));
    rmSync(join(root, 'etc/resolv.conf'));
    symlinkSync('../real', join(root, 'etc/resolv.conf'));
    assert.deepEqual(state('dhcp'), { live: false, persistent: false });
    for (const _ of [1, 2]) {
      run(putResolverFirst('dhcp'));
      assert.equal(file('real'), WANTED);
      assert.equal(file('etc/resolvconf/resolv.conf.d/head'), 'search containers.\nnameserver 127.0.0.1\n# head\n');
      assert.deepEqual(state('dhcp'), { live: true, persistent: true });
    }
    writeFileSync(join(root, 'real'), 'nameserver 10.0.0.2\n');
    assert.deepEqual(state('dhcp'), { live: false, persistent: true });
  });

  it('configures dhclient if there is no resolvconf, once', () => {
    run(putResolverFirst('dhcp'));
    assert.deepEqual(state('dhcp'), { live: true, persistent: true });
    run(putResolverFirst('dhcp'));
    assert.equal(
      file('etc/dhcp/dhclient.conf'),
      'request subnet-mask;\nprepend domain-search "containers.";\nprepend domain-name-servers 127.0.0.1;\n',
    );
  });

  it('leaves dhclient alone on a static network', () => {
    run(putResolverFirst('static'));
    assert.equal(file('etc/resolv.conf'), WANTED);
    assert.equal(file('etc/dhcp/dhclient.conf'), 'request subnet-mask;\n');
    assert.deepEqual(state('static'), { live: true, persistent: true });
    rmSync(join(root, 'etc/resolv.conf'));
    run(putResolverFirst('static'));
    assert.equal(file('etc/resolv.conf'), 'search containers.\nnameserver 127.0.0.1\n');
  });
});

describe('the name of the machine', () => {
  const HOST = 'stackato.example.com';
  const sections = {
    hostname: 'stackato\n',
    file: 'stackato.example.com\n',
    hosts: '127.0.0.1\tlocalhost stackato\n10.0.0.5\tstackato.example.com api.stackato.example.com # us\n',
    certificate: 'subject= /C=CA/CN=*.stackato.example.com\n',
  };

  it('is looked up in every place', () => {
    assert.deepEqual(checkNames(sections, HOST), { hostname: true, hosts: true, certificate: true });
    assert.ok(isRenamed(checkNames({ ...sections, certificate: 'subject=CN = stackato.example.com' }, HOST)));
    assert.ok(isRenamed(checkNames({ ...sections, certificate: '' }, HOST)));
  });

  it('is not complete while one place has the old one', () => {
    for (const old of [
      { hostname: 'stackato-ab12' },
      { file: '' },
      { hosts: '127.0.0.1 localhost' },
      { certificate: 'subject=CN = stackato-ab12.local' },
    ]) {
      assert.equal(isRenamed(checkNames({ ...sections, ...old }, HOST)), false, JSON.stringify(old));
    }
  });
});

describe('the running boot', () => {
  const ID = '0f8f9a3c-1b2d-4e5f-8a9b-0123456789ab';

  it('has a UUID for its id, and nothing else', () => {
    assert.equal(parseBootId(`${ID.toUpperCase()}\n`), ID);
    for (const text of ['', ID.slice(1), `${ID} x`, 'cat: no such file']) assert.equal(parseBootId(text), undefined);
  });

  it('is ended by one job per id, which checks the id again', () => {
    assert.deepEqual(rebootJob(ID), {
      need: `reboot-${ID}`,
      command: `[ "$(cat /proc/sys/kernel/random/boot_id)" = ${ID} ] && sudo reboot`,
    });
    assert.throws(() => rebootJob('x'), RangeError);
  });

  it('reports its memory', () => {
    assert.equal(parseMemory('MemTotal:        2050000 kB\nMemFree: 1 kB\n'), 2002);
    assert.equal(parseMemory(''), undefined);
  });
});
