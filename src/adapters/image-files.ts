/** Files of images on the worker's machine: the user's own, and what was fetched, under a folder of ours until it is published. */

import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { access, mkdir, readdir, rename, rm, stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import type { ImageFiles } from '../steps/ports';
import { DeployError } from '../deployment/errors';
import type { ImageFile } from '../deployment/types';
import { download, fileFault } from './download';
import type { Watcher } from './download';
import { SharedWork } from './shared-work';

const MIB = 1024 * 1024;
/** What nobody has written to for so long belongs to a publishing that was given up. */
const STALE = 30 * 24 * 3_600_000;

export interface ImageFilesOptions {
  /** Milliseconds a server may be silent. */
  readonly silence?: number;
}

export function createImageFiles(
  state = process.env.STACKATO_DEPLOY_STATE ?? join(homedir(), '.cache', 'stackato-deploy'),
  { silence }: ImageFilesOptions = {},
): ImageFiles {
  const [downloads, journals] = [join(state, 'downloads'), join(state, 'journals')];
  const pathOf = (file: ImageFile): string => ('url' in file ? join(downloads, file.sha256) : file.file);
  /** Kernel, ramdisk and root may be in one archive, and are asked for at once. */
  const fetching = new SharedWork<string>();
  return {
    find: async (file) =>
      access(pathOf(file)).then(
        () => pathOf(file),
        () => undefined,
      ),
    fetch: (file, watcher) => {
      const path = pathOf(file);
      if (!('url' in file)) return verified(path, path, file.sha256, watcher);
      return fetching.join(path, watcher, async (shared) =>
        fetchTo(path, await folder(downloads), file, shared, silence),
      );
    },
    forget: async (file) => {
      if ('url' in file) await rm(pathOf(file), { force: true });
    },
    journal: async (name) => {
      const path = join(await folder(journals), name);
      await Promise.all([journals, downloads].map((each) => sweep(each)));
      return path;
    },
    discardJournal: async (name) => rm(join(journals, name), { force: true }),
    xz: () => spawn('xz', ['-dc'], { stdio: ['pipe', 'pipe', 'ignore'] }),
  };
}

/** Under its own name only when all of it is there and is what it should be. */
async function fetchTo(
  path: string,
  downloads: string,
  { url, sha256 }: Extract<ImageFile, { url: string }>,
  watcher: Watcher,
  silence: number | undefined,
): Promise<string> {
  if (await isThere(path)) return path;
  const partial = `${join(downloads, sha256)}.partial`;
  await download(url, partial, watcher, silence);
  try {
    await verified(partial, url, sha256, watcher);
    await rename(partial, path);
  } catch (error) {
    // Another worker of this machine was there first.
    if (await isThere(path)) return path;
    if (error instanceof DeployError && error.code === 'IMAGE_SOURCE_DAMAGED') await rm(partial, { force: true });
    throw fileFault(path, error);
  }
  return path;
}

async function isThere(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

async function verified(
  path: string,
  name: string,
  sha256: string | undefined,
  { signal, report }: Watcher,
): Promise<string> {
  if (sha256 === undefined) return path;
  const hash = createHash('sha256');
  let done = 0;
  try {
    for await (const bytes of createReadStream(path, { highWaterMark: MIB, signal })) {
      hash.update(bytes as Buffer);
      done += (bytes as Buffer).length;
      report(`verifying ${name}: ${Math.floor(done / MIB)} MiB`);
    }
  } catch (error) {
    signal.throwIfAborted();
    throw fileFault(path, error);
  }
  if (hash.digest('hex') !== sha256)
    throw new DeployError('IMAGE_SOURCE_DAMAGED', `The file ${name} does not have the SHA-256 of the spec.`);
  return path;
}

/** Nothing depends on it: what cannot be deleted, or was by somebody else, stays for the next time. */
async function sweep(path: string): Promise<void> {
  for (const name of await readdir(path).catch(() => [])) {
    const file = join(path, name);
    const age = await stat(file).then(
      ({ mtimeMs }) => Date.now() - mtimeMs,
      () => 0,
    );
    if (age > STALE) await rm(file, { force: true }).catch(() => undefined);
  }
}

async function folder(path: string): Promise<string> {
  try {
    await mkdir(path, { recursive: true, mode: 0o700 });
    return path;
  } catch (error) {
    throw fileFault(path, error);
  }
}
