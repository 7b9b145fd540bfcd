/** The networks of real machines, as QEMU is told to make them. */

import assert from 'node:assert/strict';
import { qemuArguments } from '../../lab/vm/qemu';
import type { QemuPlan } from '../../lab/vm/qemu';

const PLAN: QemuPlan = {
  memory: 2048,
  privateIp: '10.1.2.11',
  lan: undefined,
  image: { kernel: 'vmlinuz', ramdisk: 'initrd.img', root: 'root.img' },
  disk: 'disk.qcow2',
  ephemeral: undefined,
  settings: 'settings.json',
  metadata: 'metadata',
  sockets: { monitor: 'monitor', serial: 'serial' },
  consoleLog: 'console.log',
  kvm: false,
};

describe("a real machine's networks", () => {
  const words = (change: Partial<QemuPlan>): string[] => qemuArguments({ ...PLAN, ...change }, []);
  const segment = (change: Partial<QemuPlan>): string | undefined =>
    words(change).find((word) => word.startsWith('socket,mcast='));

  it('join the machines of one deployment, on the loopback interface, and nobody else', () => {
    const one = segment({ lan: 'stackato-dev' });
    assert.match(one ?? '', /^socket,mcast=239\.\d+\.\d+\.\d+:\d+,localaddr=127\.0\.0\.1,id=/);
    assert.equal(segment({ lan: 'stackato-dev', privateIp: '10.1.2.12' }), one);
    assert.notEqual(segment({ lan: 'stackato-other' }), one);
  });

  it('give each machine a hardware address of its own there', () => {
    const address = (privateIp: string): string | undefined =>
      words({ lan: 'stackato-dev', privateIp }).find((word) => word.includes('mac='));
    assert.match(address('10.1.2.11') ?? '', /mac=52:54:0a:01:02:0b$/);
    assert.notEqual(address('10.1.2.12'), address('10.1.2.11'));
  });

  it('have no third card for a machine by itself', () => {
    assert.equal(segment({}), undefined);
    const cards = (change: Partial<QemuPlan>): string[] =>
      words(change).filter((word) => word.startsWith('virtio-net-pci'));
    assert.deepEqual([cards({}).length, cards({ lan: 'stackato-dev' }).length], [2, 3]);
    // The guest knows its cards by their order.
    assert.deepEqual(cards({ lan: 'stackato-dev' }).slice(0, 2), cards({}));
  });
});
