/** IPv4 addresses, networks and netmasks, as strict as their strictest reader: no leading zeros (some read octal), no short forms. */

import { withHint } from './problems';

const OCTET = /^(0|[1-9]\d{0,2})$/;

/** No machine has an address in these, whatever the cloud. */
const UNUSABLE = [
  { block: '0.0.0.0/8', what: 'the unspecified network' },
  { block: '127.0.0.0/8', what: 'the loopback network' },
  { block: '169.254.0.0/16', what: 'a link-local network' },
  { block: '224.0.0.0/4', what: 'multicast' },
  { block: '240.0.0.0/4', what: 'reserved' },
] as const;

/** The network of LXC on the appliance, from where nothing else in it can be reached. */
const CONTAINERS = '192.168.3.0/24';

const EXAMPLE = 'write four numbers from 0 to 255, without leading zeros: 10.1.1.103';

export function ipv4Fault(text: string): string | undefined {
  return toNumber(text) === undefined ? withHint('is not an IPv4 address', EXAMPLE) : undefined;
}

/** The address of another machine. */
export function hostAddressFault(text: string): string | undefined {
  const ip = toNumber(text);
  if (ip === undefined) return ipv4Fault(text);
  const bad = UNUSABLE.find(({ block }) => contains(block, ip));
  return bad === undefined
    ? undefined
    : withHint(
        `cannot be a machine’s address: it is in ${bad.block}, ${bad.what}`,
        'give the address other machines reach it at',
      );
}

/** An address that the appliance must be able to reach. */
export function reachableAddressFault(text: string): string | undefined {
  const fault = hostAddressFault(text);
  if (fault !== undefined) return fault;
  const ip = toNumber(text);
  if (ip === undefined || !contains(CONTAINERS, ip)) return undefined;
  return withHint(
    `is in ${CONTAINERS}, which the appliance’s containers use`,
    'give an address in another network: this one cannot be reached from the appliance',
  );
}

export function cidrFault(text: string): string | undefined {
  const [address = '', prefix, ...rest] = text.split('/');
  const ip = toNumber(address);
  if (ip === undefined || rest.length > 0)
    return withHint('is not an IPv4 network in CIDR form', 'write 10.0.0.0/8, or 0.0.0.0/0 for everybody');
  if (prefix === undefined)
    return withHint('has no prefix length', 'write /32 behind a single address, as in 10.1.1.103/32');
  if (!/^(0|[1-9]\d?)$/.test(prefix) || Number(prefix) > 32)
    return withHint('has a prefix length that is not 0 to 32', 'write 10.0.0.0/8, or 0.0.0.0/0 for everybody');
  // Clouds store the network itself: the rule they list would never equal the one asked for.
  if (networkOf(ip, Number(prefix)) !== ip)
    return withHint(
      'has bits set behind its prefix',
      `write the network itself: ${toText(networkOf(ip, Number(prefix)))}/${prefix}`,
    );
  return undefined;
}

export function netmaskFault(text: string): string | undefined {
  const mask = toNumber(text);
  if (mask === undefined) return withHint('is not a netmask', 'write it dotted: 255.255.255.0');
  const prefix = 32 - Math.log2(2 ** 32 - mask);
  if (!Number.isInteger(prefix))
    return withHint('is not a netmask: its bits are not in one block', 'write it dotted: 255.255.255.0');
  if (prefix >= 1 && prefix <= 30) return undefined;
  return withHint('leaves no room for the machine and its gateway', 'give a mask from 128.0.0.0 to 255.255.255.252');
}

/** The addresses of a network that no machine can have. */
export function reservedAddress(text: string, netmask: string): 'network' | 'broadcast' | undefined {
  const [ip, mask] = [toNumber(text), toNumber(netmask)];
  if (ip === undefined || mask === undefined) return undefined;
  const size = 2 ** 32 - mask;
  return ip % size === 0 ? 'network' : ip % size === size - 1 ? 'broadcast' : undefined;
}

/** Whether two addresses are in the same network. */
export function inSameNetwork(one: string, other: string, netmask: string): boolean {
  const [a, b, mask] = [toNumber(one), toNumber(other), toNumber(netmask)];
  if (a === undefined || b === undefined || mask === undefined) return false;
  const size = 2 ** 32 - mask;
  return Math.floor(a / size) === Math.floor(b / size);
}

function toNumber(text: string): number | undefined {
  const octets = text.split('.');
  if (octets.length !== 4 || !octets.every((octet) => OCTET.test(octet) && Number(octet) <= 255)) return undefined;
  return octets.reduce((sum, octet) => sum * 256 + Number(octet), 0);
}

function toText(ip: number): string {
  return [24, 16, 8, 0].map((shift) => Math.floor(ip / 2 ** shift) % 256).join('.');
}

function networkOf(ip: number, prefix: number): number {
  const size = 2 ** (32 - prefix);
  return ip - (ip % size);
}

function contains(block: string, ip: number): boolean {
  const [address = '', prefix = ''] = block.split('/');
  return networkOf(ip, Number(prefix)) === toNumber(address);
}
