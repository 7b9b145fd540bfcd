/** `image pack` as processes: several at once, and killed. */

import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Cli } from '../cli/cli';
import type { Ended } from '../cli/cli';
import { noise, sparseFile, tempFolder } from '../image/support';
import { eventually } from '../support/wait';

const MIB = 1024 * 1024;
const BUILT = [process.execPath, 'bin/stackato-deploy.cjs'] as const;

interface Result {
  readonly archive: string;
  readonly reused: number;
  readonly image: { readonly name: string; readonly sha256: string };
}

describe('image pack', function () {
  this.timeout(300_000);
  let folder: string;
  let store: string;
  const at = (name: string): string => join(folder, name);

  before(() => {
    folder = tempFolder();
    writeFileSync(at('vmlinuz'), randomBytes(100_000));
    writeFileSync(at('initrd'), randomBytes(100_000));
    writeFileSync(at('small.img'), randomBytes(3 * MIB));
    sparseFile(at('large.img'), 300 * MIB, { [MIB]: noise(150 * MIB) });
  });
  beforeEach(() => {
    store = at('store');
    rmSync(store, { recursive: true, force: true });
    mkdirSync(store);
  });
  after(() => rmSync(folder, { recursive: true }));

  const packing = (name: string, root: string): Cli =>
    new Cli(
      [
        'image',
        'pack',
        at(root),
        '--kernel',
        at('vmlinuz'),
        '--ramdisk',
        at('initrd'),
        '--name',
        name,
        '--to',
        store,
        '--json',
      ],
      { STACKATO_DEPLOY_STATE: at('state') },
      BUILT,
    );
  const resultOf = ({ code, stdout, stderr }: Ended): Result => {
    assert.equal(code, 0, stderr);
    return JSON.parse(stdout) as Result;
  };
  const urls = (): string[] =>
    (JSON.parse(readFileSync(join(store, 'catalog'), 'utf8')) as { images: { url: string }[] }).images
      .map(({ url }) => url)
      .sort();
  const sizeOf = (name: string): number => (existsSync(join(store, name)) ? statSync(join(store, name)).size : 0);

  it('13: eight at once, beside one that is killed, lose no entry', async () => {
    const killed = packing('killed', 'large.img');
    const others = Array.from({ length: 8 }, (_, i) => packing(`one-${i}`, 'small.img'));
    await eventually('the one to be killed writes', () => sizeOf('.killed.tar.gz.partial') > 0, 60_000);
    killed.signal('SIGKILL');
    assert.equal((await killed.ended).code, null);
    for (const { ended } of others) resultOf(await ended);
    assert.deepEqual(
      urls(),
      Array.from({ length: 8 }, (_, i) => `one-${i}.tar.gz`),
    );
    // Nothing of the killed one is in the way.
    resultOf(await packing('killed', 'large.img').ended);
    assert.equal(urls().length, 9);
    assert.deepEqual(
      readdirSync(store).filter((name) => name.endsWith('.partial')),
      [],
    );
  });

  it('13: two of one name give one archive and one entry', async () => {
    const both = [packing('same', 'small.img'), packing('same', 'small.img')];
    const results = await Promise.all(both.map(async ({ ended }) => resultOf(await ended)));
    assert.equal(new Set(results.map(({ image }) => image.sha256)).size, 1);
    assert.deepEqual(urls(), ['same.tar.gz']);
  });

  it('13: killed at several moments and run again, it gives the same bytes and reuses what was there', async () => {
    const { image, archive } = resultOf(await packing('whole', 'large.img').ended);
    const size = statSync(archive).size;
    // The name is in the archive, so the same name is packed anew.
    rmSync(archive);
    rmSync(join(store, '.whole.journal'));
    for (const part of [0, 0.2, 0.5, 0.8]) {
      const run = packing('whole', 'large.img');
      await eventually(`${part} of it is written`, () => sizeOf('.whole.tar.gz.partial') > part * size, 60_000);
      run.signal('SIGKILL');
      await run.ended;
      assert.ok(!existsSync(archive), 'an archive that is not complete has another name');
    }
    const last = resultOf(await packing('whole', 'large.img').ended);
    assert.equal(last.image.sha256, image.sha256);
    assert.equal(createHash('sha256').update(readFileSync(archive)).digest('hex'), image.sha256);
    assert.ok(last.reused > 0.6 * size, `${last.reused} of ${size}`);
  });
});
