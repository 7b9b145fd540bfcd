/**
 * Images inside of other files: `.gz`, `.xz`, `.tar.gz`, `.zip`. Nothing is unpacked to disk: each look at the image unpacks it again,
 * from the start where it has to go back. Unpacking takes about 2.5 s a GiB, so a look to find the size (which only zip knows before its
 * end), the survey and the bundle itself take a third more than with a raw file. One made anew because of a changed file is noticed
 * like any other change: by the file itself, and by the content of each block.
 */

import { createReadStream } from 'node:fs';
import { createGunzip, createInflateRaw, crc32 } from 'node:zlib';
import { DeployError } from '../deployment/errors';
import { ByteInput } from './byte-input';
import { fileError } from './file-error';
import { openFile } from './source';
import type { Source } from './source';
import { isDamage, through } from './through';
import { dataOf, isPlain, nextMember, passOver } from './untar';
import { dataOffset, zipEntries } from './zip';
import type { ReadAt } from './zip';

export type Packing = 'raw' | 'gz' | 'xz' | 'tar.gz' | 'zip';

export interface PackedFile {
  readonly path: string;
  readonly packing: Packing;
  /** Of several files in an archive, the one whose name is this or ends in `/` and this. Default: there is only one. */
  readonly entry?: string;
}

/** Node has no xz: whoever may start processes lends it. */
export type Unxz = (compressed: AsyncIterable<Uint8Array>) => AsyncIterable<Buffer>;

/** A way to see the image, as often as needed. */
interface View {
  readonly size: number;
  open(): AsyncIterable<Buffer>;
}

/** @param moved called again and again while something is unpacked: where it is not, something hangs */
export async function openImage(file: PackedFile, unxz?: Unxz, moved: () => void = () => undefined): Promise<Source> {
  const outer = await openFile({ path: file.path });
  if (file.packing === 'raw') return outer;
  try {
    const view = await VIEWS[file.packing]({ outer, entry: file.entry, unxz, moved });
    return new PackedSource(outer, view, `${outer.stamp} ${file.packing} ${file.entry ?? ''}`);
  } catch (error) {
    await outer.close();
    throw inWords(file.path, error);
  }
}

interface Wanted {
  readonly outer: Source;
  readonly entry: string | undefined;
  readonly unxz: Unxz | undefined;
  readonly moved: () => void;
}

const VIEWS: Readonly<Record<Exclude<Packing, 'raw'>, (wanted: Wanted) => Promise<View>>> = {
  gz: (wanted) => counted(() => gunzipped(wanted)),
  xz: async ({ outer, unxz, moved }) => {
    if (unxz === undefined)
      throw new DeployError('IMAGE_FORMAT', `The file ${outer.path} cannot be unpacked: there is no xz here.`);
    return counted(() => watched(unxz(createReadStream(outer.path)), moved));
  },
  'tar.gz': (wanted) => insideTar(wanted),
  zip: (wanted) => insideZip(wanted),
};

function gunzipped({ outer, moved }: Pick<Wanted, 'outer' | 'moved'>): AsyncIterable<Buffer> {
  return watched(through(createReadStream(outer.path), createGunzip({ chunkSize: CHUNK })), moved);
}

async function* watched(unpacked: AsyncIterable<Buffer>, moved: () => void): AsyncGenerator<Buffer, void> {
  for await (const bytes of unpacked) {
    moved();
    yield bytes;
  }
}

const CHUNK = 256 * 1024;

async function counted(open: () => AsyncIterable<Buffer>): Promise<View> {
  return { open, size: await new ByteInput(open(), 'IMAGE_SOURCE_DAMAGED').drain() };
}

async function insideTar(wanted: Wanted): Promise<View> {
  const { outer, entry } = wanted;
  const input = new ByteInput(gunzipped(wanted), 'IMAGE_SOURCE_DAMAGED');
  const found: { name: string; size: number; at: number }[] = [];
  for (let index = 0; ; index++) {
    const member = await nextMember(input);
    if (member === undefined) break;
    if (isPlain(member) && isWanted(member.name, entry)) found.push({ ...member, at: index });
    await passOver(input, member);
  }
  await input.drain();
  const { size, at } = onlyOne(outer.path, found);
  return { size, open: () => tarMember(wanted, at) };
}

async function* tarMember(wanted: Wanted, index: number): AsyncGenerator<Buffer, void> {
  const input = new ByteInput(gunzipped(wanted), 'IMAGE_SOURCE_DAMAGED');
  try {
    for (let at = 0; ; at++) {
      const member = await nextMember(input);
      if (member === undefined) return;
      if (at === index) return yield* dataOf(input, member);
      await passOver(input, member);
    }
  } finally {
    await input.close();
  }
}

async function insideZip({ outer, entry, moved }: Wanted): Promise<View> {
  const readAt: ReadAt = async (offset, length) => {
    const bytes = Buffer.alloc(length);
    if (offset + length > outer.size)
      throw new DeployError('IMAGE_SOURCE_DAMAGED', `The file ${outer.path} is cut off.`);
    await outer.read(bytes, offset);
    return bytes;
  };
  const files = (await zipEntries(readAt, outer.size)).filter(
    ({ name }) => !name.endsWith('/') && isWanted(name, entry),
  );
  const chosen = onlyOne(outer.path, files);
  const start = await dataOffset(readAt, chosen);
  // `end` is that of the last byte: nothing at all cannot be said so.
  const stored = (): AsyncIterable<Buffer> =>
    createReadStream(outer.path, { start, end: start + chosen.compressedSize - 1, highWaterMark: CHUNK });
  const open = (): AsyncIterable<Buffer> =>
    chosen.deflated ? through(stored(), createInflateRaw({ chunkSize: CHUNK })) : stored();
  return {
    size: chosen.size,
    open: () => (chosen.size === 0 ? nothing() : checked(watched(open(), moved), chosen.crc)),
  };
}

async function* nothing(): AsyncGenerator<Buffer, void> {
  // A file of no bytes.
}

/** Zip's checksum is nobody's business but ours. */
async function* checked(stream: AsyncIterable<Buffer>, expected: number): AsyncGenerator<Buffer, void> {
  let crc = 0;
  for await (const bytes of stream) {
    crc = crc32(bytes, crc);
    yield bytes;
  }
  if (crc !== expected)
    throw new DeployError('IMAGE_SOURCE_DAMAGED', 'The image in the zip file does not have its checksum.');
}

function isWanted(name: string, entry: string | undefined): boolean {
  return entry === undefined || name === entry || name.endsWith(`/${entry}`);
}

function onlyOne<T extends { readonly name: string }>(path: string, found: readonly T[]): T {
  const [first, ...others] = found;
  if (first === undefined) throw new DeployError('IMAGE_FORMAT', `There is no such file inside of ${path}.`);
  if (others.length > 0)
    throw new DeployError(
      'IMAGE_FORMAT',
      `There is more than one file inside of ${path}: ${found
        .slice(0, 5)
        .map(({ name }) => JSON.stringify(name))
        .join(', ')}. Name the one that is meant.`,
    );
  return first;
}

class PackedSource implements Source {
  readonly path: string;
  readonly size: number;
  private input: ByteInput | undefined;
  private at = 0;
  /** One read at a time: they come in order, and are made in order. */
  private turn: Promise<void> = Promise.resolve();

  constructor(
    private readonly outer: Source,
    private readonly view: View,
    readonly stamp: string,
  ) {
    this.path = outer.path;
    this.size = view.size;
  }

  read(into: Buffer, offset: number): Promise<void> {
    const read = this.turn.then(() => this.readNow(into, offset));
    this.turn = read.catch(() => undefined);
    return read;
  }

  assertUnchanged(): Promise<void> {
    return this.outer.assertUnchanged();
  }

  async close(): Promise<void> {
    await this.turn;
    await this.input?.close();
    await this.outer.close();
  }

  private async readNow(into: Buffer, offset: number): Promise<void> {
    try {
      const input = await this.inputAt(offset);
      let done = 0;
      for await (const piece of input.upTo(into.length)) done += piece.copy(into, done);
      this.at = offset + done;
      // The checksum comes after the last byte.
      if (this.at === this.size && (await input.drain()) > 0)
        throw new DeployError('IMAGE_SOURCE_DAMAGED', `The image in ${this.path} is longer than it says.`);
    } catch (error) {
      this.input = undefined;
      throw inWords(this.path, error);
    }
  }

  private async inputAt(offset: number): Promise<ByteInput> {
    if (this.input === undefined || offset < this.at) {
      await this.input?.close();
      this.input = new ByteInput(this.view.open(), 'IMAGE_SOURCE_DAMAGED');
      this.at = 0;
    }
    await this.input.skip(offset - this.at);
    return this.input;
  }
}

function inWords(path: string, error: unknown): unknown {
  return isDamage(error)
    ? new DeployError('IMAGE_SOURCE_DAMAGED', `The file ${path} is cut off or damaged.`)
    : fileError(path, error);
}
