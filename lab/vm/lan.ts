/**
 * The private network of machines that belong together: a multicast group on the loopback interface, which each QEMU
 * joins as if it were an Ethernet segment. Nothing in between needs to run, nor root.
 */

import { createHash, randomBytes } from 'node:crypto';

/** So that machines of two labs do not meet. */
const OURS = randomBytes(16);
const PORT = 4220;

/** QEMU's network that all machines with this name are on. */
export function segmentOf(name: string): string {
  const digest = createHash('sha256').update(OURS).update(name).digest();
  return `socket,mcast=239.${[...digest.subarray(0, 3)].join('.')}:${PORT},localaddr=127.0.0.1`;
}

/** QEMU gives every machine the same hardware address, and on one segment they must differ. */
export function hardwareAddressOf(privateIp: string): string {
  return ['52', '54', ...privateIp.split('.').map((byte) => Number(byte).toString(16).padStart(2, '0'))].join(':');
}
