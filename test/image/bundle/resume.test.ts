import assert from 'node:assert/strict';
import { appendFileSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { openBundle, openFile, openJournal, readIdentity } from '../../../src/image';
import type { BundleOptions, IsStored, Source } from '../../../src/image';
import { BLOCK_SIZE } from '../../../src/image/blocks';
import { PART_SIZE } from '../../../src/image/bundle/parts';
import type { Bundled } from '../support';
import {
  FACTS,
  bundleTo,
  credentials,
  noise,
  openIndependently,
  shell,
  sparseFile,
  tempFolder,
  words,
} from '../support';

const MIB = 1024 * 1024;

/** What an attempt made and sent, and how much of the image it read. */
interface Attempt {
  readonly sent: readonly string[];
  readonly skipped: readonly string[];
  readonly reads: readonly number[];
  readonly manifest: string | undefined;
}

describe('resume', function () {
  this.timeout(60_000);
  const shared = tempFolder();
  const image = join(shared, 'image.raw');
  let whole: Bundled;
  let folder: string;
  let path: string;
  let bucket: Map<string, { md5: string; bytes: Buffer }>;
  before(async () => {
    sparseFile(image, 60 * MIB, { 0: words(MIB), [20 * MIB + 7]: noise(25 * MIB), [50 * MIB]: noise(6 * MIB) });
    whole = await bundleTo(join(shared, 'whole'), image);
  });
  after(() => rmSync(shared, { recursive: true }));
  beforeEach(() => {
    folder = tempFolder();
    path = image;
    bucket = new Map();
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  const there: IsStored = ({ name, md5 }) => bucket.get(name)?.md5 === md5;

  function watched(source: Source): { source: Source; reads: number[] } {
    const reads: number[] = [];
    const read: Source['read'] = (into, offset) => {
      reads.push(offset / BLOCK_SIZE);
      return source.read(into, offset);
    };
    const { path: name, size, stamp } = source;
    return {
      reads,
      source: {
        path: name,
        size,
        stamp,
        read,
        assertUnchanged: () => source.assertUnchanged(),
        close: () => source.close(),
      },
    };
  }

  /** Killed after so many parts were made; the last of them does not get into the bucket. */
  async function attempt(
    killedAfter = Infinity,
    options: BundleOptions = { journal: openJournal(join(folder, 'journal')) },
  ): Promise<Attempt> {
    const { source, reads } = watched(await openFile({ path }));
    const [sent, skipped]: [string[], string[]] = [[], []];
    try {
      const bundle = await openBundle({ source, facts: FACTS, identity: readIdentity(credentials()) }, options);
      for await (const { bytes, name, md5 } of bundle.parts(there)) {
        if (bytes === undefined) skipped.push(name);
        else if (sent.length + 1 > killedAfter) return { sent, skipped, reads, manifest: undefined };
        else {
          assert.notEqual(bucket.get(name)?.md5, md5, 'nothing is sent twice');
          bucket.set(name, { md5, bytes });
          sent.push(name);
        }
      }
      return { sent, skipped, reads, manifest: bundle.manifest() };
    } finally {
      await source.close();
    }
  }

  function assertWhole(manifest: string | undefined): void {
    assert.equal(manifest, whole.manifest);
    for (const { name, bytes } of whole.parts) assert.ok(bucket.get(name)?.bytes.equals(bytes!), name);
  }

  it('resumes where it was killed, without reading what came before', async () => {
    const first = await attempt(2);
    assert.deepEqual([first.sent.length, first.manifest], [2, undefined]);
    const second = await attempt();
    assert.deepEqual([second.skipped, second.sent], [first.sent, ['stackato.part.02', 'stackato.part.03']]);
    const from = Math.min(...second.reads);
    assert.ok(
      from > 35 && second.reads.length < 18,
      `${second.reads.length} blocks from ${from} on: no survey, no block of the first two parts`,
    );
    assertWhole(second.manifest);
  });

  it('makes no part that is stored', async () => {
    const first = await attempt();
    const second = await attempt();
    assert.deepEqual([second.sent, second.skipped, second.reads], [[], first.sent, []]);
    assertWhole(second.manifest);
  });

  it('makes only the missing parts again', async () => {
    await attempt();
    for (const name of ['stackato.part.00', 'stackato.part.03']) bucket.delete(name);
    bucket.set('stackato.part.01', { md5: 'that of other bytes', bytes: Buffer.alloc(0) });
    const second = await attempt();
    assert.deepEqual(second.sent, ['stackato.part.00', 'stackato.part.01', 'stackato.part.03']);
    assertWhole(second.manifest);
  });

  it('recognizes stored parts without a journal, too, once they were made again', async () => {
    const first = await attempt(Infinity, {});
    const second = await attempt(Infinity, {});
    assert.deepEqual([second.sent, second.skipped], [[], first.sent]);
    assertWhole(first.manifest);
  });

  const damage: Readonly<Record<string, (journal: string) => void>> = {
    'a last line cut off': (journal) => truncateSync(journal, readFileSync(journal).length - 20),
    'a first line cut off': (journal) => truncateSync(journal, 100),
    'nothing in it': (journal) => truncateSync(journal, 0),
    'something else in it': (journal) => writeFileSync(journal, '{}\nnull\n1\n'),
    'a bit turned over': (journal) => {
      const text = readFileSync(journal, 'utf8');
      writeFileSync(
        journal,
        text.replace(/"skip":(\d)/, (_, digit: string) => `"skip":${9 - Number(digit)}`),
      );
    },
    'a line half written before another attempt': (journal) => appendFileSync(journal, '\n0123456789abcdef {"index":'),
  };
  let killed: { journal: string; bucket: typeof bucket };
  it('finds every part in the journal of a killed attempt', async () => {
    await attempt(3);
    killed = { journal: readFileSync(join(folder, 'journal'), 'utf8'), bucket };
    assert.equal(killed.journal.split('\n').length, 1 + 1 + 4, 'a head, three parts sent, and the one that was not');
  });

  for (const [title, harm] of Object.entries(damage)) {
    it(`copes with a journal that has ${title}`, async () => {
      writeFileSync(join(folder, 'journal'), killed.journal);
      bucket = new Map(killed.bucket);
      harm(join(folder, 'journal'));
      await attempt(0);
      const last = await attempt();
      assert.deepEqual([last.sent, last.skipped.length], [['stackato.part.03'], 3]);
      assertWhole(last.manifest);
    });
  }

  it('starts over with a changed image, and mixes nothing', async () => {
    path = join(folder, 'changing.raw');
    writeFileSync(path, noise(15 * MIB));
    await attempt(1);
    writeFileSync(path, noise(15 * MIB));
    const second = await attempt();
    assert.deepEqual([second.sent.length, second.skipped], [2, []]);
    const fresh = await bundleTo(join(folder, 'fresh'), path);
    assert.equal(second.manifest, fresh.manifest);
    for (const { name, bytes } of fresh.parts) assert.ok(bucket.get(name)?.bytes.equals(bytes!), name);
  });

  it('keeps nothing secret in the journal', async () => {
    await attempt(1);
    const journal = readFileSync(join(folder, 'journal'), 'latin1');
    const { key, iv } = openIndependently(whole.folder, whole.manifest);
    for (const secret of [key, iv])
      assert.ok(!journal.includes(secret) && !journal.includes(Buffer.from(secret, 'hex').toString('base64')));
    assert.equal(shell('stat -c %a journal', folder), '600');
  });

  it('has no more buffers than blocks worked on at once, however large the image and slow the reader', async () => {
    const { source } = watched(
      await openFile({ path: sparseFile(join(folder, 'other.raw'), 40 * MIB, { 0: noise(40 * MIB) }) }),
    );
    const buffers = new Set<number>();
    let [reading, most, blocks] = [0, 0, 0];
    const read = source.read.bind(source);
    source.read = async (into, offset) => {
      buffers.add(into.byteOffset);
      most = Math.max(most, ++reading);
      blocks++;
      await read(into, offset);
      reading--;
    };
    const bundle = await openBundle(
      { source, facts: FACTS, identity: readIdentity(credentials()) },
      { concurrency: 3 },
    );
    assert.deepEqual([buffers.size, blocks], [3, 40]);
    blocks = 0;
    for await (const { index } of bundle.parts()) {
      assert.ok(
        blocks * BLOCK_SIZE <= (index + 1) * PART_SIZE + 4 * BLOCK_SIZE,
        `${blocks} blocks read for ${index + 1} parts`,
      );
    }
    assert.deepEqual([buffers.size <= 3, most <= 3, blocks], [true, true, 40]);
    await source.close();
  });
});
