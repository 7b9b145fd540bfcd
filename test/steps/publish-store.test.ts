/** Images from the archives of image stores, on their way to a bucket and a registration. */

import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Dependencies, Publisher } from '../../src/steps/dependencies';
import { findProblems } from '../../src/steps/preflight';
import { checkImage } from '../../src/steps/publishing/check-image';
import { registerImage } from '../../src/steps/publishing/register-image';
import { uploadImage } from '../../src/steps/publishing/upload-image';
import { IMAGE_KINDS } from '../../src/deployment/spec';
import type { CatalogFile, ImageKind, ImageSpec } from '../../src/deployment/spec';
import type { ImageInput } from '../../src/deployment/activities';
import { rejects, tempFolder } from '../image/support';
import { python } from '../image/store/python';
import { ImageCloud, writeImageFiles } from '../support/image-cloud';
import { imageIn, specNamed } from '../support/specs';
import { WebServer } from '../support/web-server';
import { attemptOf, dependencies } from './support';

const NAME = 'stackato-v2.6.6';
const IDS = { kernelId: 'eki-00000001', ramdiskId: 'eri-00000002' };

/** As the store of Eucalyptus had them: kernels for each hypervisor, made by Python alone. Prints SHA-256 by kind, for kvm. */
const EUSTORE_ARCHIVE = `
import hashlib, io, json, os, sys, tarfile, zlib
folder, change = sys.argv[1], sys.argv[2]
files = {'e/euca.img': os.urandom(3000000) + bytes(9000000)}
for hypervisor in ('xen', 'kvm'):
    files['e/%s-kernel/vmlinuz-2.6' % hypervisor] = os.urandom(50000)
    files['e/%s-kernel/initrd-2.6' % hypervisor] = os.urandom(60000)
path = os.path.join(folder, 'e.tar.gz')
with tarfile.open(path, 'w:gz') as tar:
    for name in ('e', 'e/xen-kernel', 'e/kvm-kernel'):
        info = tarfile.TarInfo(name)
        info.type = tarfile.DIRTYPE
        tar.addfile(info)
    for name, data in files.items():
        info = tarfile.TarInfo(name)
        info.size, info.mtime = len(data), 1234567890
        tar.addfile(info, io.BytesIO(data))
    if change == 'link':
        info = tarfile.TarInfo('e/passwd')
        info.type, info.linkname = tarfile.SYMTYPE, '/etc/passwd'
        tar.addfile(info)
with open(path, 'rb') as file:
    md5 = hashlib.md5(file.read()).hexdigest()
image = {'name': str(zlib.crc32(md5.encode()) & 0xffffffff).rjust(10, '0'), 'description': 'CentOS', 'os': 'centos', 'architecture': 'x86_64',
    'version': 'starter', 'hypervisors-supported': ['xen', 'kvm'], 'single-kernel': 'False', 'url': 'e.tar.gz', 'date': '', 'stamp': '', 'recipe': '', 'contact': ''}
with open(os.path.join(folder, 'catalog'), 'w') as file:
    json.dump({'images': [image]}, file)
sha = lambda name: hashlib.sha256(files[name]).hexdigest()
print(json.dumps([sha('e/kvm-kernel/vmlinuz-2.6'), sha('e/kvm-kernel/initrd-2.6'), sha('e/euca.img')]))
`;

describe('publishing an image from a store', function () {
  this.timeout(60_000);
  let folder: string;
  let server: WebServer;
  let account: ImageCloud;
  let deps: Dependencies;

  beforeEach(async () => {
    folder = tempFolder();
    mkdirSync(join(folder, 'store'));
    server = await WebServer.start(join(folder, 'store'));
    account = new ImageCloud();
    const publisher = {
      describe: () => Promise.resolve(undefined),
      mark: () => Promise.resolve('stackato-deploy/test/0123456789ab'),
    } as unknown as Publisher;
    deps = dependencies({ ...account.dependencies(folder), publisher });
    writeImageFiles(folder, Buffer.alloc(1));
  });
  afterEach(async () => {
    await server.stop();
    rmSync(folder, { recursive: true });
  });

  const make = (change = ''): readonly string[] =>
    JSON.parse(python(EUSTORE_ARCHIVE, join(folder, 'store'), change)) as string[];
  const imageOf = (change: Partial<CatalogFile> = {}): ImageSpec => {
    const archive = { catalog: server.url, architecture: 'x86_64', hypervisor: 'kvm', ...change } as const;
    return imageIn(folder, { kernel: archive, ramdisk: archive, root: archive });
  };
  const inputOf = (kind: ImageKind, change: Partial<CatalogFile> = {}): ImageInput => ({
    cloud: specNamed('x').cloud,
    image: imageOf(change),
    part: kind,
    poll: 10,
    deadline: 60_000,
    ...(kind === 'machine' ? IDS : {}),
  });
  const check = (change: Partial<CatalogFile> = {}): Promise<void> => {
    const { cloud, image, poll, deadline } = inputOf('kernel', change);
    return checkImage(deps, { cloud, image, poll, deadline });
  };

  it('13: what was made for eustore is installed: kernel, ramdisk and image byte for byte, with the kernel of kvm', async () => {
    const expected = make();
    await check();
    for (const kind of IMAGE_KINDS) {
      await uploadImage(deps, inputOf(kind), attemptOf());
      await registerImage(deps, inputOf(kind), attemptOf());
    }
    const found = [`${NAME}-kernel`, `${NAME}-ramdisk`, NAME].map((name) => account.unbundled(folder, name));
    assert.deepEqual(found, expected);
    assert.equal(server.asked('e.tar.gz'), 1);
    assert.deepEqual(readdirSync(join(folder, 'state', 'downloads')), [], 'the download is gone once it is published');
  });

  it('13: a hostile archive is refused before anything is uploaded or registered, for each kind', async () => {
    make('link');
    await check();
    for (const kind of IMAGE_KINDS) await rejects(() => uploadImage(deps, inputOf(kind), attemptOf()), 'IMAGE_ARCHIVE');
    assert.deepEqual([account.stored, account.images], [[], []]);
    // Corrected, it is installed: the old choice is forgotten.
    make();
    await uploadImage(deps, inputOf('kernel'), attemptOf());
  });

  it('an archive that is larger unpacked than the catalogue says is refused', async () => {
    make();
    const catalog = join(folder, 'store', 'catalog');
    const { images } = JSON.parse(readFileSync(catalog, 'utf8')) as { images: object[] };
    writeFileSync(catalog, JSON.stringify({ images: [{ ...images[0], 'root-size': 5 }] }));
    await rejects(() => uploadImage(deps, inputOf('kernel'), attemptOf()), 'IMAGE_ARCHIVE');
  });

  it('tells where catalogue and spec differ in cloud-init, and only there', async () => {
    make();
    const catalog = join(folder, 'store', 'catalog');
    const { images } = JSON.parse(readFileSync(catalog, 'utf8')) as { images: object[] };
    const said = async (listed: boolean | undefined, cloudInit: boolean): Promise<string> => {
      writeFileSync(catalog, JSON.stringify({ images: [{ ...images[0], 'cloud-init': listed }] }));
      rmSync(join(folder, 'state'), { recursive: true, force: true });
      const spec = specNamed('x', { image: { ...imageOf(), ...(cloudInit ? { cloudInit } : {}) } });
      return (await findProblems(deps, { spec })).find(({ check: name }) => name === 'image')?.message ?? '';
    };
    const all = 'to be published: kernel, ramdisk, machine';
    assert.equal(await said(true, false), `${all}; by the catalogue it has cloud-init, and image.cloudInit is not set`);
    assert.equal(await said(false, true), `${all}; by the catalogue it has no cloud-init, and image.cloudInit is set`);
    for (const [listed, cloudInit] of [
      [true, true],
      [false, false],
      [undefined, true],
    ] as const)
      assert.equal(await said(listed, cloudInit), all);
  });

  it('a catalogue without such an image is noticed before the first byte', async () => {
    make();
    await rejects(() => check({ entry: 'none' }), 'IMAGE_CATALOG');
    await rejects(() => check({ architecture: 'i386' }), 'IMAGE_CATALOG');
    await rejects(() => check({ catalog: `${server.url}nothing` }), 'IMAGE_SOURCE_MISSING');
    assert.deepEqual(account.stored, []);
  });

  it('a worker that comes after another goes on with the same archive', async () => {
    make();
    await uploadImage(deps, inputOf('kernel'), attemptOf());
    const stored = [...account.stored];
    // The store has a new archive by now.
    make();
    deps = { ...deps, ...account.dependencies(folder) };
    await uploadImage(deps, inputOf('kernel'), attemptOf());
    assert.deepEqual(account.stored, stored);
  });
});
