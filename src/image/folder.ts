/** Bundles and images on a disk. */

import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, open, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DeployError } from '../deployment/errors';
import type { Bundle } from './bundle';
import { isZero } from './compressor';
import { fileError } from './file-error';
import type { Part } from './parts';
import type { ReadPart } from './unbundle';

/** Writes what is not there yet, the manifest last; gives the manifest's path. */
export async function writeBundle(
  bundle: Bundle,
  folder: string,
  onPart: (part: Part) => void = () => undefined,
): Promise<string> {
  const manifest = join(folder, bundle.manifestName);
  try {
    await mkdir(folder, { recursive: true });
    for await (const part of bundle.parts(async ({ name, md5 }) => (await md5Of(join(folder, name))) === md5)) {
      if (part.bytes !== undefined) await writeWhole(join(folder, part.name), part.bytes);
      onPart(part);
    }
    await writeWhole(manifest, bundle.manifest());
  } catch (error) {
    throw fileError(folder, error);
  }
  return manifest;
}

export function partsIn(folder: string): ReadPart {
  return async function* (name) {
    const path = join(folder, name);
    try {
      yield* createReadStream(path, { highWaterMark: 1024 * 1024 }) as AsyncIterable<Buffer>;
    } catch (error) {
      const told = fileError(path, error);
      throw told instanceof DeployError && told.code === 'IMAGE_SOURCE_MISSING'
        ? new DeployError('IMAGE_BUNDLE_BROKEN', `The part ${name} is missing.`)
        : told;
    }
  };
}

/** Under another name until all of it has come and was verified. What is zero becomes a hole. */
export async function writeImage(image: AsyncIterable<Buffer>, path: string): Promise<void> {
  const partial = `${path}.partial`;
  try {
    const file = await open(partial, 'w');
    try {
      let at = 0;
      for await (const bytes of image) {
        if (!isZero(bytes)) await writeAt(file, bytes, at);
        at += bytes.length;
      }
      await file.truncate(at);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(partial, path);
  } catch (error) {
    await rm(partial, { force: true });
    throw fileError(path, error);
  }
}

async function writeAt(
  file: { write(bytes: Buffer, offset: number, length: number, position: number): Promise<{ bytesWritten: number }> },
  bytes: Buffer,
  at: number,
): Promise<void> {
  for (let done = 0; done < bytes.length;)
    done += (await file.write(bytes, done, bytes.length - done, at + done)).bytesWritten;
}

async function writeWhole(path: string, content: Buffer | string): Promise<void> {
  const partial = `${path}.partial`;
  await writeFile(partial, content, { flush: true });
  await rename(partial, path);
}

async function md5Of(path: string): Promise<string | undefined> {
  const bytes = await readFile(path).catch(() => undefined);
  return bytes === undefined ? undefined : createHash('md5').update(bytes).digest('hex');
}
