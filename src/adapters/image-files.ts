/** Image files on the worker's machine: the user's own, and downloads, which are kept in a folder of ours until the image is published. */

import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { access, mkdir, readdir, rename, rm, stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import type { ImageFiles } from '../steps/ports';
import { DeployError } from '../deployment/errors';
import type { ImageFile } from '../deployment/spec';
import { download, fileFault } from './download';
import { SingleFlight } from './single-flight';
import type { Watcher } from './single-flight';

const MIB = 1024 * 1024;
/** A file not written to for so long is left of a publish that was abandoned. */
const STALE_MS = 30 * 24 * 3_600_000;

export interface ImageFilesOptions {
  /** How long a server may be silent. */
  readonly silenceMs?: number;
}

export function createImageFiles(
  state = process.env.STACKATO_DEPLOY_STATE ?? join(homedir(), '.cache', 'stackato-deploy'),
  { silenceMs }: ImageFilesOptions = {},
): ImageFiles {
  const [downloads, journals] = [join(state, 'downloads'), join(state, 'journals')];
  const pathOf = (file: ImageFile): string => ('url' in file ? join(downloads, file.sha256) : file.file);
  /** Kernel, ramdisk and machine image may be in one archive, and are needed at the same time. */
  const downloading = new SingleFlight<string>();
  return {
    find: async (file) =>
      access(pathOf(file)).then(
        () => pathOf(file),
        () => undefined,
      ),
    fetch: (file, watcher) => {
      const path = pathOf(file);
      if (!('url' in file)) return verified(path, path, file.sha256, watcher);
      return downloading.join(path, watcher, async (shared) =>
        downloadTo(path, await createFolder(downloads), file, shared, silenceMs),
      );
    },
    forget: async (file) => {
      if ('url' in file) await rm(pathOf(file), { force: true });
    },
    journal: async (name) => {
      const path = join(await createFolder(journals), name);
      await Promise.all([journals, downloads].map((each) => deleteStale(each)));
      return path;
    },
    discardJournal: async (name) => rm(join(journals, name), { force: true }),
    xz: () => spawn('xz', ['-dc'], { stdio: ['pipe', 'pipe', 'ignore'] }),
  };
}

/** The file gets its final name only once it is complete and verified. */
async function downloadTo(
  path: string,
  downloads: string,
  { url, sha256 }: Extract<ImageFile, { url: string }>,
  watcher: Watcher,
  silenceMs: number | undefined,
): Promise<string> {
  if (await exists(path)) return path;
  const partial = `${join(downloads, sha256)}.partial`;
  await download(url, partial, watcher, silenceMs);
  try {
    await verified(partial, url, sha256, watcher);
    await rename(partial, path);
  } catch (error) {
    // Another worker of this machine was faster.
    if (await exists(path)) return path;
    if (error instanceof DeployError && error.code === 'IMAGE_SOURCE_DAMAGED') await rm(partial, { force: true });
    throw fileFault(path, error);
  }
  return path;
}

async function exists(path: string): Promise<boolean> {
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
  const chunks: AsyncIterable<Buffer> = createReadStream(path, { highWaterMark: MIB, signal });
  try {
    for await (const chunk of chunks) {
      hash.update(chunk);
      done += chunk.length;
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

/** Nothing depends on it: a file that cannot be deleted is left for the next time. */
async function deleteStale(path: string): Promise<void> {
  for (const name of await readdir(path).catch(() => [])) {
    const file = join(path, name);
    const age = await stat(file).then(
      ({ mtimeMs }) => Date.now() - mtimeMs,
      () => 0,
    );
    if (age > STALE_MS) await rm(file, { force: true }).catch(() => undefined);
  }
}

async function createFolder(path: string): Promise<string> {
  try {
    await mkdir(path, { recursive: true, mode: 0o700 });
    return path;
  } catch (error) {
    throw fileFault(path, error);
  }
}
