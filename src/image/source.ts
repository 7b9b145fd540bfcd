/** The bytes of an image, read at any offset; here from a plain file. */

import { constants } from 'node:fs';
import { open, stat } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { DeployError } from '../deployment/errors';
import { isZero } from './blocks';
import { fileError } from './errors';

export interface Source {
  readonly path: string;
  /** Bytes of the raw image. */
  readonly size: number;
  /** Differs whenever the content may differ: then nothing that an earlier run found out about the content counts. */
  readonly stamp: string;
  /** Fills the buffer. Reads may overlap in time, but are requested in ascending order. */
  read(into: Buffer, offset: number): Promise<void>;
  /** Throws IMAGE_SOURCE_CHANGED unless the file is still what it was when it was opened. */
  assertUnchanged(): Promise<void>;
  close(): Promise<void>;
}

export interface FileRange {
  readonly path: string;
  /** The image may be a range of the file, as a partition is of a disk. Default: the whole file. In bytes. */
  readonly offset?: number;
  readonly length?: number;
}

export async function openFile({ path, offset = 0, length }: FileRange): Promise<Source> {
  try {
    // Opening a pipe that has no writer would block a thread for good.
    const handle = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      return await FileSource.of(handle, path, offset, length);
    } catch (error) {
      await handle.close();
      throw error;
    }
  } catch (error) {
    throw fileError(path, error);
  }
}

const PAGE = 4096;

/**
 * Node cannot ask where the holes of a sparse file are (no SEEK_HOLE, no FIEMAP). Reading a hole through the page cache takes 0.2 s per
 * GiB, and ten times that if the kernel must first free memory for it; bypassing the cache (O_DIRECT) takes 0.02 s. Data should go
 * through the cache, since it is read twice. So for files with fewer blocks than bytes, one page is read first, and if it is zero, the
 * rest bypasses the cache. Some file systems report wrong block counts and not all have O_DIRECT: both only cost time.
 */
class FileSource implements Source {
  private constructor(
    private readonly handle: FileHandle,
    private readonly direct: FileHandle | undefined,
    readonly path: string,
    private readonly offset: number,
    readonly size: number,
    private readonly fingerprint: string,
    readonly stamp: string,
  ) {}

  static async of(handle: FileHandle, path: string, offset: number, length: number | undefined): Promise<FileSource> {
    const stats = await handle.stat({ bigint: true });
    if (!stats.isFile()) throw new DeployError('IMAGE_SOURCE_UNREADABLE', `The file ${path} is not a plain file.`);
    const size = length ?? Number(stats.size) - offset;
    if (offset < 0 || size < 0 || offset + size > Number(stats.size)) {
      throw new DeployError(
        'IMAGE_SOURCE_UNREADABLE',
        `The file ${path} has ${stats.size.toString()} bytes, so it has no range of ${size} bytes at ${offset}.`,
      );
    }
    const sparse = stats.blocks * 512n < stats.size;
    const direct = sparse
      ? await open(path, constants.O_RDONLY | constants.O_DIRECT).catch(() => undefined)
      : undefined;
    // The stamp has ctime, too, since mtime can be set. assertUnchanged cannot use it: a new link or owner changes it as well.
    return new FileSource(
      handle,
      direct,
      path,
      offset,
      size,
      fingerprintOf(stats),
      `${fingerprintOf(stats)} ${stats.ctimeNs.toString()} ${offset} ${size}`,
    );
  }

  async read(into: Buffer, offset: number): Promise<void> {
    const position = this.offset + offset;
    if (this.direct === undefined || into.length % PAGE > 0 || position % PAGE > 0) return this.fill(into, position);
    const page = into.subarray(0, PAGE);
    await this.fill(page, position);
    if (isZero(page) && (await this.fillDirectly(into, position))) return;
    await this.fill(into.subarray(PAGE), position + PAGE);
  }

  async assertUnchanged(): Promise<void> {
    const stats = await stat(this.path, { bigint: true }).catch(() => undefined);
    if (stats === undefined || fingerprintOf(stats) !== this.fingerprint) throw sourceChanged(this.path);
  }

  async close(): Promise<void> {
    await this.direct?.close();
    await this.handle.close();
  }

  private async fill(into: Buffer, position: number): Promise<void> {
    for (let done = 0; done < into.length;) {
      const { bytesRead } = await this.handle
        .read(into, done, into.length - done, position + done)
        .catch((error: unknown) => {
          throw fileError(this.path, error);
        });
      if (bytesRead === 0) throw sourceChanged(this.path);
      done += bytesRead;
    }
  }

  /** Returns false if that failed: the disk may need a larger alignment. */
  private async fillDirectly(into: Buffer, position: number): Promise<boolean> {
    const { bytesRead } = (await this.direct?.read(into, 0, into.length, position).catch(() => undefined)) ?? {
      bytesRead: 0,
    };
    return bytesRead === into.length;
  }
}

interface FileStats {
  readonly dev: bigint;
  readonly ino: bigint;
  readonly size: bigint;
  readonly mtimeNs: bigint;
}

function fingerprintOf({ dev, ino, size, mtimeNs }: FileStats): string {
  return [dev, ino, size, mtimeNs].map(String).join(' ');
}

export function sourceChanged(path: string): DeployError {
  return new DeployError('IMAGE_SOURCE_CHANGED', `The file ${path} changed while it was being read.`);
}
