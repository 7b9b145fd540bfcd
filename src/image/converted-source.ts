/** A disk image in another format, converted to a raw file, which is removed when the source is closed. */

import { rm } from 'node:fs/promises';
import { diskFormatOf } from './disk-format';
import type { DiskFormat } from './disk-format';
import { openFile } from './source';
import type { Source } from './source';
import { DeployError } from '../deployment/errors';
import { fileError } from './errors';

/** @returns path of the raw file, which is ours to remove */
export type ConvertDisk = (path: string, format: DiskFormat) => Promise<string>;

/** The source itself if it is raw. Closes it if it fails. */
export async function rawSource(source: Source, isFile: boolean, convert: ConvertDisk): Promise<Source> {
  try {
    const format = await diskFormatOf(source);
    if (format === undefined) return source;
    if (!isFile)
      throw new DeployError(
        'IMAGE_FORMAT',
        `The image inside ${source.path} is a ${format} disk. Unpack it, and give the disk itself.`,
      );
    const raw = await convert(source.path, format);
    try {
      return new ConvertedSource(source, await openFile({ path: raw }), raw, `${source.stamp} ${format}`);
    } catch (error) {
      await rm(raw, { force: true });
      throw error;
    }
  } catch (error) {
    await source.close();
    throw fileError(source.path, error);
  }
}

class ConvertedSource implements Source {
  readonly path: string;
  readonly size: number;

  constructor(
    private readonly original: Source,
    private readonly raw: Source,
    private readonly rawPath: string,
    readonly stamp: string,
  ) {
    this.path = original.path;
    this.size = raw.size;
  }

  read(into: Buffer, offset: number): Promise<void> {
    return this.raw.read(into, offset);
  }

  async assertUnchanged(): Promise<void> {
    await this.original.assertUnchanged();
    await this.raw.assertUnchanged();
  }

  async close(): Promise<void> {
    await this.raw.close();
    await this.original.close();
    await rm(this.rawPath, { force: true });
  }
}
