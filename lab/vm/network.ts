/**
 * The machine's network: QEMU's own, in user space, with nothing behind it but the way in from the elastic IP.
 *
 * Whoever comes in comes from an address beyond the gateway, as on a cloud: a machine with a wrong gateway or address hears them and cannot
 * answer. QEMU would let them come from the gateway itself, which every machine reaches; so its network is a /16, and the machine's
 * (guest/rootfs, dhclient-enter-hooks.d/lab) one /20 of it, with another address that QEMU answers at as its gateway.
 */

export interface Wiring {
  readonly net: string;
  /** Where visitors come from. */
  readonly visitors: string;
  readonly gateway: string;
}

/** Third bytes that differ in this bit are in different /20s. */
const ELSEWHERE = 16;

export function wiringOf(address: string): Wiring {
  const [a, b, c = '0'] = address.split('.');
  const own = `${a}.${b}.${c}`;
  return {
    net: `${a}.${b}.0.0/16`,
    visitors: `${a}.${b}.${Number(c) ^ ELSEWHERE}.2`,
    gateway: address === `${own}.1` ? `${own}.254` : `${own}.1`,
  };
}
