/**
 * Images inside other files: `.gz`, `.xz`, `.tar.gz`, `.zip`. Nothing is unpacked to disk: every pass over the image unpacks it again, and
 * so does going back. Unpacking takes about 2.5 s per GiB, so finding the size (which only zip knows in advance), the survey and the
 * bundle together take a third longer than with a raw file. If the file changes meanwhile, that is noticed as with a raw image: by the
 * file's stat, and by the checksum of each block.
 */

import { createReadStream } from 'node:fs';
import { createGunzip } from 'node:zlib';
import pLimit from 'p-limit';
import { DeployError } from '../deployment/errors';
import { isRegularFile, nextMember, readMember, skipMember } from './archive/tar-reader';
import type { XzDecompressor } from './archive/xz';
import { zipEntries } from './archive/zip';
import type { ImageKind } from '../deployment/spec';
import { fileError, isZlibError } from './errors';
import { openFile } from './source';
import type { Source } from './source';
import { ByteReader, ZLIB_CHUNK, pipeThrough, withProgress } from './streams';

export type Packing = 'raw' | 'gz' | 'xz' | 'tar.gz' | 'zip';

const EXTENSIONS: readonly (readonly [extension: RegExp, packing: Packing | 'unsupported'])[] = [
  [/\.(tar\.gz|tgz)$/i, 'tar.gz'],
  // Bundled as they are, they would become images that cannot boot.
  [/\.(tar(\.\w+)?|t[bx]z2?|bz2|zst|lzma|7z|rar|vdi|vhd|ova|ovf|iso)$/i, 'unsupported'],
  [/\.gz$/i, 'gz'],
  [/\.xz$/i, 'xz'],
  [/\.zip$/i, 'zip'],
];

/** Kernels and ramdisks boot compressed, so these are kept as they are. */
const BOOTABLE: readonly Packing[] = ['gz', 'xz'];

/** By the name alone, since a file that is yet to be downloaded has nothing else. */
export function packingOf(name: string, kind: ImageKind = 'machine'): Packing {
  const packing = EXTENSIONS.find(([extension]) => extension.test(name))?.[1] ?? 'raw';
  if (packing === 'unsupported')
    throw new DeployError('IMAGE_FORMAT', `The format of the file ${name} is not supported.`);
  return kind !== 'machine' && BOOTABLE.includes(packing) ? 'raw' : packing;
}

export interface PackedFile {
  readonly path: string;
  readonly packing: Packing;
  /** Which file of an archive: its name, or the end of it after a `/`. Default: the only one. */
  readonly entry?: string;
}

/** @param onProgress called again and again while something is unpacked: if the calls stop, it hangs */
export async function openImage(
  file: PackedFile,
  xz?: XzDecompressor,
  onProgress: () => void = () => undefined,
): Promise<Source> {
  const outer = await openFile({ path: file.path });
  if (file.packing === 'raw') return outer;
  try {
    const image = await UNPACKERS[file.packing]({ outer, entry: file.entry, xz, onProgress });
    return new PackedSource(outer, image, `${outer.stamp} ${file.packing} ${file.entry ?? ''}`);
  } catch (error) {
    await outer.close();
    throw readError(file.path, error);
  }
}

/** The unpacked image, which can be read from the start as often as needed. */
interface UnpackedImage {
  readonly size: number;
  open(): AsyncIterable<Buffer>;
}

interface Unpacking {
  readonly outer: Source;
  readonly entry: string | undefined;
  readonly xz: XzDecompressor | undefined;
  readonly onProgress: () => void;
}

const UNPACKERS: Readonly<Record<Exclude<Packing, 'raw'>, (unpacking: Unpacking) => Promise<UnpackedImage>>> = {
  gz: (unpacking) => measured(() => gunzipped(unpacking)),
  xz: async ({ outer, xz, onProgress }) => {
    if (xz === undefined)
      throw new DeployError('IMAGE_FORMAT', `The file ${outer.path} cannot be unpacked: xz is not available here.`);
    return measured(() => withProgress(xz(createReadStream(outer.path)), onProgress));
  },
  'tar.gz': inTar,
  zip: inZip,
};

export function gunzipped({ outer, onProgress }: Unpacking): AsyncIterable<Buffer> {
  const file = createReadStream(outer.path);
  return withProgress(pipeThrough(file, createGunzip({ chunkSize: ZLIB_CHUNK })), onProgress);
}

/** Unpacks everything once, only for its size. */
async function measured(open: () => AsyncIterable<Buffer>): Promise<UnpackedImage> {
  return { open, size: await new ByteReader(open(), 'IMAGE_SOURCE_DAMAGED').drain() };
}

async function inTar(unpacking: Unpacking): Promise<UnpackedImage> {
  const { size, index } = await onlyMatch(unpacking, tarEntries(unpacking));
  return { size, open: () => readTarEntry(unpacking, index) };
}

async function* tarEntries(unpacking: Unpacking): AsyncGenerator<{ name: string; size: number; index: number }, void> {
  const reader = new ByteReader(gunzipped(unpacking), 'IMAGE_SOURCE_DAMAGED');
  try {
    for (let index = 0; ; index++) {
      const member = await nextMember(reader);
      if (member === undefined) break;
      if (isRegularFile(member)) yield { name: member.name, size: member.size, index };
      await skipMember(reader, member);
    }
    // The checksum of gzip comes last.
    await reader.drain();
  } finally {
    await reader.close();
  }
}

export async function* readTarEntry(unpacking: Unpacking, wanted: number): AsyncGenerator<Buffer, void> {
  const reader = new ByteReader(gunzipped(unpacking), 'IMAGE_SOURCE_DAMAGED');
  try {
    for (let index = 0; ; index++) {
      const member = await nextMember(reader);
      if (member === undefined) return;
      if (index === wanted) return yield* readMember(reader, member);
      await skipMember(reader, member);
    }
  } finally {
    await reader.close();
  }
}

async function inZip(unpacking: Unpacking): Promise<UnpackedImage> {
  const { outer, onProgress } = unpacking;
  const { name, size, unsupported, open } = await onlyMatch(unpacking, zipEntries(outer));
  if (unsupported !== undefined)
    throw new DeployError('IMAGE_FORMAT', `In the zip file ${outer.path}, ${JSON.stringify(name)} is ${unsupported}.`);
  return { size, open: () => withProgress(open(), onProgress) };
}

/** So many matches are enough for a message: an archive may have millions of files. */
const MAX_MATCHES = 5;

async function onlyMatch<T extends { readonly name: string }>(
  { outer: { path }, entry, onProgress }: Unpacking,
  entries: AsyncIterable<T>,
): Promise<T> {
  const matches: T[] = [];
  for await (const each of entries) {
    onProgress();
    if (entry === undefined || each.name === entry || each.name.endsWith(`/${entry}`)) matches.push(each);
    if (matches.length === MAX_MATCHES) break;
  }
  const [first, ...others] = matches;
  if (first === undefined)
    throw new DeployError(
      'IMAGE_FORMAT',
      entry === undefined
        ? `The archive ${path} holds no file.`
        : `The archive ${path} holds no file ${JSON.stringify(entry)}.`,
    );
  if (others.length > 0)
    throw new DeployError(
      'IMAGE_FORMAT',
      `The archive ${path} holds several files that match: ${matches.map(({ name }) => JSON.stringify(name)).join(', ')}. Name one of them.`,
    );
  return first;
}

export class PackedSource implements Source {
  readonly path: string;
  readonly size: number;
  private reader: ByteReader | undefined;
  private position = 0;
  /** Reads come in order and must be made in order: they share one stream. */
  private readonly oneAtATime = pLimit(1);

  constructor(
    private readonly outer: Source,
    private readonly image: UnpackedImage,
    readonly stamp: string,
  ) {
    this.path = outer.path;
    this.size = image.size;
  }

  read(into: Buffer, offset: number): Promise<void> {
    return this.oneAtATime(() => this.readNow(into, offset));
  }

  assertUnchanged(): Promise<void> {
    return this.outer.assertUnchanged();
  }

  async close(): Promise<void> {
    await this.oneAtATime(() => this.reader?.close());
    await this.outer.close();
  }

  private async readNow(into: Buffer, offset: number): Promise<void> {
    try {
      const reader = await this.readerAt(offset);
      let done = 0;
      for await (const chunk of reader.chunks(into.length)) done += chunk.copy(into, done);
      this.position = offset + done;
      // Checksums come after the last byte.
      if (this.position === this.size && (await reader.drain()) > 0)
        throw new DeployError('IMAGE_SOURCE_DAMAGED', `The image in ${this.path} is longer than the archive says.`);
    } catch (error) {
      this.reader = undefined;
      throw readError(this.path, error);
    }
  }

  private async readerAt(offset: number): Promise<ByteReader> {
    if (this.reader === undefined || offset < this.position) {
      await this.reader?.close();
      this.reader = new ByteReader(this.image.open(), 'IMAGE_SOURCE_DAMAGED');
      this.position = 0;
    }
    await this.reader.skip(offset - this.position);
    return this.reader;
  }
}

function readError(path: string, error: unknown): unknown {
  return isZlibError(error)
    ? new DeployError('IMAGE_SOURCE_DAMAGED', `The file ${path} is cut off or damaged.`)
    : fileError(path, error);
}
