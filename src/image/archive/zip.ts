/** Lists and reads the files inside a zip file, with yauzl. */

import { createReadStream } from 'node:fs';
import type { Readable } from 'node:stream';
import { crc32, createInflateRaw } from 'node:zlib';
import { RandomAccessReader, fromRandomAccessReaderPromise, getFileNameLowLevel } from 'yauzl';
import type { Entry, ZipFile } from 'yauzl';
import { DeployError } from '../../deployment/errors';
import type { Source } from '../source';
import { ZLIB_CHUNK, pipeThrough } from '../streams';

export interface ZipEntry {
  readonly name: string;
  readonly size: number;
  /** Why it cannot be read. */
  readonly unsupported?: string;
  /** Reads it from the start, as often as needed. */
  open(): AsyncIterable<Buffer>;
}

/** yauzl has no limit of its own. Listing so many takes about a minute. */
const ENTRY_LIMIT = 1_000_000;
const DEFLATE = 8;

/** Folders are left out. */
export async function* zipEntries(source: Source): AsyncGenerator<ZipEntry, void> {
  try {
    // With `decodeStrings`, yauzl refuses the whole file for a name like ../x. Names are only compared here, never used as paths.
    const options = { autoClose: false, decodeStrings: false };
    const zip = await fromRandomAccessReaderPromise(new SourceReader(source), source.size, options);
    if (zip.entryCount > ENTRY_LIMIT)
      throw new DeployError('IMAGE_FORMAT', `The zip file ${source.path} has more than ${ENTRY_LIMIT} files.`);
    for await (const entry of zip.eachEntry()) {
      const name = getFileNameLowLevel(entry.generalPurposeBitFlag, entry.fileNameRaw, entry.extraFields, false);
      if (name.endsWith('/')) continue;
      const unsupported = entry.isEncrypted() ? 'encrypted' : 'compressed with a method that is not supported';
      yield {
        name,
        size: entry.uncompressedSize,
        ...(entry.canDecodeFileData() ? {} : { unsupported }),
        open: () => readEntry(source.path, zip, entry),
      };
    }
  } catch (error) {
    throw zipError(source.path, error);
  }
}

/** yauzl inflates in chunks of 16 KiB, which takes twice as long, and does not verify the checksum: both are done here. */
async function* readEntry(path: string, zip: ZipFile, entry: Entry): AsyncGenerator<Buffer, void> {
  let crc = 0;
  try {
    const stored: AsyncIterable<Buffer> = await zip.openReadStreamPromise(entry, { decodeFileData: false });
    const inflated =
      entry.compressionMethod === DEFLATE ? pipeThrough(stored, createInflateRaw({ chunkSize: ZLIB_CHUNK })) : stored;
    for await (const bytes of inflated) {
      crc = crc32(bytes, crc);
      yield bytes;
    }
  } catch (error) {
    throw zipError(path, error);
  }
  if (crc !== entry.crc32)
    throw new DeployError('IMAGE_SOURCE_DAMAGED', `The image in the zip file ${path} does not match its checksum.`);
}

/** yauzl's own reader throws where nobody can catch it when a damaged file names an offset beyond 2^53: every offset is checked here. */
class SourceReader extends RandomAccessReader {
  constructor(private readonly source: Source) {
    super();
  }

  override read(
    buffer: Buffer,
    offset: number,
    length: number,
    position: number,
    callback: (error: Error | null) => void,
  ): void {
    if (position + length > this.source.size) return callback(new Error('unexpected end of file'));
    this.source.read(buffer.subarray(offset, offset + length), position).then(() => callback(null), callback);
  }

  override _readStreamForRange(start: number, end: number): Readable {
    return createReadStream(this.source.path, { start, end: end - 1, highWaterMark: ZLIB_CHUNK });
  }
}

/** yauzl throws plain errors; all others (of files, of zlib, ours) are left as they are. */
function zipError(path: string, error: unknown): unknown {
  if (!(error instanceof Error) || error.name !== 'Error' || 'code' in error) return error;
  return /not supported/.test(error.message)
    ? new DeployError('IMAGE_FORMAT', `The zip file ${path} cannot be read: ${error.message}.`)
    : new DeployError('IMAGE_SOURCE_DAMAGED', `The zip file ${path} is cut off or damaged: ${error.message}.`);
}
