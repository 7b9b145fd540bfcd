import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { openBundle, openImage, openJournal, packingOf, readIdentity } from '../../src/image';
import type { PackedFile, Source, XzDecompressor } from '../../src/image';
import { FACTS, bundleTo, credentials, noise, rejects, shell, sparseFile, tempFolder, words } from './support';

const MIB = 1024 * 1024;

const xz: XzDecompressor = (compressed) => {
  const child = spawn('xz', ['-dc'], { stdio: ['pipe', 'pipe', 'ignore'] });
  Readable.from(compressed)
    .pipe(child.stdin)
    .on('error', () => undefined);
  return child.stdout as AsyncIterable<Buffer>;
};

/** Deflated ones have the zip64 fields of files beyond 4 GiB. */
const PYTHON_ZIP = `import sys, zipfile
if sys.argv[1] == 'deflated': zipfile.ZIP64_LIMIT = 3
how, name, *files = sys.argv[1:]
method = zipfile.ZIP_STORED if how == 'stored' else zipfile.ZIP_DEFLATED
with zipfile.ZipFile(name, 'w', method) as z:
    for f in files:
        info = zipfile.ZipInfo(f)
        info.compress_type = method
        with open(f, 'rb') as r, z.open(info, 'w', force_zip64=True) as w:
            w.write(r.read())
`;

describe('packed images', function () {
  this.timeout(30_000);
  const folder = tempFolder();
  const image = join(folder, 'image.raw');
  const opened: Source[] = [];
  let manifest: string;
  before(async () => {
    sparseFile(image, 30 * MIB + 5, { [MIB + 1]: noise(11 * MIB), [20 * MIB]: words(MIB) });
    writeFileSync(join(folder, 'README'), 'read me');
    shell('mkdir -p inner && cp --sparse=always image.raw inner/', folder);
    ({ manifest } = await bundleTo(join(folder, 'raw'), image));
    writeFileSync(join(folder, 'zip.py'), PYTHON_ZIP);
  });
  after(() => rmSync(folder, { recursive: true }));
  afterEach(async () => {
    await Promise.all(opened.splice(0).map((source) => source.close()));
  });

  async function open(file: Omit<PackedFile, 'path'> & { readonly name: string }): Promise<Source> {
    const source = await openImage({ ...file, path: join(folder, file.name) }, xz);
    opened.push(source);
    return source;
  }

  async function manifestOf(source: Source): Promise<string> {
    const bundle = await openBundle({ source, facts: FACTS, identity: readIdentity(credentials()) });
    for await (const _ of bundle.parts());
    return bundle.manifest();
  }

  const ways: Readonly<
    Record<string, { readonly make: string } & Omit<PackedFile, 'path'> & { readonly name: string }>
  > = {
    raw: { make: 'true', name: 'image.raw', packing: 'raw' },
    '.gz': { make: 'gzip -c image.raw > i.gz', name: 'i.gz', packing: 'gz' },
    '.gz of several members': {
      make: '(head -c 5M image.raw | gzip; tail -c +5242881 image.raw | gzip) > m.gz',
      name: 'm.gz',
      packing: 'gz',
    },
    '.xz': { make: 'xz -0 -c image.raw > i.xz', name: 'i.xz', packing: 'xz' },
    '.tar.gz': { make: 'tar -czf i.tar.gz inner', name: 'i.tar.gz', packing: 'tar.gz' },
    '.tar.gz with other files, pax': {
      make: 'tar --format=pax -czf p.tar.gz README inner',
      name: 'p.tar.gz',
      packing: 'tar.gz',
      entry: 'image.raw',
    },
    '.tar.gz, sparse (D15)': { make: 'tar -cSzf S.tar.gz inner', name: 'S.tar.gz', packing: 'tar.gz' },
    '.tar.gz with other files, sparse, pax (D15)': {
      make: 'tar --format=pax -cSzf P.tar.gz README inner zip.py',
      name: 'P.tar.gz',
      packing: 'tar.gz',
      entry: 'inner/image.raw',
    },
    '.zip, stored': { make: 'python3 zip.py stored s.zip image.raw', name: 's.zip', packing: 'zip' },
    '.zip, deflated, zip64': {
      make: 'python3 zip.py deflated d.zip README inner/image.raw',
      name: 'd.zip',
      packing: 'zip',
      entry: 'image.raw',
    },
  };
  for (const [title, { make, ...file }] of Object.entries(ways)) {
    it(`give the bundle that the raw image gives: ${title}`, async () => {
      shell(make, folder);
      assert.equal(await manifestOf(await open(file)), manifest);
    });
  }

  it('can be resumed in the middle', async () => {
    shell('gzip -c image.raw > r.gz', folder);
    const parts: string[] = [];
    const run = async (most: number): Promise<void> => {
      const bundle = await openBundle(
        { source: await open({ name: 'r.gz', packing: 'gz' }), facts: FACTS, identity: readIdentity(credentials()) },
        { journal: openJournal(join(folder, 'journal')) },
      );
      for await (const { bytes, md5 } of bundle.parts((record) => parts.includes(record.md5))) {
        if (bytes === undefined) continue;
        assert.equal(createHash('md5').update(bytes).digest('hex'), md5);
        parts.push(md5);
        if (parts.length === most) return;
      }
      assert.equal(bundle.manifest(), manifest);
    };
    await run(1);
    await run(9);
    assert.equal(new Set(parts).size, 2);
  });

  it('must be named if there are several, or none', async () => {
    shell('tar -czf two.tar.gz README zip.py; python3 zip.py deflated two.zip README zip.py', folder);
    for (const [name, packing] of [
      ['two.tar.gz', 'tar.gz'],
      ['two.zip', 'zip'],
    ] as const) {
      await rejects(() => open({ name, packing }), 'IMAGE_FORMAT');
      await rejects(() => open({ name, packing, entry: 'root.img' }), 'IMAGE_FORMAT');
    }
  });

  it('that cannot be read are refused', async () => {
    shell('xz -0 -c README > README.xz', folder);
    await rejects(() => openImage({ path: join(folder, 'README.xz'), packing: 'xz' }), 'IMAGE_FORMAT');
    const zip = readFileSync(join(folder, 'two.zip'));
    zip.writeUInt16LE(1, zip.indexOf(Buffer.from('PK\x01\x02')) + 8);
    writeFileSync(join(folder, 'locked.zip'), zip);
    await rejects(() => open({ name: 'locked.zip', packing: 'zip' }), 'IMAGE_FORMAT');
  });

  for (const [name, packing] of [
    ['i.gz', 'gz'],
    ['i.tar.gz', 'tar.gz'],
    ['s.zip', 'zip'],
    ['d.zip', 'zip'],
  ] as const) {
    it(`that are damaged are refused: ${name}`, async () => {
      const entry = packing === 'gz' ? {} : { entry: 'image.raw' };
      const manifestOfDamaged = async (damaged: string): Promise<unknown> =>
        manifestOf(await open({ name: damaged, packing, ...entry }));
      shell(`cp ${name} cut && cp ${name} bent && cp README text`, folder);
      truncateSync(join(folder, 'cut'), statSync(join(folder, name)).size - 5000);
      await rejects(() => manifestOfDamaged('cut'), 'IMAGE_SOURCE_DAMAGED');
      const bytes = readFileSync(join(folder, name));
      bytes[6_000_000] = (bytes[6_000_000] ?? 0) ^ 0x10;
      writeFileSync(join(folder, 'bent'), bytes);
      await rejects(() => manifestOfDamaged('bent'), 'IMAGE_SOURCE_DAMAGED');
      await rejects(() => manifestOfDamaged('text'), 'IMAGE_SOURCE_DAMAGED');
    });
  }

  it('that change are refused', async () => {
    shell('gzip -c image.raw > c.gz', folder);
    const bundle = await openBundle({
      source: await open({ name: 'c.gz', packing: 'gz' }),
      facts: FACTS,
      identity: readIdentity(credentials()),
    });
    const parts = bundle.parts();
    await parts.next();
    shell('touch -d 2020-01-01 c.gz', folder);
    await rejects(() => parts.next(), 'IMAGE_SOURCE_CHANGED');
  });
});

describe('the packing of a file, by its name', () => {
  const known = {
    raw: ['stackato.img', 'root', 'vmlinuz-3.2.0', 'image.raw', '/srv/a.zip/disk.img'],
    gz: ['stackato.img.gz', 'A.GZ'],
    xz: ['stackato.img.xz'],
    zip: ['stackato-v2.6.6.zip', '/srv/Stackato.ZIP'],
    'tar.gz': ['stackato.tar.gz', 'stackato.tgz'],
  };
  for (const [packing, names] of Object.entries(known))
    it(`is ${packing} for ${names.join(', ')}`, () => names.forEach((name) => assert.equal(packingOf(name), packing)));

  it('is raw for a kernel or ramdisk that boots compressed', () => {
    assert.deepEqual(
      ['initrd.gz', 'vmlinux.xz', 'boot.zip', 'boot.tar.gz'].map((name) => packingOf(name, 'ramdisk')),
      ['raw', 'raw', 'zip', 'tar.gz'],
    );
    assert.equal(packingOf('vmlinuz.gz', 'kernel'), 'raw');
  });

  for (const name of ['disk.vdi', 'disk.vhd', 'a.tar', 'a.tar.bz2', 'a.tar.xz', 'a.txz', 'a.tbz2', 'a.7z', 'a.ova']) {
    it(`refuses ${name}, which could not boot if bundled as it is`, () =>
      assert.throws(() => packingOf(name), { code: 'IMAGE_FORMAT' }));
  }
});
