/** Sparse archives: each is made by GNU tar, and compared with the file it was made from. */

import assert from 'node:assert/strict';
import {
  closeSync,
  createReadStream,
  ftruncateSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { ByteReader } from '../../../src/image/streams';
import { isZero } from '../../../src/image/blocks';
import { readMember, nextMember, readOnlyFile } from '../../../src/image/archive/tar-reader';
import { rejects, shell, tempFolder, words } from '../support';

const MIB = 1024 * 1024;
const GIB = 1024 * MIB;
const PAGE = 4096;
const FORMATS = {
  "GNU tar's own": '--format=gnu',
  'pax 0.0': '--format=posix --sparse-version=0.0',
  'pax 0.1': '--format=posix --sparse-version=0.1',
  'pax 1.0': '--format=posix --sparse-version=1.0',
} as const;

/** Writes pieces at the given offsets, with holes between them. */
function sparseFile(path: string, size: number, pieces: Readonly<Record<number, Buffer>>): void {
  const file = openSync(path, 'w');
  for (const [at, bytes] of Object.entries(pieces)) writeSync(file, bytes, 0, bytes.length, Number(at));
  ftruncateSync(file, size);
  closeSync(file);
}

/** So many pieces, one on every eighth page. */
function manyPieces(count: number): Record<number, Buffer> {
  return Object.fromEntries(
    Array.from({ length: count }, (_, index) => [index * 8 * PAGE, words(PAGE + index).subarray(index)]),
  );
}

describe('D15: sparse archives', function () {
  this.timeout(30_000);
  const folder = tempFolder();
  const at = (name: string): string => join(folder, name);
  after(() => rmSync(folder, { recursive: true }));

  async function* read(archive: string): AsyncGenerator<Buffer, void> {
    yield* createReadStream(at(archive)) as AsyncIterable<Buffer>;
  }

  async function bytesIn(archive: string, size: number): Promise<Buffer> {
    const pieces: Buffer[] = [];
    for await (const piece of readOnlyFile(read(archive), size)) pieces.push(Buffer.from(piece));
    return Buffer.concat(pieces);
  }

  const files: Readonly<Record<string, { readonly size: number; readonly pieces: Record<number, Buffer> }>> = {
    'a hole in the middle': { size: 3 * MIB + 5, pieces: { 0: words(PAGE), [2 * MIB]: words(MIB + 5) } },
    'a hole at the beginning': { size: 2 * MIB, pieces: { [MIB]: words(MIB) } },
    'a hole at the end': { size: 2 * MIB + 77, pieces: { 0: words(9000) } },
    'holes on both sides, and an odd size': { size: 2 * MIB + 1, pieces: { [MIB]: words(PAGE) } },
    'only a hole': { size: MIB + 3, pieces: {} },
    'a last byte alone': { size: 5 * MIB + 1, pieces: { [5 * MIB]: words(1) } },
    'no hole': { size: 5000, pieces: { 0: words(5000) } },
    'nothing at all': { size: 0, pieces: {} },
    '4 pieces and the end, one more than a header holds': { size: 33 * 8 * PAGE, pieces: manyPieces(4) },
    '25 pieces: one more block': { size: 33 * 8 * PAGE, pieces: manyPieces(25) },
    '300 pieces: many more blocks': { size: 301 * 8 * PAGE + 1, pieces: manyPieces(300) },
  };
  for (const [format, options] of Object.entries(FORMATS)) {
    for (const [title, { size, pieces }] of Object.entries(files)) {
      it(`D15: ${format}, ${title}`, async () => {
        sparseFile(at('image'), size, pieces);
        shell(`tar -cSf archive ${options} image`, folder);
        assert.ok((await bytesIn('archive', size)).equals(readFileSync(at('image'))));
      });
    }

    it(`D15: ${format}, more than 8 GiB`, async () => {
      const tail = words(2 * PAGE);
      sparseFile(at('huge'), 9 * GIB, { [PAGE]: words(PAGE), [9 * GIB - tail.length]: tail });
      shell(`tar -cSf archive ${options} huge`, folder);
      const reader = new ByteReader(read('archive'), 'IMAGE_BUNDLE_BROKEN');
      const member = await nextMember(reader);
      assert.deepEqual([member?.name, member?.size], ['huge', 9 * GIB]);
      const seen: (readonly [number, Buffer])[] = [];
      let place = 0;
      for await (const piece of readMember(reader, member!)) {
        if (!isZero(piece)) seen.push([place, Buffer.from(piece)]);
        place += piece.length;
      }
      assert.equal(place, 9 * GIB);
      assert.equal(seen[0]?.[0], PAGE);
      assert.ok(Buffer.concat(seen.map(([, piece]) => piece)).equals(Buffer.concat([words(PAGE), tail])));
    });
  }

  it('D15: a name longer than a header holds is that of the file', async () => {
    const name = `${'n'.repeat(90)}/${'m'.repeat(90)}`;
    shell(`mkdir -p ${name.slice(0, 90)}`, folder);
    sparseFile(at(name), MIB, { 0: words(PAGE) });
    for (const options of [...Object.values(FORMATS), '--format=ustar']) {
      shell(`tar -c${options.endsWith('ustar') ? '' : 'S'}f archive ${options} ${name}`, folder);
      assert.equal((await nextMember(new ByteReader(read('archive'), 'IMAGE_BUNDLE_BROKEN')))?.name, name, options);
    }
  });

  describe('that are inconsistent', () => {
    /** Changes a header, and corrects its checksum. */
    function bend(archive: string, change: (header: Buffer) => void): void {
      const bytes = readFileSync(at(archive));
      const header = bytes.subarray(0, 512);
      change(header);
      header.fill(' ', 148, 156);
      header.write(
        `${header
          .reduce((sum, byte) => sum + byte, 0)
          .toString(8)
          .padStart(6, '0')}\0`,
        148,
      );
      writeFileSync(at(archive), bytes);
    }

    const octal = (value: number): string => value.toString(8).padStart(11, '0');
    const harms: Readonly<Record<string, (header: Buffer) => void>> = {
      'an extent before the one before it': (header) => header.write(octal(0), 386 + 24),
      'an extent behind the end': (header) => header.write(octal(64 * MIB), 386 + 24),
      'more than is stored': (header) => header.write(octal(8 * PAGE), 386 + 12),
      'another size of what is stored': (header) => header.write(octal(512), 124),
      'a size less than its extents': (header) => header.write(octal(PAGE), 483),
      'a number that is none': (header) => header.write('99999999999', 386),
      'an extent that ends within a block': (header) => (
        header.write(octal(100), 386 + 12),
        header.write(octal(2 * PAGE - 100), 386 + 36)
      ),
    };
    for (const [title, harm] of Object.entries(harms)) {
      it(`D15: refused: ${title}`, async () => {
        sparseFile(at('image'), 3 * MIB, { 0: words(PAGE), [MIB]: words(PAGE) });
        shell('tar -cSf archive --format=gnu image', folder);
        bend('archive', harm);
        await rejects(() => bytesIn('archive', 3 * MIB), 'IMAGE_BUNDLE_BROKEN');
      });
    }

    for (const [format, options] of Object.entries(FORMATS)) {
      it(`D15: refused wherever it is cut off: ${format}`, async () => {
        sparseFile(at('image'), 65 * 8 * PAGE, manyPieces(60));
        shell(`tar -cSf archive ${options} image && tar -tvf archive`, folder);
        const whole = readFileSync(at('archive'));
        for (const length of [100, 512, 600, 1024, 1500, 2048, 2600, 4096, 60 * PAGE]) {
          writeFileSync(at('cut'), whole.subarray(0, length));
          await rejects(() => bytesIn('cut', 65 * 8 * PAGE), 'IMAGE_BUNDLE_BROKEN');
        }
      });
    }

    it('D15: refused: pax records that contradict the data', async () => {
      sparseFile(at('image'), 3 * MIB, { 0: words(PAGE), [MIB]: words(PAGE) });
      shell('tar -cSf archive --format=posix --sparse-version=0.1 image', folder);
      const whole = readFileSync(at('archive'), 'latin1');
      const changes = [
        ['GNU.sparse.numblocks=', 'GNU.sparse.numblockz='],
        ['GNU.sparse.map=0,4096,', 'GNU.sparse.map=0,4096;'],
        ['GNU.sparse.map=0,4096,', 'GNU.sparse.map=0,40960'],
      ] as const;
      for (const [from, to] of changes) {
        assert.ok(whole.includes(from), from);
        writeFileSync(at('bent'), whole.replace(from, to), 'latin1');
        await rejects(() => bytesIn('bent', 3 * MIB), 'IMAGE_BUNDLE_BROKEN');
      }
    });
  });
});
