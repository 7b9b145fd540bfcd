import { strict as assert } from 'node:assert';
import { mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { archiveLocation, parseCatalog, putImage, recordOf, selectImage } from '../../../src/image';
import type { CatalogImage } from '../../../src/image';
import { tempFolder } from '../support';
import { python } from './python';

const IMAGE: CatalogImage = {
  name: '0000000001',
  description: 'Stackato 2.6.6',
  os: 'ubuntu',
  architecture: 'x86_64',
  version: '2.6.6',
  hypervisors: ['kvm'],
  singleKernel: true,
  url: 'stackato-v2.6.6.tar.gz',
  date: '2012-12-01',
  stamp: 'abcd',
  recipe: 'none',
  contact: '',
  release: '2.6.6',
};
const catalogOf = (...images: readonly object[]): string => JSON.stringify({ images });
const select = (
  entry: string | undefined,
  images: readonly CatalogImage[],
  architecture: 'i386' | 'x86_64' = 'x86_64',
): string => selectImage(images, { catalog: 'C', architecture, ...(entry === undefined ? {} : { entry }) }).name;

describe('catalogues of image stores', () => {
  it('keep what they say', () => {
    const image = {
      ...IMAGE,
      sha256: 'ab'.repeat(32),
      cloudInit: true,
      rootSize: 5,
      archiveSize: 3,
      compression: 'gzip',
    };
    assert.deepEqual(parseCatalog(catalogOf(recordOf(image)), 'C'), [image]);
  });

  it('13: have every field that eustore slices or joins, as text', () => {
    const listed = python(
      `
import json, sys
for image in json.loads(sys.argv[1])['images']:
    fields = [image[key][0:99] for key in ('name', 'os', 'architecture', 'version', 'description', 'date', 'stamp', 'recipe', 'contact', 'url')]
    print('|'.join(fields + [', '.join(image['hypervisors-supported']), image['single-kernel'] == 'True' and 'single' or '']))
`,
      catalogOf(recordOf(IMAGE)),
    );
    assert.equal(
      listed,
      '0000000001|ubuntu|x86_64|2.6.6|Stackato 2.6.6|2012-12-01|abcd|none||stackato-v2.6.6.tar.gz|kvm|single',
    );
  });

  for (const [what, text, reason] of [
    ['no JSON', '<html>', /not JSON/],
    ['no list', '{"images": {}}', /no list "images"/],
    ['a list of text', '{"images": ["x"]}', /no list "images" of mappings/],
    ['null', 'null', /no list/],
    ['an image without a name', catalogOf({ url: 'x' }), /Image 1 .* no name of ten digits/],
    ['a name that is no checksum', catalogOf({ name: '../x', url: 'x' }), /no name of ten digits/],
    ['an image without a url', catalogOf({ name: '0000000001' }), /no url/],
    ['a bad SHA-256', catalogOf({ name: '0000000001', url: 'x', sha256: '12' }), /sha256 that is not 64/],
  ] as const)
    it(`refused: ${what}`, () => {
      assert.throws(() => parseCatalog(text, 'C'), { code: 'IMAGE_CATALOG', message: reason });
    });

  describe('an image in it', () => {
    const other = {
      ...IMAGE,
      name: '0000000002',
      version: '3.4.2',
      release: '3.4.2',
      url: 'b/stackato-v3.tgz',
      description: 'New',
    };
    const small = { ...IMAGE, name: '0000000003', architecture: 'i386' };

    for (const entry of ['0000000002', '3.4.2', 'stackato-v3', 'New'])
      it(`is found by ${entry}`, () => assert.equal(select(entry, [IMAGE, other]), '0000000002'));
    it('needs no name if there is one for the architecture', () => {
      assert.equal(select(undefined, [IMAGE, small], 'i386'), '0000000003');
    });
    it('must be one: the message lists them', () => {
      assert.throws(() => select(undefined, [IMAGE, other]), {
        code: 'IMAGE_CATALOG',
        message: /has 2 images for x86_64. It has: stackato-v2.6.6 \(entry "0000000001", .*stackato-v3/,
      });
    });
    it('must be there: the message lists what is', () => {
      assert.throws(() => select('9', [IMAGE]), {
        message: /no image that is called "9" for x86_64. It has: stackato-v2.6.6/,
      });
      assert.throws(() => select('2.6.6', [IMAGE], 'i386'), { message: /no image .* for i386. It has: .*x86_64/ });
      assert.throws(() => select(undefined, []), { message: /It is empty/ });
    });
  });

  describe('the place of an archive', () => {
    const place = (catalog: string, url: string): string => archiveLocation(catalog, { ...IMAGE, url });
    it('is beside the catalogue', () => {
      assert.equal(place('http://store/a/catalog', 'x.tar.gz'), 'http://store/a/x.tar.gz');
      assert.equal(place('/srv/store/catalog', 'b/x.tar.gz'), '/srv/store/b/x.tar.gz');
      assert.equal(place('http://store/catalog', 'https://cdn/x.tar.gz'), 'https://cdn/x.tar.gz');
    });
    for (const [catalog, url] of [
      ['http://store/catalog', 'file:///etc/passwd'],
      ['http://store/catalog', 'ftp://store/x'],
      ['/srv/catalog', '/etc/passwd'],
      ['/srv/catalog', '../etc/passwd'],
      ['/srv/catalog', 'a/../../etc/passwd'],
      ['/srv/catalog', 'http://store/x'],
      ['/srv/catalog', 'a\0b'],
    ] as const)
      it(`refused: ${JSON.stringify(url)} of ${catalog}`, () => {
        assert.throws(() => place(catalog, url), { code: 'IMAGE_CATALOG' });
      });
  });

  describe('written', () => {
    let folder: string;
    beforeEach(() => {
      folder = tempFolder();
    });
    afterEach(() => rmSync(folder, { recursive: true }));
    const images = (): { url: string; name: string }[] =>
      (JSON.parse(readFileSync(join(folder, 'catalog'), 'utf8')) as { images: { url: string; name: string }[] }).images;

    it('an entry replaces that of the same archive; others are kept as they are', async () => {
      const foreign = {
        name: '0000000009',
        url: 'theirs.tar.gz',
        'single-kernel': 'False',
        surprise: [1, { a: null }],
      };
      writeFileSync(join(folder, 'catalog'), JSON.stringify({ images: [foreign], note: 'kept' }));
      await putImage(folder, IMAGE);
      await putImage(folder, { ...IMAGE, name: '0000000005' });
      assert.deepEqual(images(), [foreign, recordOf({ ...IMAGE, name: '0000000005' })]);
      assert.equal((JSON.parse(readFileSync(join(folder, 'catalog'), 'utf8')) as { note: string }).note, 'kept');
      assert.deepEqual(readdirSync(folder), ['catalog']);
    });

    it('a catalogue that cannot be read is left alone', async () => {
      writeFileSync(join(folder, 'catalog'), '{"images": [');
      await assert.rejects(putImage(folder, IMAGE), { code: 'IMAGE_CATALOG' });
      assert.equal(readFileSync(join(folder, 'catalog'), 'utf8'), '{"images": [');
      rmSync(join(folder, 'catalog'));
      mkdirSync(join(folder, 'catalog'));
      await assert.rejects(putImage(folder, IMAGE), { code: 'IMAGE_SOURCE_UNREADABLE' });
    });
  });
});
