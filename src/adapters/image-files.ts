/** Files of images on the worker's machine: the user's own, and what was fetched, under a folder of ours until it is published. */

import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { access, mkdir, rename, rm, stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import type { ImageFiles } from '../activities/ports';
import { DeployError } from '../spec/errors';
import type { ImageFile } from '../spec/types';
import { download, fileFault } from './download';
import type { Watcher } from './download';

export function createImageFiles(state = process.env.STACKATO_DEPLOY_STATE ?? join(homedir(), '.cache', 'stackato-deploy')): ImageFiles {
  const downloads = join(state, 'downloads');
  const pathOf = (file: ImageFile): string => ('url' in file ? join(downloads, file.sha256) : file.file);
  /** Kernel, ramdisk and root may be in one archive, and are asked for at once. */
  const fetching = new Map<string, Promise<string>>();
  return {
    find: async (file) => access(pathOf(file)).then(() => pathOf(file), () => undefined),
    fetch: (file, watcher) => {
      const path = pathOf(file);
      if (!('url' in file)) return verified(path, path, file.sha256, watcher);
      const fetched = fetching.get(path) ?? fetchTo(path, downloads, file, watcher).finally(() => fetching.delete(path));
      fetching.set(path, fetched);
      return fetched;
    },
    forget: async (file) => {
      if ('url' in file) await rm(pathOf(file), { force: true });
    },
    journal: async (name) => join(await folder(join(state, 'journals')), name),
    xz: () => spawn('xz', ['-dc'], { stdio: ['pipe', 'pipe', 'ignore'] }),
  };
}

/** Under its own name only when all of it is there and is what it should be. */
async function fetchTo(path: string, downloads: string, { url, sha256 }: Extract<ImageFile, { url: string }>, watcher: Watcher): Promise<string> {
  if (await stat(path).then(() => true, () => false)) return path;
  const partial = `${join(await folder(downloads), sha256)}.partial`;
  await download(url, partial, watcher);
  try {
    await verified(partial, url, sha256, watcher);
  } catch (error) {
    if (error instanceof DeployError && error.code === 'IMAGE_SOURCE_DAMAGED') await rm(partial, { force: true });
    throw error;
  }
  await rename(partial, path);
  return path;
}

async function verified(path: string, name: string, sha256: string | undefined, { signal, report }: Watcher): Promise<string> {
  if (sha256 === undefined) return path;
  report(`verifying ${name}`);
  const hash = createHash('sha256');
  try {
    for await (const bytes of createReadStream(path, { highWaterMark: 1024 * 1024, signal })) hash.update(bytes as Buffer);
  } catch (error) {
    signal.throwIfAborted();
    throw fileFault(path, error);
  }
  if (hash.digest('hex') !== sha256) throw new DeployError('IMAGE_SOURCE_DAMAGED', `The file ${name} does not have the SHA-256 of the spec.`);
  return path;
}

async function folder(path: string): Promise<string> {
  try {
    await mkdir(path, { recursive: true, mode: 0o700 });
    return path;
  } catch (error) {
    throw fileFault(path, error);
  }
}
