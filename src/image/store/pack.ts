/**
 * Packs kernel, ramdisk and root image into a `.tar.gz`. The same files give the same bytes: no time, no owner, always in this order.
 *
 * It is one gzip member, made of blocks that are compressed on all cores: euca2ools 2.1 opens the archive with Python's `r|gz`, which
 * stops at the end of the first member (bundler.py, untarzip_image). Every block starts without knowledge of those before it, so a run
 * that was killed is resumed after the last block that the journal has a checkpoint of. Until it is complete, the archive has another name.
 */

import { createHash } from 'node:crypto';
import type { Hash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open, rename, stat } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { IMAGE_KINDS } from '../../deployment/spec';
import type { ImageKind } from '../../deployment/spec';
import { TAR_BLOCK, folderHeader, padding, tarHeader } from '../archive/tar-header';
import { BLOCK_SIZE, ZEROS, alignedBuffers, isZero, mapInOrder } from '../blocks';
import type { WorkOptions } from '../blocks';
import { compressorName, deflateBlock, deflatedZeros } from '../bundle/gzip';
import { fileError } from '../errors';
import type { Source } from '../source';
import { syncFolder } from './catalog';
import { MEMBER_NAMES, checkArchiveName } from './layout';
import { openPackJournal } from './pack-journal';
import type { Checkpoint, PackDone, PackJournal } from './pack-journal';

export interface PackRequest {
  readonly name: string;
  readonly sources: Readonly<Record<ImageKind, Source>>;
  /** Must exist. Only one run at a time may pack that name into it. */
  readonly folder: string;
}

export interface PackOptions extends Partial<Omit<WorkOptions, 'onProgress'>> {
  /** @param done bytes of the archive before compression */
  readonly onProgress?: (done: number) => void;
}

export interface Packed extends PackDone {
  readonly path: string;
  /** Bytes of the archive that an earlier run had made. */
  readonly reused: number;
}

/** Blocks between two checkpoints. */
const CHECKPOINT = 16;
const WRITE_SIZE = 4 * 1024 * 1024;
/** No name, no time; made on no particular system. */
const GZIP_HEADER = Buffer.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff]);
/** An empty block that is the last. */
const LAST_BLOCK = Buffer.from([0x03, 0x00]);
const START: Checkpoint = { block: 0, at: 0, crc: 0, sha256: '' };

export function tarSize({ sources }: Pick<PackRequest, 'sources'>): number {
  return blocksOf('', sources).reduce((sum, block) => sum + block.length, 0);
}

export async function pack(request: PackRequest, options: PackOptions = {}): Promise<Packed> {
  const { name, sources, folder } = request;
  checkArchiveName(name);
  const path = join(folder, `${name}.tar.gz`);
  const journal = openPackJournal(join(folder, `.${name}.journal`));
  const id = fingerprint(request);
  try {
    const known = await journal.load(id);
    if (known?.done !== undefined && (await isThere(path, known.done)))
      return { ...known.done, path, reused: known.done.size };
    const partial = join(folder, `.${name}.tar.gz.partial`);
    const archive = await PartialArchive.open(partial, known?.checkpoints ?? []);
    await journal.begin(id, archive.valid);
    let done: PackDone;
    try {
      done = await archive.write(blocksOf(name, sources), journal, options);
      for (const kind of IMAGE_KINDS) await sources[kind].assertUnchanged();
    } finally {
      await archive.close();
    }
    await rename(partial, path);
    await syncFolder(folder);
    await journal.finish(done);
    return { ...done, path, reused: archive.reused };
  } catch (error) {
    throw fileError(path, error);
  }
}

/** Of everything that the bytes of the archive depend on. */
function fingerprint({ name, sources }: PackRequest): string {
  const stamps = IMAGE_KINDS.map((kind) => sources[kind].stamp);
  return createHash('sha256')
    .update(JSON.stringify(['stackato-deploy archive 1', compressorName(), name, ...stamps]))
    .digest('hex');
}

async function isThere(path: string, { size, sha256 }: PackDone): Promise<boolean> {
  const there = await stat(path).catch(() => undefined);
  if (there?.size !== size) return false;
  const hash = createHash('sha256');
  for await (const bytes of createReadStream(path, { highWaterMark: BLOCK_SIZE }) as AsyncIterable<Buffer>)
    hash.update(bytes);
  return hash.digest('hex') === sha256;
}

/** A piece of the tar archive, which is compressed by itself. */
type Block = Buffer | { readonly source: Source; readonly offset: number; readonly length: number };

function blocksOf(name: string, sources: PackRequest['sources']): readonly Block[] {
  const blocks: Block[] = [folderHeader(name)];
  for (const kind of IMAGE_KINDS) {
    const source = sources[kind];
    blocks.push(tarHeader(MEMBER_NAMES[kind](name), source.size));
    for (let offset = 0; offset < source.size; offset += BLOCK_SIZE)
      blocks.push({ source, offset, length: Math.min(BLOCK_SIZE, source.size - offset) });
    if (padding(source.size) > 0) blocks.push(Buffer.alloc(padding(source.size)));
  }
  blocks.push(Buffer.alloc(2 * TAR_BLOCK));
  return blocks;
}

interface MadeBlock {
  readonly bytes: Buffer;
  readonly compressed: Buffer;
}

async function makeBlock(block: Block, buffer: Buffer): Promise<MadeBlock> {
  if (Buffer.isBuffer(block)) return { bytes: block, compressed: await deflateBlock(block) };
  const bytes = buffer.subarray(0, block.length);
  await block.source.read(bytes, block.offset);
  if (isZero(bytes)) return { bytes: ZEROS.subarray(0, bytes.length), compressed: deflatedZeros(bytes.length) };
  return { bytes, compressed: await deflateBlock(bytes) };
}

class PartialArchive {
  private readonly md5: Hash = createHash('md5');
  private readonly sha256: Hash = createHash('sha256');
  /** Those that the file on disk still agrees with. */
  readonly valid: Checkpoint[] = [];
  reused = 0;

  private constructor(private readonly file: FileHandle) {}

  static async open(path: string, checkpoints: readonly Checkpoint[]): Promise<PartialArchive> {
    const archive = new PartialArchive(
      await open(path, checkpoints.length === 0 ? 'w+' : 'r+').catch(() => open(path, 'w+')),
    );
    await archive.verify(checkpoints);
    return archive;
  }

  /** Reads what an earlier run has written, up to the last checkpoint that it agrees with. */
  private async verify(checkpoints: readonly Checkpoint[]): Promise<void> {
    for (const checkpoint of checkpoints) {
      const bytes = Buffer.alloc(checkpoint.at - this.reused);
      const { bytesRead } = await this.file.read(bytes, 0, bytes.length, this.reused);
      const digest = this.sha256.copy().update(bytes).digest('hex');
      if (bytesRead < bytes.length || digest !== checkpoint.sha256) return;
      this.add(bytes);
      this.reused = checkpoint.at;
      this.valid.push(checkpoint);
    }
  }

  async write(
    blocks: readonly Block[],
    journal: PackJournal,
    { concurrency = Math.min(4, availableParallelism() + 2), signal, onProgress }: PackOptions,
  ): Promise<PackDone> {
    const start = this.valid.at(-1) ?? START;
    const output = new Output(this.file, start.at);
    const put = (bytes: Buffer): Promise<void> => {
      this.add(bytes);
      return output.write(bytes);
    };
    if (start.at === 0) await put(GZIP_HEADER);
    let crc = start.crc;
    let [next, done] = [start.block, 0];
    for (const block of blocks.slice(0, next)) done += block.length;
    const buffers = alignedBuffers(concurrency);
    const made = mapInOrder({ from: next, count: blocks.length }, concurrency, (index, slot) => {
      signal?.throwIfAborted();
      return makeBlock(blocks[index] ?? Buffer.alloc(0), buffers(slot));
    });
    for await (const { bytes, compressed } of made) {
      crc = crc32(bytes, crc);
      await put(compressed);
      next += 1;
      done += bytes.length;
      onProgress?.(done);
      if (next % CHECKPOINT > 0) continue;
      await output.flush();
      await journal.add({ block: next, at: output.at, crc, sha256: this.sha256.copy().digest('hex') });
    }
    await put(LAST_BLOCK);
    await put(trailer(crc, done));
    await output.flush();
    await this.file.truncate(output.at);
    await this.file.chmod(0o644);
    await this.file.sync();
    return { size: output.at, md5: this.md5.digest('hex'), sha256: this.sha256.digest('hex') };
  }

  async close(): Promise<void> {
    await this.file.close();
  }

  private add(bytes: Buffer): void {
    this.md5.update(bytes);
    this.sha256.update(bytes);
  }
}

/** CRC-32 and length of the uncompressed data, the length modulo 2^32. */
function trailer(crc: number, length: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeUInt32LE(crc, 0);
  bytes.writeUInt32LE(length % 2 ** 32, 4);
  return bytes;
}

/** Few and large writes, one under way at a time: each waits for a thread of the pool, which is busy compressing. */
class Output {
  private pieces: Buffer[] = [];
  private collected = 0;
  private writing: Promise<void> = Promise.resolve();

  constructor(
    private readonly file: FileHandle,
    private written: number,
  ) {}

  get at(): number {
    return this.written + this.collected;
  }

  async write(bytes: Buffer): Promise<void> {
    this.pieces.push(bytes);
    this.collected += bytes.length;
    if (this.collected >= WRITE_SIZE) await this.start();
  }

  async flush(): Promise<void> {
    await this.start();
    await this.writing;
  }

  private async start(): Promise<void> {
    await this.writing;
    const [bytes, position] = [Buffer.concat(this.pieces), this.written];
    this.written += bytes.length;
    [this.pieces, this.collected] = [[], 0];
    this.writing = this.store(bytes, position);
    // Its error is thrown where the next write waits for it.
    this.writing.catch(() => undefined);
  }

  private async store(bytes: Buffer, position: number): Promise<void> {
    for (let done = 0; done < bytes.length;)
      done += (await this.file.write(bytes, done, bytes.length - done, position + done)).bytesWritten;
  }
}
