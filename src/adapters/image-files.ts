/** Image files on the worker's machine: the user's own, and downloads, which are kept in a folder of ours until the image is published. */

import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, readdir, rename, rm, stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import { basename, join } from 'node:path';
import type { ImageFiles } from '../steps/ports';
import { DeployError } from '../deployment/errors';
import type { CatalogFile, ImageFile } from '../deployment/spec';
import { download, fileFault } from './download';
import { chooseArchive, downloadName, isUrl, pinName, verifyArchive } from './image-store';
import type { StoreArchive } from './image-store';
import { diskConverter } from './qemu-img';
import { SingleFlight, UNWATCHED } from './single-flight';
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
  /** Kernel, ramdisk and machine image may be in one archive, and are needed at the same time. */
  const downloading = new SingleFlight<string>();
  const choosing = new SingleFlight<StoreArchive>();
  const choose = (file: CatalogFile, watcher: Watcher): Promise<StoreArchive> =>
    choosing.join(pinName(file), watcher, (shared) => chooseArchive(file, downloads, shared, silenceMs));
  const archivePath = (archive: StoreArchive): string =>
    isUrl(archive.location) ? join(downloads, downloadName(archive)) : archive.location;
  const pathOf = async (file: ImageFile): Promise<string> => {
    if ('url' in file) return join(downloads, file.sha256);
    return 'file' in file ? file.file : archivePath(await choose(file, UNWATCHED));
  };
  const fetchArchive = async (file: CatalogFile, watcher: Watcher): Promise<string> => {
    const archive = await choose(file, watcher);
    const path = archivePath(archive);
    const verify = async (at: string, shared: Watcher): Promise<void> => {
      try {
        await verifyArchive(at, archive, shared);
      } catch (error) {
        // Whoever corrects the catalogue must not be given the old choice again.
        if (error instanceof DeployError) await rm(join(downloads, pinName(file)), { force: true });
        throw error;
      }
    };
    return downloading.join(path, watcher, async (shared) => {
      if (isUrl(archive.location))
        return downloadTo(path, await createFolder(downloads), { url: archive.location, verify, silenceMs }, shared);
      await verify(path, shared);
      return path;
    });
  };
  return {
    find: async (file) => {
      const path = await pathOf(file);
      return (await exists(path)) ? path : undefined;
    },
    catalogImage: async (file, watcher) => (await choose(file, watcher)).image,
    fetch: async (file, watcher) => {
      if ('catalog' in file) return fetchArchive(file, watcher);
      if (!('url' in file)) return verified(file.file, file.file, file.sha256, watcher);
      const { url, sha256 } = file;
      const verify = async (at: string, shared: Watcher): Promise<void> =>
        void (await verified(at, url, sha256, shared));
      const path = join(downloads, sha256);
      return downloading.join(path, watcher, async (shared) =>
        downloadTo(path, await createFolder(downloads), { url, verify, silenceMs }, shared),
      );
    },
    forget: async (file) => {
      if ('url' in file) await rm(join(downloads, file.sha256), { force: true });
      if (!('catalog' in file)) return;
      const pin = join(downloads, pinName(file));
      if (!(await exists(pin))) return;
      const archive = await choose(file, UNWATCHED);
      if (isUrl(archive.location)) await rm(archivePath(archive), { force: true });
      await rm(pin, { force: true });
    },
    convertDisk: (signal) => diskConverter(join(state, 'converted'), signal),
    journal: async (name) => {
      const path = join(await createFolder(journals), name);
      await Promise.all([journals, downloads, join(state, 'converted')].map((each) => deleteStale(each)));
      return path;
    },
    discardJournal: async (name) => rm(join(journals, name), { force: true }),
    xz: () => spawn('xz', ['-dc'], { stdio: ['pipe', 'pipe', 'ignore'] }),
  };
}

interface Download {
  readonly url: string;
  readonly silenceMs: number | undefined;
  verify(path: string, watcher: Watcher): Promise<void>;
}

/** The file gets its final name only once it is complete and verified. */
async function downloadTo(
  path: string,
  downloads: string,
  { url, verify, silenceMs }: Download,
  watcher: Watcher,
): Promise<string> {
  if (await exists(path)) return path;
  const partial = `${join(downloads, basename(path))}.partial`;
  await download(url, partial, watcher, silenceMs);
  try {
    await verify(partial, watcher);
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
