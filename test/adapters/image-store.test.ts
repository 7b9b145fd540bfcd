/** Image stores on a web server and as folders: which archive is meant, that it is fetched once, and that it is verified. */

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createImageFiles } from '../../src/adapters/image-files';
import { catalogLocation, readCatalog } from '../../src/adapters/image-store';
import type { CatalogFile } from '../../src/deployment/spec';
import type { ImageFiles } from '../../src/steps/ports';
import { noise, rejects, tempFolder } from '../image/support';
import { EUSTORE_NAME, python } from '../image/store/python';
import { WebServer } from '../support/web-server';

describe('image stores', function () {
  this.timeout(30_000);
  let folder: string;
  let server: WebServer;
  let files: ImageFiles;
  const lines: string[] = [];
  const watcher = { signal: new AbortController().signal, report: (line: string) => void lines.push(line) };

  before(async () => {
    folder = tempFolder();
    mkdirSync(join(folder, 'store'));
    server = await WebServer.start(join(folder, 'store'));
  });
  after(async () => {
    await server.stop();
    rmSync(folder, { recursive: true });
  });
  beforeEach(() => {
    rmSync(join(folder, 'state'), { recursive: true, force: true });
    files = createImageFiles(join(folder, 'state'));
    server.log = '';
    lines.length = 0;
  });

  const stored = (name: string): string => join(folder, 'store', name);
  const entryOf = (name: string, more: object = {}): object => ({
    name: python(EUSTORE_NAME, stored(name)),
    url: name,
    architecture: 'x86_64',
    version: '1',
    ...more,
  });
  const publish = (...images: readonly object[]): void => writeFileSync(stored('catalog'), JSON.stringify({ images }));
  const put = (name: string, bytes = noise(300_000)): string => {
    writeFileSync(stored(name), bytes);
    return createHash('sha256').update(bytes).digest('hex');
  };
  const meant = (more: Partial<CatalogFile> = {}): CatalogFile => ({
    catalog: server.url,
    architecture: 'x86_64',
    hypervisor: 'kvm',
    ...more,
  });
  const archives = (): string[] =>
    readdirSync(join(folder, 'state', 'downloads')).filter((name) => !name.endsWith('.entry'));

  it('13: an archive is downloaded once for kernel, ramdisk and root, and kept under its SHA-256', async () => {
    const sha256 = put('a.tar.gz');
    publish(entryOf('a.tar.gz', { sha256 }));
    const paths = await Promise.all([1, 2, 3].map(() => files.fetch(meant(), watcher)));
    assert.deepEqual(paths, Array(3).fill(join(folder, 'state', 'downloads', sha256)));
    assert.deepEqual(readFileSync(paths[0]!), readFileSync(stored('a.tar.gz')));
    assert.deepEqual([server.asked('a.tar.gz'), server.asked('catalog')], [1, 1]);
    assert.equal(await files.find(meant()), paths[0]);
    await files.forget(meant());
    assert.deepEqual(readdirSync(join(folder, 'state', 'downloads')), []);
  });

  it('13: without a SHA-256, the checksum of eustore is verified, and said to be weak', async () => {
    put('b.tar.gz');
    publish(entryOf('b.tar.gz'));
    await files.fetch(meant(), watcher);
    assert.ok(
      lines.some((line) => /CRC-32 alone, the catalogue has no SHA-256/.test(line)),
      lines.join('\n'),
    );
    writeFileSync(stored('b.tar.gz'), noise(300_000));
    await files.forget(meant());
    await rejects(() => files.fetch(meant(), watcher), 'IMAGE_SOURCE_DAMAGED');
    assert.deepEqual(archives(), []);
  });

  it('13: an archive with another SHA-256 is refused and not kept; a corrected catalogue is looked at again', async () => {
    const sha256 = put('c.tar.gz');
    publish(entryOf('c.tar.gz', { sha256: 'ab'.repeat(32) }));
    await rejects(() => files.fetch(meant(), watcher), 'IMAGE_SOURCE_DAMAGED');
    assert.deepEqual(readdirSync(join(folder, 'state', 'downloads')), []);
    publish(entryOf('c.tar.gz', { sha256 }));
    assert.ok(existsSync(await files.fetch(meant(), watcher)));
  });

  it('13: two archives with one checksum of eustore do not share a file', async () => {
    put('d.tar.gz');
    put('e.tar.gz');
    const name = python(EUSTORE_NAME, stored('d.tar.gz'));
    publish(entryOf('d.tar.gz', { version: 'd' }), entryOf('e.tar.gz', { version: 'e', name }));
    await files.fetch(meant({ entry: 'd' }), watcher);
    await rejects(() => files.fetch(meant({ entry: 'e' }), watcher), 'IMAGE_SOURCE_DAMAGED');
  });

  it('the choice stays until the image is published, though the catalogue changes', async () => {
    put('f.tar.gz');
    put('g.tar.gz');
    publish(entryOf('f.tar.gz'));
    const first = await files.catalogImage(meant(), watcher);
    publish(entryOf('g.tar.gz'));
    assert.deepEqual(await createImageFiles(join(folder, 'state')).catalogImage(meant(), watcher), first);
    await files.forget(meant());
    assert.equal((await files.catalogImage(meant(), watcher)).url, 'g.tar.gz');
  });

  it('a store may be a folder: its archive is read where it lies, and left there', async () => {
    const sha256 = put('h.tar.gz');
    publish(entryOf('h.tar.gz', { sha256 }));
    const file = meant({ catalog: `${folder}/store/` });
    assert.equal(await files.fetch(file, watcher), stored('h.tar.gz'));
    assert.deepEqual(archives(), []);
    await files.forget(file);
    assert.ok(existsSync(stored('h.tar.gz')));
    writeFileSync(stored('h.tar.gz'), 'damaged');
    await rejects(() => files.fetch(file, watcher), 'IMAGE_SOURCE_DAMAGED');
  });

  it('what is not there, or no catalogue, has its own error', async () => {
    await rejects(() => files.fetch(meant({ catalog: `${server.url}none` }), watcher), 'IMAGE_SOURCE_MISSING');
    await rejects(() => files.fetch(meant({ catalog: join(folder, 'none') }), watcher), 'IMAGE_SOURCE_MISSING');
    await rejects(
      () => files.fetch(meant({ catalog: 'http://127.0.0.1:1/catalog' }), watcher),
      'IMAGE_SOURCE_UNREACHABLE',
    );
    writeFileSync(stored('page'), '<html>');
    await rejects(() => files.fetch(meant({ catalog: `${server.url}page` }), watcher), 'IMAGE_CATALOG');
    writeFileSync(stored('long'), ' '.repeat(4 * 1024 * 1024 + 1));
    await rejects(() => files.fetch(meant({ catalog: `${server.url}long` }), watcher), 'IMAGE_CATALOG');
    await rejects(() => files.fetch(meant({ catalog: stored('long') }), watcher), 'IMAGE_CATALOG');
    put('i.tar.gz');
    publish(entryOf('i.tar.gz'));
    await rejects(() => files.fetch(meant({ entry: 'other' }), watcher), 'IMAGE_CATALOG');
  });

  it('a catalogue is found at the address of its store', async () => {
    put('j.tar.gz');
    publish(entryOf('j.tar.gz'));
    assert.equal((await readCatalog(catalogLocation(server.url), watcher))[0]?.url, 'j.tar.gz');
  });
});
