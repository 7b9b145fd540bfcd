/** QEMU's command line, and the network it gives the machine. */

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { quote } from '../appliance/guest-rpc';
import type { ApplianceOptions, NodeImage } from '../types';
import { volumeArguments } from './disks';
import type { PluggedVolume } from './disks';
import { hardwareAddressOf, segmentOf } from './lan';

export interface QemuPlan {
  readonly memory: ApplianceOptions['memory'];
  readonly privateIp: string;
  readonly lan: ApplianceOptions['lan'];
  readonly image: NodeImage;
  readonly disk: string;
  /** Path of the ephemeral disk; undefined: none. */
  readonly ephemeral: string | undefined;
  readonly settings: string;
  /** Folder of the metadata service. */
  readonly metadata: string;
  readonly sockets: { readonly monitor: string; readonly serial: string };
  readonly consoleLog: string;
  readonly kvm: boolean;
}

export const NETWORK = 'net0';
const LAN = 'net2';

/**
 * Boots as Eucalyptus boots an EMI with its EKI and ERI: without a boot loader, with the root file system on the whole
 * disk.
 */
const COMMAND_LINE = 'root=/dev/vda ro console=ttyS0 net.ifnames=0 quiet';

/** The service is on a network of its own, because QEMU forwards only addresses of the network that a card is on. */
const METADATA_NETWORK = 'net1';
const METADATA = { net: '169.254.0.0/16', service: '169.254.169.254:80' };
/** Whether this file runs from lab/ or from dist/lab/. */
const METADATA_SCRIPT =
  [__dirname, join(__dirname, '../../../lab/vm')]
    .map((folder) => join(folder, 'metadata.sh'))
    .find((path) => existsSync(path)) ?? 'metadata.sh';

/** qemu64, because a CPU with more features is slower to emulate: 26 s until ssh answers, and 35 s with `max`. */
const EMULATED = ['-accel', 'tcg,tb-size=256', '-cpu', 'qemu64'];
const ACCELERATED = ['-accel', 'kvm', '-cpu', 'host'];

/** @param plugged volumes that the machine has when it is switched on */
export function qemuArguments(
  { memory, privateIp, lan, image, disk, ephemeral, settings, metadata, sockets, consoleLog, kvm }: QemuPlan,
  plugged: readonly PluggedVolume[],
): string[] {
  const { net, clients, gateway } = vmNetworkOf(privateIp);
  return [
    ...(kvm ? ACCELERATED : EMULATED),
    '-m',
    String(memory),
    '-smp',
    '1',
    '-nodefaults',
    '-no-user-config',
    '-display',
    'none',
    '-kernel',
    image.kernel,
    '-initrd',
    image.ramdisk,
    '-append',
    COMMAND_LINE,
    '-drive',
    `file=${quoted(disk)},format=qcow2,if=virtio`,
    ...(ephemeral === undefined ? [] : ['-drive', `file=${quoted(ephemeral)},format=raw,if=virtio`]),
    '-fw_cfg',
    `name=opt/stackato/settings,file=${quoted(settings)}`,
    '-netdev',
    `user,id=${NETWORK},ipv6=off,restrict=on,net=${net},dhcpstart=${privateIp},host=${clients},dns=${gateway}`,
    '-device',
    `virtio-net-pci,netdev=${NETWORK}`,
    '-netdev',
    `user,id=${METADATA_NETWORK},ipv6=off,restrict=on,net=${METADATA.net},guestfwd=tcp:${METADATA.service}-cmd:${quoted(`/bin/sh ${quote(METADATA_SCRIPT)} ${quote(metadata)}`)}`,
    '-device',
    `virtio-net-pci,netdev=${METADATA_NETWORK}`,
    ...(lan === undefined ? [] : lanArguments(lan, privateIp)),
    '-device',
    'virtio-rng-pci',
    '-chardev',
    `socket,id=serial,path=${quoted(sockets.serial)},server=on,wait=off,logfile=${quoted(consoleLog)},logappend=on`,
    '-serial',
    'chardev:serial',
    '-qmp',
    `unix:${quoted(sockets.monitor)},server=on,wait=off`,
    ...volumeArguments(plugged),
  ];
}

/**
 * The way to other machines, a card of its own (guest/rootfs, if-up.d/lan). On the segment of the first card QEMU's
 * network would see their connections, too, which it does not know and resets.
 */
function lanArguments(lan: string, privateIp: string): string[] {
  return [
    '-netdev',
    `${segmentOf(lan)},id=${LAN}`,
    '-device',
    `virtio-net-pci,netdev=${LAN},mac=${hardwareAddressOf(privateIp)}`,
  ];
}

/** A comma in a value of a QEMU option must be doubled. */
function quoted(path: string): string {
  return path.replaceAll(',', ',,');
}

/**
 * The machine's network: QEMU's user-mode network, which has no way out, only forwards from the elastic IP.
 *
 * As on a cloud, clients have an address behind the gateway, so that a machine with a wrong gateway or address cannot
 * answer them. By default QEMU's clients come from the gateway itself, which every machine reaches. Therefore QEMU's
 * network is a /16, and the machine's is one /20 of it (guest/rootfs, dhclient-enter-hooks.d/lab), with another address
 * at which QEMU answers as its gateway.
 */
interface VmNetwork {
  readonly net: string;
  /** The address that clients come from. */
  readonly clients: string;
  readonly gateway: string;
}

/** Addresses whose third bytes differ in this bit are in different /20s. */
const OTHER_SUBNET_BIT = 16;

function vmNetworkOf(address: string): VmNetwork {
  const [a, b, c = '0'] = address.split('.');
  const own = `${a}.${b}.${c}`;
  return {
    net: `${a}.${b}.0.0/16`,
    clients: `${a}.${b}.${Number(c) ^ OTHER_SUBNET_BIT}.2`,
    gateway: address === `${own}.1` ? `${own}.254` : `${own}.1`,
  };
}
