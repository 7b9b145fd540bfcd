import { strict as assert } from 'node:assert';
import { createHash, randomBytes } from 'node:crypto';
import { existsSync, readFileSync, rmSync, statSync, truncateSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { IMAGE_KINDS } from '../../../src/deployment/spec';
import type { ImageKind } from '../../../src/deployment/spec';
import { openArchive, openFile, pack, tarSize, weakChecksum } from '../../../src/image';
import type { Packed, Source } from '../../../src/image';
import { noise, shell, sparseFile, tempFolder, words } from '../support';
import { EUSTORE_2_1, EUSTORE_3_0, EUSTORE_NAME, python } from './python';

const MIB = 1024 * 1024;
const NAME = 'stackato-v2.6.6';
const FILES: Readonly<Record<ImageKind, string>> = { kernel: 'vmlinuz', ramdisk: 'initrd', machine: 'root.img' };

describe('packing an archive for an image store', function () {
  this.timeout(60_000);
  const folder = tempFolder();
  const at = (name: string): string => join(folder, name);
  const target = at('store');

  const withSources = async <T>(use: (sources: Readonly<Record<ImageKind, Source>>) => Promise<T>): Promise<T> => {
    const [kernel, ramdisk, machine] = await Promise.all(
      IMAGE_KINDS.map((kind) => openFile({ path: at(FILES[kind]) })),
    );
    const sources = { kernel: kernel!, ramdisk: ramdisk!, machine: machine! };
    try {
      return await use(sources);
    } finally {
      await Promise.all(Object.values(sources).map((source) => source.close()));
    }
  };
  const packed = (to = target, options: Parameters<typeof pack>[1] = {}): Promise<Packed> =>
    withSources((sources) => pack({ name: NAME, sources, folder: to }, options));
  /** Stops as a kill does, between two blocks. */
  const stoppedAfter = async (bytes: number): Promise<void> => {
    const controller = new AbortController();
    await assert.rejects(
      packed(target, {
        signal: controller.signal,
        onProgress: (done) => {
          if (done >= bytes) controller.abort();
        },
      }),
    );
    assert.ok(!existsSync(join(target, `${NAME}.tar.gz`)), 'nothing has the final name yet');
  };
  const sha256 = (path: string): string => createHash('sha256').update(readFileSync(path)).digest('hex');
  const expected = (): readonly (readonly [ImageKind, string, string])[] => [
    ['kernel', `vmlinuz-${NAME}`, sha256(at('vmlinuz'))],
    ['ramdisk', `initrd-${NAME}`, sha256(at('initrd'))],
    ['machine', `${NAME}.img`, sha256(at('root.img'))],
  ];
  let whole: Packed;

  before(async () => {
    writeFileSync(at('vmlinuz'), randomBytes(200_000));
    writeFileSync(at('initrd'), randomBytes(MIB + 1));
    sparseFile(at('root.img'), 80 * MIB + 5, { [MIB]: noise(20 * MIB), [60 * MIB]: words(5 * MIB) });
    shell('mkdir store other', folder);
    whole = await packed(at('other'));
  });
  beforeEach(() => shell('rm -rf store; mkdir store', folder));
  after(() => rmSync(folder, { recursive: true }));

  it('13: eustore of euca2ools 2.1 finds kernel, ramdisk and image in it', () => {
    assert.deepEqual(JSON.parse(python(EUSTORE_2_1, whole.path)), expected());
  });

  it('13: eustore of euca2ools 3.0 finds kernel, ramdisk and image in it', () => {
    assert.deepEqual(JSON.parse(python(EUSTORE_3_0, whole.path)), expected());
  });

  it('13: its name in the catalogue is the checksum that both compute', () => {
    assert.equal(weakChecksum(whole.md5), python(EUSTORE_NAME, whole.path));
    assert.equal(whole.sha256, sha256(whole.path));
    assert.equal(whole.size, statSync(whole.path).size);
  });

  it('pads the checksum to ten digits', () => {
    const checksums = Array.from({ length: 200 }, (_, i) => createHash('md5').update(String(i)).digest('hex'));
    assert.ok(checksums.some((md5) => weakChecksum(md5).startsWith('0')));
    for (const md5 of checksums) assert.match(weakChecksum(md5), /^\d{10}$/);
  });

  it('gzip and tar read it: no owner, no time, one folder', () => {
    shell(`gzip -t ${whole.path}`, folder);
    const listed = shell(`tar --utc --full-time -tvzf ${whole.path}`, folder).split('\n');
    assert.equal(listed.length, 4);
    for (const line of listed) assert.match(line, / 0\/0 +\d+ 1970-01-01 00:00:00 stackato-v2.6.6\//);
    assert.match(listed[0] ?? '', /^drwxr-xr-x /);
  });

  it('our own reader finds them, too', async () => {
    for (const kind of IMAGE_KINDS) {
      const source = await openArchive({ path: whole.path, kind, hypervisor: 'kvm', limit: 100 * MIB });
      const bytes = Buffer.alloc(source.size);
      await source.read(bytes, 0);
      await source.close();
      assert.ok(bytes.equals(readFileSync(at(FILES[kind]))), kind);
    }
  });

  it('13: gives the same bytes at any concurrency', async () => {
    for (const concurrency of [1, 3]) {
      shell('rm -rf store; mkdir store', folder);
      assert.equal((await packed(target, { concurrency })).sha256, whole.sha256);
    }
  });

  it('13: stopped at several moments, it goes on where it was and gives the same bytes', async () => {
    const size = await withSources((sources) => Promise.resolve(tarSize({ sources })));
    await stoppedAfter(1);
    await stoppedAfter(size * 0.3);
    await stoppedAfter(size * 0.7);
    await stoppedAfter(size * 0.9);
    const { sha256: digest, reused } = await packed();
    assert.equal(digest, whole.sha256);
    assert.ok(reused > whole.size / 2, `${reused} of ${whole.size}`);
  });

  it('makes again what the disk has lost since', async () => {
    await stoppedAfter(70 * MIB);
    const partial = join(target, `.${NAME}.tar.gz.partial`);
    const bytes = readFileSync(partial);
    // The first checkpoint still holds, the second does not.
    const broken = Buffer.from(bytes);
    broken.fill(0, 16 * MIB);
    writeFileSync(partial, broken);
    const { sha256: digest, reused } = await packed();
    assert.equal(digest, whole.sha256);
    assert.ok(reused > 0 && reused < 16 * MIB, String(reused));
  });

  it('makes again what is missing from the partial archive', async () => {
    await stoppedAfter(70 * MIB);
    truncateSync(join(target, `.${NAME}.tar.gz.partial`), 5);
    const { sha256: digest, reused } = await packed();
    assert.deepEqual([digest, reused], [whole.sha256, 0]);
  });

  it('begins anew if a file has changed since', async () => {
    await stoppedAfter(70 * MIB);
    const kernel = readFileSync(at('vmlinuz'));
    try {
      writeFileSync(at('vmlinuz'), randomBytes(200_000));
      const { reused } = await packed();
      assert.equal(reused, 0);
      assert.deepEqual(JSON.parse(python(EUSTORE_3_0, join(target, `${NAME}.tar.gz`))), expected());
    } finally {
      writeFileSync(at('vmlinuz'), kernel);
    }
  });

  it('is not done again if it is there, and done again if it was damaged', async () => {
    await packed();
    assert.equal((await packed()).reused, whole.size);
    truncateSync(join(target, `${NAME}.tar.gz`), 1000);
    const again = await packed();
    assert.deepEqual([again.sha256, again.reused], [whole.sha256, 0]);
  });

  it('does not give its name to an archive of files that changed meanwhile', async () => {
    const once = { done: false };
    await assert.rejects(
      packed(target, {
        onProgress: () => {
          if (!once.done) utimesSync(at('root.img'), 1, 1);
          once.done = true;
        },
      }),
      { code: 'IMAGE_SOURCE_CHANGED' },
    );
    assert.ok(!existsSync(join(target, `${NAME}.tar.gz`)));
  });

  for (const name of ['vmlinux-1', 'my-initrd', 'boot-loader', 'ab', 'a'.repeat(46), '../x', 'windows-7'])
    it(`refuses the name ${name}`, async () => {
      await withSources((sources) => assert.rejects(pack({ name, sources, folder: target }), { code: 'IMAGE_NAME' }));
    });
});
