/** The output of ifconfig and route: a real interface, and a bridge for the containers. */

import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import type { Knobs } from '../knobs';
import type { MachineFiles } from './machine-files';

export interface ShownNetwork {
  readonly address: string;
  readonly netmask: string;
  readonly network: string;
  readonly broadcast: string;
  readonly gateway: string;
}

interface Nic {
  readonly name: string;
  readonly flags: readonly [number: number, names: string];
  readonly mtu: number;
  readonly address: string;
  readonly netmask: string;
  /** Absent for the loopback interface. */
  readonly ethernet?: { readonly broadcast: string; readonly hardware: string };
}

interface OutputStyle {
  readonly ifconfig: (card: Nic) => readonly string[];
  /** Metric of the default route: 0 with later releases of dhclient and ifupdown. */
  readonly metric: number;
}

const STYLES: Readonly<Record<Knobs['netTools'], OutputStyle>> = {
  '1.60': { ifconfig: ifconfig160, metric: 100 },
  '2.10': { ifconfig: ifconfig210, metric: 0 },
};

const ETHERNET = { flags: [4163, 'UP,BROADCAST,RUNNING,MULTICAST'], mtu: 1500 } as const;
const LOOPBACK: Nic = {
  name: 'lo',
  flags: [73, 'UP,LOOPBACK,RUNNING'],
  mtu: 65536,
  address: '127.0.0.1',
  netmask: '255.0.0.0',
};
const BRIDGE: Nic = {
  ...ETHERNET,
  name: 'virbr0',
  address: '192.168.3.1',
  netmask: '255.255.255.0',
  ethernet: { broadcast: '192.168.3.255', hardware: '5e:1f:00:00:00:01' },
};

/** German messages of net-tools 1.60, as far as they matter to a parser. */
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

/** The routes of OpenVPN's `redirect-gateway def1`. */
const VPN: readonly (readonly [string, string, string, string])[] = [
  ['0.0.0.0', '10.8.0.5', '128.0.0.0', 'UG    0      0        0 tun0'],
  ['128.0.0.0', '10.8.0.5', '128.0.0.0', 'UG    0      0        0 tun0'],
  ['10.8.0.5', '0.0.0.0', '255.255.255.255', 'UH    0      0        0 tun0'],
];

export function showNetwork(
  files: MachineFiles,
  { address, netmask, network, broadcast, gateway }: ShownNetwork,
  { netTools: version, vpn }: Pick<Knobs, 'netTools' | 'vpn'>,
): void {
  const { ifconfig, metric } = STYLES[version];
  const tail = createHash('sha256')
    .update(address)
    .digest('hex')
    .slice(0, 8)
    .replace(/..(?!$)/g, '$&:');
  const own: Nic = { ...ETHERNET, name: 'eth0', address, netmask, ethernet: { broadcast, hardware: `d0:0d:${tail}` } };
  for (const shown of [own, LOOPBACK, BRIDGE])
    show(files, `ifconfig/${shown.name}`, `${ifconfig(shown).join('\n')}\n\n`);
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
  show(files, 'route', `Kernel IP routing table\n${table.join('')}`);
}

function show(files: MachineFiles, name: string, text: string): void {
  writeFileSync(`${files.path}/run/${name}`, text);
  writeFileSync(`${files.path}/run/de/${name}`, german(text));
}

function ifconfig160({ name, flags: [, flags], mtu, address, netmask, ethernet }: Nic): readonly string[] {
  const rows = [
    `inet addr:${address}${ethernet === undefined ? '' : `  Bcast:${ethernet.broadcast}`}  Mask:${netmask}`,
    `${flags.replaceAll(',', ' ')}  MTU:${mtu}  Metric:1`,
    'RX packets:4711 errors:0 dropped:0 overruns:0 frame:0',
    'TX packets:815 errors:0 dropped:0 overruns:0 carrier:0',
  ];
  const kind = ethernet === undefined ? 'Local Loopback' : `Ethernet  HWaddr ${ethernet.hardware}`;
  return [`${name.padEnd(10)}Link encap:${kind}  `, ...rows.map((row) => `          ${row}`)];
}

function ifconfig210({ name, flags: [number, flags], mtu, address, netmask, ethernet }: Nic): readonly string[] {
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
