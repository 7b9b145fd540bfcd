import assert from 'node:assert/strict';
import {
  appendFileSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { openBundle, openFile, readIdentity } from '../../src/image';
import type { Bundle, Source } from '../../src/image';
import { FACTS, credentials, noise, rejects, shell, sparseFile, tempFolder, words } from './support';

const MIB = 1024 * 1024;
const OLD = new Date('2020-01-01');

describe('source', function () {
  this.timeout(30_000);
  let folder: string;
  let path: string;
  const opened: Source[] = [];
  beforeEach(() => {
    folder = tempFolder();
    path = join(folder, 'image.raw');
  });
  afterEach(async () => {
    await Promise.all(opened.splice(0).map((source) => source.close()));
    rmSync(folder, { recursive: true });
  });

  async function open(part: { offset?: number; length?: number } = {}): Promise<Source> {
    const source = await openFile({ path, ...part });
    opened.push(source);
    return source;
  }

  const bundle = async (source: Source): Promise<Bundle> =>
    openBundle({ source, facts: FACTS, identity: readIdentity(credentials()) });

  const drain = async (bundled: Bundle): Promise<void> => {
    for await (const _ of bundled.parts());
  };

  it('reads data and holes, at any offset', async () => {
    sparseFile(path, 9 * MIB, { [MIB + 3]: words(100), [4 * MIB + 4096]: noise(MIB), [9 * MIB - 1]: Buffer.of(7) });
    const whole = readFileSync(path);
    for (const [offset, length] of [
      [0, MIB],
      [MIB, MIB],
      [4 * MIB, MIB],
      [8 * MIB, MIB],
      [4096, 8192],
      [1, 4096],
      [MIB + 1, 200],
    ] as const) {
      const into = Buffer.alloc(length, 1);
      await (await open()).read(into, offset);
      assert.ok(into.equals(whole.subarray(offset, offset + length)), `${length} at ${offset}`);
    }
  });

  it('that is missing, a folder, or shorter than the range is refused', async () => {
    await rejects(() => open(), 'IMAGE_SOURCE_MISSING');
    mkdirSync(path);
    await rejects(() => open(), 'IMAGE_SOURCE_UNREADABLE');
    rmSync(path, { recursive: true });
    shell('mkfifo image.raw', folder);
    await rejects(() => open(), 'IMAGE_SOURCE_UNREADABLE');
    rmSync(path);
    writeFileSync(path, 'short');
    await rejects(() => open({ offset: 3, length: 3 }), 'IMAGE_SOURCE_UNREADABLE');
    await rejects(() => open({ offset: 6 }), 'IMAGE_SOURCE_UNREADABLE');
  });

  it('has another stamp if it changed, or for another range', async () => {
    writeFileSync(path, words(1000));
    const first = await open();
    assert.equal((await open()).stamp, first.stamp);
    assert.notEqual((await open({ offset: 512 })).stamp, first.stamp);
    utimesSync(path, OLD, OLD);
    assert.notEqual((await open()).stamp, first.stamp);
  });

  const changes: Readonly<Record<string, () => void>> = {
    grows: () => appendFileSync(path, 'x'),
    'is cut off': () => truncateSync(path, 5 * MIB),
    'is touched': () => utimesSync(path, OLD, OLD),
    'is replaced': () => {
      writeFileSync(`${path}.new`, noise(30 * MIB));
      utimesSync(`${path}.new`, OLD, OLD);
      renameSync(`${path}.new`, path);
    },
    'goes away': () => rmSync(path),
  };
  for (const [title, change] of Object.entries(changes)) {
    it(`that ${title} between two parts stops the bundle`, async () => {
      writeFileSync(path, noise(30 * MIB));
      const parts = (await bundle(await open())).parts();
      await parts.next();
      change();
      await rejects(() => parts.next(), 'IMAGE_SOURCE_CHANGED');
    });

    it(`that ${title} during the survey stops the bundle`, async () => {
      writeFileSync(path, noise(30 * MIB));
      const source = await open();
      const whole = source.read.bind(source);
      let reads = 0;
      source.read = async (into, offset) => {
        if (++reads === 10) change();
        await whole(into, offset);
      };
      await rejects(() => bundle(source), 'IMAGE_SOURCE_CHANGED');
    });
  }

  it('that was changed and had its time set back is noticed by its content', async () => {
    writeFileSync(path, noise(12 * MIB));
    utimesSync(path, OLD, OLD);
    const bundled = await bundle(await open());
    shell('printf x | dd of=image.raw bs=1 seek=9000000 conv=notrunc', folder);
    utimesSync(path, OLD, OLD);
    await rejects(() => drain(bundled), 'IMAGE_SOURCE_CHANGED');
  });
});
