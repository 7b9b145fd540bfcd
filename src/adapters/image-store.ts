/** Catalogues and archives of image stores: files, or on a web server. */

import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, open, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { DeployError } from '../deployment/errors';
import type { CatalogFile } from '../deployment/spec';
import {
  CATALOG_LIMIT,
  CATALOG_NAME,
  archiveLocation,
  parseCatalog,
  recordOf,
  selectImage,
  weakChecksum,
} from '../image';
import type { CatalogImage } from '../image';
import { fetchText, fileFault } from './download';
import type { Watcher } from './single-flight';

const MIB = 1024 * 1024;

export interface StoreArchive {
  readonly image: CatalogImage;
  /** URL or path of the archive. */
  readonly location: string;
}

export function isUrl(location: string): boolean {
  return /^https?:/i.test(location);
}

/** An address that ends in a slash is that of a store, as in EUSTORE_URL. */
export function catalogLocation(location: string): string {
  return location.endsWith('/') ? `${location}${CATALOG_NAME}` : location;
}

export async function readCatalog(
  location: string,
  watcher: Watcher,
  silenceMs?: number,
): Promise<readonly CatalogImage[]> {
  const text = isUrl(location)
    ? await fetchText(location, CATALOG_LIMIT, watcher, silenceMs)
    : await readLimited(location);
  if (text === undefined)
    throw new DeployError('IMAGE_CATALOG', `${location} is not a catalogue: it has more than ${CATALOG_LIMIT} bytes.`);
  return parseCatalog(text, location);
}

/** Undefined if it is too long. */
async function readLimited(path: string): Promise<string | undefined> {
  try {
    const file = await open(path, 'r');
    try {
      const { size } = await file.stat();
      return size > CATALOG_LIMIT ? undefined : await file.readFile('utf8');
    } finally {
      await file.close();
    }
  } catch (error) {
    throw fileFault(path, error);
  }
}

/** Of a pinned choice. */
export function pinName({ catalog, entry = '', architecture }: CatalogFile): string {
  return `${createHash('sha256')
    .update(JSON.stringify([catalog, entry, architecture]))
    .digest('hex')}.entry`;
}

/**
 * Which archive the spec means. The choice is kept in that folder until the image is published: kernel, ramdisk and root must come from one
 * archive, even if the catalogue changes meanwhile.
 */
export async function chooseArchive(
  file: CatalogFile,
  folder: string,
  watcher: Watcher,
  silenceMs?: number,
): Promise<StoreArchive> {
  const pin = join(folder, pinName(file));
  const kept = await pinned(pin);
  const catalog = catalogLocation(file.catalog);
  const image = kept ?? selectImage(await readCatalog(catalog, watcher, silenceMs), file);
  const archive = { image, location: archiveLocation(catalog, image) };
  if (kept === undefined) await writePin(pin, image);
  return archive;
}

async function pinned(pin: string): Promise<CatalogImage | undefined> {
  const text = await readFile(pin, 'utf8').catch(() => undefined);
  if (text === undefined) return undefined;
  try {
    return parseCatalog(text, pin)[0];
  } catch {
    // A write that was cut off by a power failure.
    return undefined;
  }
}

async function writePin(pin: string, image: CatalogImage): Promise<void> {
  try {
    await mkdir(dirname(pin), { recursive: true, mode: 0o700 });
    await writeFile(`${pin}.${process.pid}`, JSON.stringify({ images: [recordOf(image)] }), { mode: 0o600 });
    await rename(`${pin}.${process.pid}`, pin);
  } catch (error) {
    await rm(`${pin}.${process.pid}`, { force: true });
    throw fileFault(pin, error);
  }
}

/** Two archives can have one checksum of eustore's, so the place counts, too. */
export function downloadName({ image: { sha256, name }, location }: StoreArchive): string {
  return sha256 ?? `eustore-${name}-${createHash('sha256').update(location).digest('hex').slice(0, 16)}`;
}

/** Reads the archive once. Throws IMAGE_SOURCE_DAMAGED. */
export async function verifyArchive(path: string, { image, location }: StoreArchive, watcher: Watcher): Promise<void> {
  const [md5, sha256] = [createHash('md5'), createHash('sha256')];
  let done = 0;
  const weak = image.sha256 === undefined ? ' by its CRC-32 alone, the catalogue has no SHA-256' : '';
  try {
    const chunks: AsyncIterable<Buffer> = createReadStream(path, { highWaterMark: MIB, signal: watcher.signal });
    for await (const chunk of chunks) {
      md5.update(chunk);
      sha256.update(chunk);
      done += chunk.length;
      watcher.report(`verifying ${location}${weak}: ${Math.floor(done / MIB)} MiB`);
    }
  } catch (error) {
    watcher.signal.throwIfAborted();
    throw fileFault(path, error);
  }
  const wrong =
    image.sha256 !== undefined && sha256.digest('hex') !== image.sha256
      ? 'SHA-256'
      : weakChecksum(md5.digest('hex')) !== image.name
        ? 'checksum (its name)'
        : undefined;
  if (wrong !== undefined)
    throw new DeployError(
      'IMAGE_SOURCE_DAMAGED',
      `The archive ${location} does not have the ${wrong} of the catalogue.`,
    );
}
