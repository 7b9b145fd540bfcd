/**
 * Disk images that are no raw ones, told by how they begin: a name says nothing. They are converted by qemu-img, which follows what they
 * say about other files (backing files, extents): such images are refused, since they could pull in any file of this machine.
 */

import { DeployError } from '../deployment/errors';
import type { Source } from './source';

export type DiskFormat = 'qcow2' | 'vmdk';

const HEAD = 64 * 1024;

/** Undefined for everything else. Throws IMAGE_FORMAT for those that cannot be converted safely. */
export async function diskFormatOf(source: Source): Promise<DiskFormat | undefined> {
  const head = Buffer.alloc(Math.min(HEAD, source.size));
  await source.read(head, 0);
  const row = FORMATS.find(({ magic }) => head.subarray(0, magic.length).equals(magic));
  if (row === undefined) return undefined;
  const why = row.fault(head);
  if (why !== undefined) throw new DeployError('IMAGE_FORMAT', `The image ${source.path} ${why}.`);
  return row.format;
}

interface FormatRow {
  readonly magic: Buffer;
  readonly format: DiskFormat;
  fault(head: Buffer): string | undefined;
}

/** QEMU docs/interop/qcow2.txt; VMware Virtual Disk Format 1.1 (numbers are little-endian there). */
const FORMATS: readonly FormatRow[] = [
  { magic: Buffer.from('QFI\xfb', 'latin1'), format: 'qcow2', fault: qcowFault },
  { magic: Buffer.from('KDMV'), format: 'vmdk', fault: vmdkFault },
  {
    magic: Buffer.from('# Disk DescriptorFile'),
    format: 'vmdk',
    fault: () =>
      'is only the description of a VMDK disk, whose data is in other files. Make one file of it: qemu-img convert -O raw',
  },
  {
    magic: Buffer.from('COWD'),
    format: 'vmdk',
    fault: () => 'is one part of an old VMDK disk. Make one raw file of the disk: qemu-img convert -O raw',
  },
];

function qcowFault(head: Buffer): string | undefined {
  if (head.length < 80) return 'is a qcow2 disk that is cut off';
  const version = head.readUInt32BE(4);
  if (version !== 2 && version !== 3) return `is a qcow disk of version ${version}, which is not supported`;
  if (head.readBigUInt64BE(8) !== 0n)
    return 'is a qcow2 disk that builds on another file. Flatten it: qemu-img convert';
  if (head.readUInt32BE(32) !== 0) return 'is an encrypted qcow2 disk. Decrypt it: qemu-img convert';
  // Bit 2: the data is in a file of its own.
  if (version === 3 && (head.readUInt32BE(76) & 4) !== 0)
    return 'is a qcow2 disk whose data is in another file. Make one file of it: qemu-img convert';
  return undefined;
}

function vmdkFault(head: Buffer): string | undefined {
  if (head.length < 512) return 'is a VMDK disk that is cut off';
  // With a capacity of 0, qemu-img reads the description instead, which may name any file.
  if (head.readBigUInt64LE(12) === 0n) return 'is a VMDK disk whose data is in other files. Make one file of it';
  const [at, length] = [head.readBigUInt64LE(28), head.readBigUInt64LE(36)].map((sectors) => Number(sectors) * 512);
  const end = (at ?? 0) + (length ?? 0);
  if (end > head.length) return 'is a VMDK disk whose description is not at its start';
  const text = head.toString('latin1', at, end).replace(/\0.*$/s, '');
  if (/^\s*parentFileNameHint\s*=/im.test(text) || !/^\s*parentCID\s*=\s*ffffffff\s*$/im.test(text))
    return 'is a VMDK disk that builds on another file. Flatten it: qemu-img convert';
  return undefined;
}
