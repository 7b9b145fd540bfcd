/** What ifconfig and route show. A bridge for the containers stands beside the real interface. */

import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import type { Knobs } from '../types';
import type { Place } from './place';

export interface Shown {
  readonly address: string;
  readonly netmask: string;
  readonly network: string;
  readonly broadcast: string;
  readonly gateway: string;
}

interface Card {
  readonly name: string;
  readonly flags: readonly [number: number, names: string];
  readonly mtu: number;
  readonly address: string;
  readonly netmask: string;
  /** Absent: the loopback. */
  readonly ethernet?: { readonly broadcast: string; readonly hardware: string };
}

interface Words {
  readonly card: (card: Card) => readonly string[];
  /** Of the default route: dhclient and ifupdown came to leave it at 0. */
  readonly metric: number;
}

const WORDS: Readonly<Record<Knobs['netTools'], Words>> = {
  '1.60': { card: oldCard, metric: 100 },
  '2.10': { card: newCard, metric: 0 },
};

const ETHERNET = { flags: [4163, 'UP,BROADCAST,RUNNING,MULTICAST'], mtu: 1500 } as const;
const LOOPBACK: Card = {
  name: 'lo',
  flags: [73, 'UP,LOOPBACK,RUNNING'],
  mtu: 65536,
  address: '127.0.0.1',
  netmask: '255.0.0.0',
};
const BRIDGE: Card = {
  ...ETHERNET,
  name: 'virbr0',
  address: '192.168.3.1',
  netmask: '255.255.255.0',
  ethernet: { broadcast: '192.168.3.255', hardware: '5e:1f:00:00:00:01' },
};

/** The messages of net-tools 1.60 in German, as far as anybody reads them. */
const GERMAN: readonly (readonly [string, string])[] = [
  ['Kernel IP routing table', 'Kernel-IP-Routentabelle'],
  ['Destination     Gateway         Genmask', 'Ziel            Router          Genmask'],
  ['HWaddr', 'Hardware Adresse'],
  ['inet addr:', 'inet Adresse:'],
  ['Mask:', 'Maske:'],
  ['netmask ', 'Netzmaske '],
  ['Local Loopback', 'Lokale Schleife'],
  ['Metric:', 'Metrik:'],
];

function german(text: string): string {
  return GERMAN.reduce((translated, [from, to]) => translated.replaceAll(from, to), text);
}

/** As OpenVPN's `redirect-gateway def1` does. */
const VPN: readonly (readonly [string, string, string, string])[] = [
  ['0.0.0.0', '10.8.0.5', '128.0.0.0', 'UG    0      0        0 tun0'],
  ['128.0.0.0', '10.8.0.5', '128.0.0.0', 'UG    0      0        0 tun0'],
  ['10.8.0.5', '0.0.0.0', '255.255.255.255', 'UH    0      0        0 tun0'],
];

export function showNetwork(
  place: Place,
  { address, netmask, network, broadcast, gateway }: Shown,
  { netTools: version, vpn }: Pick<Knobs, 'netTools' | 'vpn'>,
): void {
  const { card, metric } = WORDS[version];
  const tail = createHash('sha256')
    .update(address)
    .digest('hex')
    .slice(0, 8)
    .replace(/..(?!$)/g, '$&:');
  const own: Card = { ...ETHERNET, name: 'eth0', address, netmask, ethernet: { broadcast, hardware: `d0:0d:${tail}` } };
  for (const shown of [own, LOOPBACK, BRIDGE]) show(place, `ifconfig/${shown.name}`, `${card(shown).join('\n')}\n\n`);
  const routes = [
    ['Destination', 'Gateway', 'Genmask', 'Flags Metric Ref    Use Iface'],
    ...(vpn ? VPN : []),
    ['0.0.0.0', gateway, '0.0.0.0', `UG    ${String(metric).padEnd(6)} 0        0 eth0`],
    [network, '0.0.0.0', netmask, 'U     0      0        0 eth0'],
    ['192.168.3.0', '0.0.0.0', '255.255.255.0', 'U     0      0        0 virbr0'],
  ];
  const table = routes.map(
    ([to = '', by = '', genmask = '', rest = '']) => `${to.padEnd(16)}${by.padEnd(16)}${genmask.padEnd(16)}${rest}\n`,
  );
  show(place, 'route', `Kernel IP routing table\n${table.join('')}`);
}

function show(place: Place, name: string, text: string): void {
  writeFileSync(`${place.path}/run/${name}`, text);
  writeFileSync(`${place.path}/run/de/${name}`, german(text));
}

function oldCard({ name, flags: [, flags], mtu, address, netmask, ethernet }: Card): readonly string[] {
  const rows = [
    `inet addr:${address}${ethernet === undefined ? '' : `  Bcast:${ethernet.broadcast}`}  Mask:${netmask}`,
    `${flags.replaceAll(',', ' ')}  MTU:${mtu}  Metric:1`,
    'RX packets:4711 errors:0 dropped:0 overruns:0 frame:0',
    'TX packets:815 errors:0 dropped:0 overruns:0 carrier:0',
  ];
  const kind = ethernet === undefined ? 'Local Loopback' : `Ethernet  HWaddr ${ethernet.hardware}`;
  return [`${name.padEnd(10)}Link encap:${kind}  `, ...rows.map((row) => `          ${row}`)];
}

function newCard({ name, flags: [number, flags], mtu, address, netmask, ethernet }: Card): readonly string[] {
  const rows = [
    `inet ${address}  netmask ${netmask}${ethernet === undefined ? '' : `  broadcast ${ethernet.broadcast}`}`,
    ethernet === undefined
      ? 'loop  txqueuelen 1000  (Local Loopback)'
      : `ether ${ethernet.hardware}  txqueuelen 1000  (Ethernet)`,
    'RX packets 74  bytes 8726 (8.5 KiB)',
    'RX errors 0  dropped 0  overruns 0  frame 0',
    'TX packets 87  bytes 9823 (9.5 KiB)',
    'TX errors 0  dropped 0 overruns 0  carrier 0  collisions 0',
  ];
  return [`${name}: flags=${number}<${flags}>  mtu ${mtu}`, ...rows.map((row) => `        ${row}`)];
}
