/** Where the bytes of an image come from. */

import { constants } from 'node:fs';
import { open, stat } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { DeployError } from '../deployment/errors';
import { isZero } from './compressor';
import { fileError } from './file-error';

export interface Source {
  readonly path: string;
  /** Bytes of the raw image. */
  readonly size: number;
  /** Another one where the content may be another: what an earlier run learnt of the content is worth nothing then. */
  readonly stamp: string;
  /** Fills the buffer. Several may be asked for at once; they are asked for in ascending order. */
  read(into: Buffer, offset: number): Promise<void>;
  /** Throws IMAGE_SOURCE_CHANGED unless the file is still what it was when it was opened. */
  assertUnchanged(): Promise<void>;
  close(): Promise<void>;
}

export interface FilePart {
  readonly path: string;
  /** The image is a block inside of the file (a partition inside of a disk). Default: all of it. Bytes. */
  readonly offset?: number;
  readonly length?: number;
}

export async function openFile({ path, offset = 0, length }: FilePart): Promise<Source> {
  try {
    // A pipe that nobody writes to would block a thread for good.
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
 * Node cannot ask where the holes of a sparse file are (no SEEK_HOLE, no FIEMAP). Read through the page cache, a hole costs 0.2 s a GiB,
 * and ten times that where the kernel must first get memory for it; read past the cache (O_DIRECT), 0.02 s. Data is better read
 * through the cache, as it is read twice. So: where a file has fewer blocks than bytes, a look at a page, and if that is zero, the
 * rest past the cache. The count of blocks lies on some file systems and not all have O_DIRECT: both only cost time.
 */
class FileSource implements Source {
  private constructor(
    private readonly handle: FileHandle,
    private readonly direct: FileHandle | undefined,
    readonly path: string,
    private readonly offset: number,
    readonly size: number,
    private readonly identity: string,
    readonly stamp: string,
  ) {}

  static async of(handle: FileHandle, path: string, offset: number, length: number | undefined): Promise<FileSource> {
    const facts = await handle.stat({ bigint: true });
    if (!facts.isFile()) throw new DeployError('IMAGE_SOURCE_UNREADABLE', `The file ${path} is not a plain file.`);
    const size = length ?? Number(facts.size) - offset;
    if (offset < 0 || size < 0 || offset + size > Number(facts.size)) {
      throw new DeployError(
        'IMAGE_SOURCE_UNREADABLE',
        `The file ${path} has ${facts.size.toString()} bytes and no block of ${size} at ${offset}.`,
      );
    }
    const sparse = facts.blocks * 512n < facts.size;
    const direct = sparse
      ? await open(path, constants.O_RDONLY | constants.O_DIRECT).catch(() => undefined)
      : undefined;
    // The time of change says more than that of modification, which can be set, but a new link or owner changes it as well.
    return new FileSource(
      handle,
      direct,
      path,
      offset,
      size,
      identityOf(facts),
      `${identityOf(facts)} ${facts.ctimeNs.toString()} ${offset} ${size}`,
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
    const facts = await stat(this.path, { bigint: true }).catch(() => undefined);
    if (facts === undefined || identityOf(facts) !== this.identity) throw changed(this.path);
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
      if (bytesRead === 0) throw changed(this.path);
      done += bytesRead;
    }
  }

  /** False where that did not work: the disk may want another alignment than the usual. */
  private async fillDirectly(into: Buffer, position: number): Promise<boolean> {
    const { bytesRead } = (await this.direct?.read(into, 0, into.length, position).catch(() => undefined)) ?? {
      bytesRead: 0,
    };
    return bytesRead === into.length;
  }
}

interface Facts {
  readonly dev: bigint;
  readonly ino: bigint;
  readonly size: bigint;
  readonly mtimeNs: bigint;
}

function identityOf({ dev, ino, size, mtimeNs }: Facts): string {
  return [dev, ino, size, mtimeNs].map(String).join(' ');
}

export function changed(path: string): DeployError {
  return new DeployError('IMAGE_SOURCE_CHANGED', `The file ${path} changed while it was read.`);
}
