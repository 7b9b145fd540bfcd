import assert from 'node:assert/strict';
import { READ_NETWORK, staticNetworkOf } from '../../src/machine/network';
import { TestMachines } from './appliance-support';

describe("a simulated appliance's network", function () {
  this.timeout(60_000);
  let machines: TestMachines;
  beforeEach(() => (machines = new TestMachines()));
  afterEach(() => machines.close());

  it('is shown as an Ubuntu of its time does', async () => {
    const machine = await machines.machine({ privateIp: '172.30.4.5' });
    const sections = await machine.observe(READ_NETWORK);
    assert.deepEqual(staticNetworkOf(sections, { mode: 'static' }), {
      interface: 'eth0',
      address: '172.30.4.5',
      netmask: '255.255.255.0',
      gateway: '172.30.4.1',
      nameservers: ['172.16.0.23', '172.16.0.24'],
      search: ['cloud.internal'],
    });
    assert.match(sections['interfaces'] ?? '', /^iface eth0 inet dhcp$/m);
    assert.match(sections['route'] ?? '', /^0\.0\.0\.0 +172\.30\.4\.1 +0\.0\.0\.0 +UG +100 .* eth0$/m);
    assert.match(
      (await machine.exec('ifconfig')).stdout,
      /^eth0 +Link encap:Ethernet  HWaddr [^]*^lo +Link encap:Local Loopback  \n +inet addr:127\.0\.0\.1  Mask:255\.0\.0\.0$/m,
    );
  });

  it('is shown as a Debian does that has net-tools 2.10, if told to', async () => {
    const machine = await machines.machine({ privateIp: '172.30.4.5', netTools: '2.10' });
    const sections = await machine.observe(READ_NETWORK);
    const { interface: card, address, netmask, gateway } = staticNetworkOf(sections, { mode: 'static' });
    assert.deepEqual([card, address, netmask, gateway], ['eth0', '172.30.4.5', '255.255.255.0', '172.30.4.1']);
    assert.match(sections['route'] ?? '', /^0\.0\.0\.0 +172\.30\.4\.1 +0\.0\.0\.0 +UG +0 .* eth0$/m);
    const [first, second, third] = (sections['ifconfig'] ?? '').split('\n');
    assert.equal(first, 'eth0: flags=4163<UP,BROADCAST,RUNNING,MULTICAST>  mtu 1500');
    assert.equal(second, '        inet 172.30.4.5  netmask 255.255.255.0  broadcast 172.30.4.255');
    assert.match(third ?? '', /^ {8}ether [\da-f:]{17}  txqueuelen 1000  \(Ethernet\)$/);
    assert.match(
      (await machine.exec('ifconfig')).stdout,
      /^lo: flags=73<UP,LOOPBACK,RUNNING>  mtu 65536\n +inet 127\.0\.0\.1  netmask 255\.0\.0\.0\n +loop /m,
    );
  });

  it('with the knob, has only its own dnsmasq as name server from the first boot on, which knows those of the site', async () => {
    const SITE = 'nameserver 172.16.0.23\nnameserver 172.16.0.24\n';
    for (const resolvConfRegenerated of [true, false]) {
      const machine = await machines.machine({ localResolver: true, resolvConfRegenerated });
      const servers = (path: string): string =>
        (machine.appliance.file(path) ?? '')
          .split('\n')
          .filter((line) => line.startsWith('nameserver '))
          .map((line) => `${line}\n`)
          .join('');
      assert.deepEqual(['/etc/resolv.conf', '/var/run/dnsmasq/resolv.conf'].map(servers), [
        'nameserver 127.0.0.1\n',
        SITE,
      ]);
      const { nameservers, search } = staticNetworkOf(await machine.observe(READ_NETWORK), { mode: 'static' });
      assert.deepEqual([nameservers, search], [['172.16.0.23', '172.16.0.24'], ['cloud.internal']]);
    }
  });
});
