/** QEMU's command line, and the network it gives the machine. */

import type { ApplianceOptions, NodeImage } from '../types';

export interface QemuPlan {
  readonly memory: ApplianceOptions['memory'];
  readonly privateIp: string;
  readonly image: NodeImage;
  readonly disk: string;
  readonly settings: string;
  readonly sockets: { readonly monitor: string; readonly serial: string };
  readonly consoleLog: string;
  readonly kvm: boolean;
}

export const NETWORK = 'net0';

/**
 * Boots as Eucalyptus boots an EMI with its EKI and ERI: without a boot loader, with the root file system on the whole
 * disk.
 */
const COMMAND_LINE = 'root=/dev/vda ro console=ttyS0 net.ifnames=0 quiet';

/** qemu64, because a CPU with more features is slower to emulate: 26 s until ssh answers, and 35 s with `max`. */
const EMULATED = ['-accel', 'tcg,tb-size=256', '-cpu', 'qemu64'];
const ACCELERATED = ['-accel', 'kvm', '-cpu', 'host'];

export function qemuArguments({
  memory,
  privateIp,
  image,
  disk,
  settings,
  sockets,
  consoleLog,
  kvm,
}: QemuPlan): string[] {
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
    '-drive',
    `file=${quoted(settings)},format=raw,if=virtio,readonly=on`,
    '-netdev',
    `user,id=${NETWORK},ipv6=off,restrict=on,net=${net},dhcpstart=${privateIp},host=${clients},dns=${gateway}`,
    '-device',
    `virtio-net-pci,netdev=${NETWORK}`,
    '-device',
    'virtio-rng-pci',
    '-chardev',
    `socket,id=serial,path=${quoted(sockets.serial)},server=on,wait=off,logfile=${quoted(consoleLog)},logappend=on`,
    '-serial',
    'chardev:serial',
    '-qmp',
    `unix:${quoted(sockets.monitor)},server=on,wait=off`,
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
