/** Converts qcow2 and VMDK disks to raw files with qemu-img. It needs a file to write to: it cannot write to a pipe. */

import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { DeployError } from '../deployment/errors';
import type { ConvertDisk } from '../image';
import { fileFault } from './download';
import { LimitedBuffer } from './limited-buffer';
import { codeOf } from './node-errors';

const STDERR_LIMIT = 2000;

/** The raw file is sparse, and gets a name of its own in that folder: two attempts must not write to one. */
export function diskConverter(folder: string, signal?: AbortSignal): ConvertDisk {
  return async (path, format) => {
    const raw = join(folder, `${randomUUID()}.raw`);
    try {
      await mkdir(folder, { recursive: true, mode: 0o700 });
      await run(['convert', '-f', format, '-O', 'raw', path, raw], path, format, signal);
      return raw;
    } catch (error) {
      await rm(raw, { force: true });
      signal?.throwIfAborted();
      throw fileFault(raw, error);
    }
  };
}

async function run(args: readonly string[], path: string, format: string, signal?: AbortSignal): Promise<void> {
  const child = spawn('qemu-img', args, { stdio: ['ignore', 'ignore', 'pipe'], ...(signal && { signal }) });
  const said = new LimitedBuffer(STDERR_LIMIT);
  child.stderr.on('data', (bytes: Buffer) => said.add(bytes));
  const end = await new Promise<number | Error | null>((resolve) => {
    child.once('error', resolve);
    child.once('close', resolve);
  });
  if (end instanceof Error && codeOf(end) === 'ENOENT')
    throw new DeployError(
      'IMAGE_FORMAT',
      `The image ${path} is a ${format} disk, and qemu-img is not installed here. Install it (qemu-utils or qemu-img), or convert the image by hand: qemu-img convert -O raw ${path} root.img.`,
    );
  if (end instanceof Error) throw end;
  if (end !== 0)
    throw new DeployError(
      'IMAGE_SOURCE_DAMAGED',
      `qemu-img cannot convert the ${format} disk ${path}: ${said.text.trim()}.`,
    );
}
