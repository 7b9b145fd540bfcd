/** How QEMU is started. */

import type { ApplianceOptions, NodeImage } from '../types';
import { wiringOf } from './network';

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

/** As Eucalyptus boots an EMI with its EKI and ERI: no boot loader, the root file system on the whole disk. */
const COMMAND_LINE = 'root=/dev/vda ro console=ttyS0 net.ifnames=0 quiet';

/** qemu64: a processor with more would have more to emulate (measured: 26 s to ssh, and 35 s as `max`). */
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
  const { net, visitors, gateway } = wiringOf(privateIp);
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
    `user,id=${NETWORK},ipv6=off,restrict=on,net=${net},dhcpstart=${privateIp},host=${visitors},dns=${gateway}`,
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

/** In QEMU's options a comma ends a value. */
function quoted(path: string): string {
  return path.replaceAll(',', ',,');
}
