/** The files that the `image` commands read and write, checked before the work begins. */

import { spawn } from 'node:child_process';
import { createReadStream } from 'node:fs';
import { access, constants, mkdir, readFile, readdir, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { MANIFEST_LIMIT, openImage, packingOf, rawSource, xzDecompressor } from '../../image';
import type { ImageKind } from '../../deployment/spec';
import type { ConvertDisk, Source } from '../../image';
import { ClientError, messageOf } from '../../client/errors';

/** @param name what the file was called before it was downloaded */
export async function openSource(
  path: string,
  kind: ImageKind,
  inside: string | undefined,
  onRead: (end: number) => void,
  name = path,
): Promise<Source> {
  const packing = packingOf(name, kind);
  const source = await openImage({ path, packing, ...(inside === undefined ? {} : { entry: inside }) }, unxz);
  return withProgress(kind === 'machine' ? await rawSource(source, packing === 'raw', convertDisk) : source, onRead);
}

function withProgress(source: Source, onRead: (end: number) => void): Source {
  return {
    path: source.path,
    size: source.size,
    stamp: source.stamp,
    read: async (into, offset) => {
      await source.read(into, offset);
      onRead(offset + into.length);
    },
    assertUnchanged: () => source.assertUnchanged(),
    close: () => source.close(),
  };
}

const convertDisk: ConvertDisk = async (path, format) => {
  const { createImageFiles } = await import('../../adapters/image-files.js');
  return createImageFiles().convertDisk(new AbortController().signal)(path, format);
};

const unxz = xzDecompressor(() => spawn('xz', ['-dc'], { stdio: ['pipe', 'pipe', 'ignore'] }));

export async function readPem(path: string, what: string): Promise<string> {
  await assertFile(path, what);
  return readFile(path, 'utf8').catch((error: unknown) => {
    throw unusable(`The ${what} cannot be read.`, error);
  });
}

export async function readManifestFile(path: string): Promise<Buffer> {
  await assertFile(path, 'manifest');
  // One byte more than a manifest may have is enough to refuse it: an image given by mistake is not read to its end.
  return buffer(createReadStream(path, { end: MANIFEST_LIMIT })).catch((error: unknown) => {
    throw unusable('The manifest cannot be read.', error);
  });
}

/** @returns paths, and whether the parts must be there: the parts of a single manifest may be elsewhere */
export async function manifestsAt(
  path: string,
): Promise<{ readonly paths: readonly string[]; readonly whole: boolean }> {
  if (!(await isFolder(path))) return { paths: [path], whole: false };
  const names = (await readdir(path)).filter((name) => name.endsWith('.manifest.xml')).sort();
  if (names.length === 0)
    throw new ClientError('USAGE', `The folder ${path} holds no bundle. No file in it ends in .manifest.xml.`);
  return { paths: names.map((name) => join(path, name)), whole: true };
}

export async function prepareFolder(path: string): Promise<void> {
  try {
    await mkdir(path, { recursive: true });
    await access(path, constants.W_OK);
  } catch (error) {
    throw unusable('The folder cannot be written to.', error);
  }
}

export async function prepareFile(path: string): Promise<void> {
  if (await isFolder(path))
    throw new ClientError('USAGE', `The image cannot be written to ${path}. There is a folder of that name.`);
  await prepareFolder(dirname(path));
}

async function assertFile(path: string, what: string): Promise<void> {
  if (await isFolder(path))
    throw new ClientError('USAGE', `The ${what} cannot be read. ${path} is a folder.`, {
      remedy: `Give the ${what} itself, which is a file.`,
    });
}

async function isFolder(path: string): Promise<boolean> {
  return stat(path).then(
    (facts) => facts.isDirectory(),
    () => false,
  );
}

/** Node's message names the path. */
function unusable(what: string, error: unknown): ClientError {
  return new ClientError('USAGE', `${what} ${messageOf(error)}.`, {
    remedy: 'Give a path that exists and that you may use.',
    cause: error,
  });
}
