/**
 * The catalogue of an image store, as eustore of euca2ools 2.1 and 3.0 reads it: JSON, `{ "images": [ … ] }`. Both ignore fields that they
 * do not know; 2.1 slices most of the others without looking, so all of them must be there, as text (facts/eucalyptus.md §8).
 */

import { open, readFile, rename } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { crc32 } from 'node:zlib';
import { DeployError } from '../../deployment/errors';
import type { CatalogFile } from '../../deployment/spec';
import { fileError } from '../errors';

/** Of a catalogue, in bytes: it is held in memory. */
export const CATALOG_LIMIT = 4 * 1024 * 1024;

/** Both programs ask for it by this name, after the address of the store. */
export const CATALOG_NAME = 'catalog';

export interface CatalogImage {
  /** Not a name: the checksum of `weakChecksum`. */
  readonly name: string;
  readonly description: string;
  readonly os: string;
  readonly architecture: string;
  readonly version: string;
  readonly hypervisors: readonly string[];
  /** One kernel for all hypervisors; otherwise each has a folder of its own. */
  readonly singleKernel: boolean;
  /** Of the archive, relative to the catalogue. */
  readonly url: string;
  readonly date: string;
  readonly stamp: string;
  readonly recipe: string;
  readonly contact: string;
  /** From here on: only in catalogues of ours. */
  readonly sha256?: string;
  readonly release?: string;
  readonly cloudInit?: boolean;
  /** Bytes, unpacked. */
  readonly rootSize?: number;
  readonly archiveSize?: number;
  readonly compression?: string;
}

/** CRC-32 of the hexadecimal text of the MD5, as ten decimal digits: 32 bits, so it finds accidents only. */
export function weakChecksum(md5: string): string {
  return String(crc32(Buffer.from(md5, 'latin1'))).padStart(10, '0');
}

/** @param where for messages */
export function parseCatalog(text: string, where: string): readonly CatalogImage[] {
  return recordsOf(text, where).map((record, index) => imageOf(record, `Image ${index + 1} of the catalogue ${where}`));
}

type JsonRecord = Readonly<Record<string, unknown>>;

function recordsOf(text: string, where: string): readonly JsonRecord[] {
  const images = member(parseJson(text, where), 'images');
  if (!Array.isArray(images) || !images.every(isRecord))
    throw new DeployError('IMAGE_CATALOG', `${where} is not a catalogue: it has no list "images" of mappings.`);
  return images;
}

function parseJson(text: string, where: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new DeployError('IMAGE_CATALOG', `${where} is not a catalogue: it is not JSON.`);
  }
}

function member(value: unknown, key: string): unknown {
  return isRecord(value) ? value[key] : undefined;
}

function isRecord(value: unknown): value is JsonRecord {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function imageOf(record: JsonRecord, what: string): CatalogImage {
  const text = (key: string): string => {
    const value = record[key];
    return typeof value === 'string' ? value : '';
  };
  const [name, url] = [text('name'), text('url')];
  if (!/^\d{10}$/.test(name))
    throw new DeployError('IMAGE_CATALOG', `${what} has no name of ten digits, which is its checksum.`);
  if (url === '') throw new DeployError('IMAGE_CATALOG', `${what} has no url.`);
  const hypervisors = record['hypervisors-supported'];
  const sha256 = text('sha256').toLowerCase();
  if (sha256 !== '' && !/^[0-9a-f]{64}$/.test(sha256))
    throw new DeployError('IMAGE_CATALOG', `${what} has a sha256 that is not 64 hexadecimal digits.`);
  const size = (key: string): number | undefined => {
    const value = record[key];
    return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : undefined;
  };
  return withoutUndefined({
    name,
    description: text('description'),
    os: text('os'),
    architecture: text('architecture'),
    version: text('version'),
    hypervisors: Array.isArray(hypervisors)
      ? hypervisors.filter((each): each is string => typeof each === 'string')
      : [],
    singleKernel: record['single-kernel'] === 'True',
    url,
    date: text('date'),
    stamp: text('stamp'),
    recipe: text('recipe'),
    contact: text('contact'),
    sha256: sha256 === '' ? undefined : sha256,
    release: text('release') === '' ? undefined : text('release'),
    cloudInit: typeof record['cloud-init'] === 'boolean' ? record['cloud-init'] : undefined,
    rootSize: size('root-size'),
    archiveSize: size('archive-size'),
    compression: text('compression') === '' ? undefined : text('compression'),
  });
}

type WithoutUndefined<T> = { [K in keyof T as undefined extends T[K] ? never : K]: T[K] } & {
  [K in keyof T as undefined extends T[K] ? K : never]?: Exclude<T[K], undefined>;
};

function withoutUndefined<T extends object>(value: T): WithoutUndefined<T> {
  return Object.fromEntries(Object.entries(value).filter(([, each]) => each !== undefined)) as WithoutUndefined<T>;
}

export function recordOf(image: CatalogImage): JsonRecord {
  const { hypervisors, singleKernel, cloudInit, rootSize, archiveSize, ...rest } = image;
  return withoutUndefined({
    ...rest,
    'hypervisors-supported': hypervisors,
    // 3.0 takes any text for true, so there is no way to say false.
    'single-kernel': singleKernel ? 'True' : undefined,
    'cloud-init': cloudInit,
    'root-size': rootSize,
    'archive-size': archiveSize,
  });
}

/** The one that the spec means. Throws, listing what there is, unless exactly one matches. */
export function selectImage(
  images: readonly CatalogImage[],
  { catalog, entry, architecture }: Pick<CatalogFile, 'catalog' | 'entry' | 'architecture'>,
): CatalogImage {
  const matching = images.filter((image) => entry === undefined || isCalled(image, entry));
  const [first, ...others] = matching.filter((image) => image.architecture === architecture);
  if (first !== undefined && others.length === 0) return first;
  const wanted = entry === undefined ? '' : ` that is called ${JSON.stringify(entry)}`;
  const found = first === undefined ? 'no image' : `${others.length + 1} images`;
  throw new DeployError(
    'IMAGE_CATALOG',
    `The catalogue ${catalog} has ${found}${wanted} for ${architecture}. ${listOf(first === undefined ? images : matching)}`,
  );
}

function isCalled(image: CatalogImage, entry: string): boolean {
  return [image.name, image.version, image.release, image.description, archiveName(image)].includes(entry);
}

/** Without folder and extension. */
export function archiveName({ url }: CatalogImage): string {
  return (url.split('/').at(-1) ?? '').replace(/\.(tar\.gz|tgz)$/, '');
}

/** So many are enough for a message. */
const MAX_LISTED = 10;

function listOf(images: readonly CatalogImage[]): string {
  if (images.length === 0) return 'It is empty.';
  const lines = images
    .slice(0, MAX_LISTED)
    .map((image) => `${archiveName(image)} (entry "${image.name}", version ${image.version}, ${image.architecture})`);
  const more = images.length > MAX_LISTED ? `, and ${images.length - MAX_LISTED} more` : '';
  return `It has: ${lines.join(', ')}${more}.`;
}

/** Where the archive is: the same kind of place as the catalogue. A file must be in the catalogue's folder or below it. */
export function archiveLocation(catalog: string, { url }: CatalogImage): string {
  if (/^https?:/i.test(catalog)) {
    // No URL of another kind: a catalogue from the network must not name files of this machine.
    const resolved = URL.canParse(url, catalog) ? new URL(url, catalog) : undefined;
    if (resolved !== undefined && /^https?:$/.test(resolved.protocol)) return resolved.href;
  } else if (isBelow(url)) return join(dirname(catalog), url);
  throw new DeployError(
    'IMAGE_CATALOG',
    `The catalogue ${catalog} names the archive ${JSON.stringify(url)}, which is not a place beside it.`,
  );
}

function isBelow(path: string): boolean {
  return (
    !/^(\/|[A-Za-z][A-Za-z0-9+.-]*:)/.test(path) &&
    path.split('/').every((part) => part !== '..' && part !== '') &&
    !path.includes('\0')
  );
}

/** Replaces the entry of the same archive, or appends one; keeps all others as they are. Call it under a lock. */
export async function putImage(folder: string, image: CatalogImage): Promise<string> {
  const path = join(folder, CATALOG_NAME);
  const before = await readIfThere(path);
  const document = before === undefined ? {} : parseJson(before, path);
  const records = before === undefined ? [] : recordsOf(before, path);
  const at = records.findIndex(({ url }) => url === image.url);
  const record = recordOf(image);
  const images = at === -1 ? [...records, record] : records.with(at, record);
  await replaceFile(path, `${JSON.stringify({ ...(isRecord(document) ? document : {}), images }, null, 2)}\n`);
  return path;
}

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw fileError(path, error);
  }
}

/** Readers see the old file or the new one, also after a power failure. */
async function replaceFile(path: string, text: string): Promise<void> {
  const partial = join(dirname(path), `.${CATALOG_NAME}.partial`);
  try {
    const file = await open(partial, 'w', 0o644);
    try {
      await file.writeFile(text);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(partial, path);
    await syncFolder(dirname(path));
  } catch (error) {
    throw fileError(path, error);
  }
}

/** Makes a rename in it durable. */
export async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
