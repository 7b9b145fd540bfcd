/** Bundles and images on disk. */

import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, open, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DeployError } from '../../deployment/errors';
import { isZero } from '../blocks';
import { fileError } from '../errors';
import type { Bundle } from './bundle';
import type { Part } from './parts';
import type { ReadPart } from './unbundle';

/** Writes the parts that are not there yet, and the manifest last; returns the path of the manifest. */
export async function writeBundle(
  bundle: Bundle,
  folder: string,
  onPart: (part: Part) => void = () => undefined,
): Promise<string> {
  const manifest = join(folder, bundle.manifestName);
  try {
    await mkdir(folder, { recursive: true });
    for await (const part of bundle.parts(async ({ name, md5 }) => (await md5Of(join(folder, name))) === md5)) {
      if (part.bytes !== undefined) await writeAtomically(join(folder, part.name), part.bytes);
      onPart(part);
    }
    await writeAtomically(manifest, bundle.manifest());
  } catch (error) {
    throw fileError(folder, error);
  }
  return manifest;
}

export function partsInFolder(folder: string): ReadPart {
  return async function* (name) {
    const path = join(folder, name);
    try {
      yield* createReadStream(path, { highWaterMark: 1024 * 1024 }) as AsyncIterable<Buffer>;
    } catch (error) {
      const failure = fileError(path, error);
      throw failure instanceof DeployError && failure.code === 'IMAGE_SOURCE_MISSING'
        ? new DeployError('IMAGE_BUNDLE_BROKEN', `The part ${name} is missing.`)
        : failure;
    }
  };
}

/** The file has another name until all of it was written and verified. Zeros become holes. */
export async function writeImage(image: AsyncIterable<Buffer>, path: string): Promise<void> {
  const partial = `${path}.partial`;
  try {
    const file = await open(partial, 'w');
    try {
      let at = 0;
      for await (const bytes of image) {
        if (!isZero(bytes)) await writeFully(file, bytes, at);
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

async function writeFully(
  file: { write(bytes: Buffer, offset: number, length: number, position: number): Promise<{ bytesWritten: number }> },
  bytes: Buffer,
  at: number,
): Promise<void> {
  for (let done = 0; done < bytes.length;)
    done += (await file.write(bytes, done, bytes.length - done, at + done)).bytesWritten;
}

async function writeAtomically(path: string, content: Buffer | string): Promise<void> {
  const partial = `${path}.partial`;
  await writeFile(partial, content, { flush: true });
  await rename(partial, path);
}

async function md5Of(path: string): Promise<string | undefined> {
  const bytes = await readFile(path).catch(() => undefined);
  return bytes === undefined ? undefined : createHash('md5').update(bytes).digest('hex');
}
