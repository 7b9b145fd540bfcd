import assert from 'node:assert/strict';
import { readManifest } from '../../../src/image';
import { writeManifest } from '../../../src/image/manifest/writer';
import type { ManifestContent } from '../../../src/image/manifest/writer';

const CONTENT: ManifestContent = {
  prefix: 'stackato',
  kind: 'machine',
  architecture: 'x86_64',
  account: '123456789012',
  kernelId: 'eki-12AB34CD',
  ramdiskId: 'eri-56EF7890',
  blockDevices: [
    { virtual: 'ami', device: 'sda1' },
    { virtual: 'ephemeral0', device: '/dev/sdb' },
  ],
  productCodes: ['code-1', 'code-2'],
  digest: 'aa'.repeat(20),
  size: 123,
  bundledSize: 456,
  keys: { cloudKey: '01', userKey: '02', cloudIv: '03', userIv: '04' },
  parts: [
    { name: 'stackato.part.00', sha1: 'bb'.repeat(20) },
    { name: 'stackato.part.01', sha1: 'cc'.repeat(20) },
  ],
};

const CONFIGURATION =
  '<machine_configuration><architecture>x86_64</architecture><block_device_mapping><mapping><virtual>ami</virtual><device>sda1</device></mapping>' +
  '<mapping><virtual>ephemeral0</virtual><device>/dev/sdb</device></mapping></block_device_mapping>' +
  '<product_codes><product_code>code-1</product_code><product_code>code-2</product_code></product_codes>' +
  '<kernel_id>eki-12AB34CD</kernel_id><ramdisk_id>eri-56EF7890</ramdisk_id></machine_configuration>';
const IMAGE =
  `<image><name>stackato</name><user>123456789012</user><type>machine</type><digest algorithm="SHA1">${'aa'.repeat(20)}</digest>` +
  '<size>123</size><bundled_size>456</bundled_size><ec2_encrypted_key algorithm="AES-128-CBC">01</ec2_encrypted_key>' +
  '<user_encrypted_key algorithm="AES-128-CBC">02</user_encrypted_key><ec2_encrypted_iv>03</ec2_encrypted_iv><user_encrypted_iv>04</user_encrypted_iv>' +
  `<parts count="2"><part index="0"><filename>stackato.part.00</filename><digest algorithm="SHA1">${'bb'.repeat(20)}</digest></part>` +
  `<part index="1"><filename>stackato.part.01</filename><digest algorithm="SHA1">${'cc'.repeat(20)}</digest></part></parts></image>`;

describe('manifest', () => {
  const signed: string[] = [];
  const write = (change: Partial<ManifestContent> = {}): string =>
    writeManifest({ ...CONTENT, ...change }, (text) => `${signed.push(text)}`.replace(/.*/, 'ab'));
  const without = <K extends keyof ManifestContent>(...names: K[]): ManifestContent =>
    Object.fromEntries(
      Object.entries(CONTENT).filter(([name]) => !names.includes(name as K)),
    ) as unknown as ManifestContent;

  it('has exactly these bytes, and signs exactly these', () => {
    const text = write();
    assert.equal(
      text,
      `<?xml version="1.0"?><manifest><version>2007-10-10</version><bundler><name>stackato-deploy</name><version>1</version><release>0</release></bundler>${CONFIGURATION}${IMAGE}<signature>ab</signature></manifest>`,
    );
    assert.equal(signed.at(-1), CONFIGURATION + IMAGE);
  });

  it('marks kernels and ramdisks as such', () => {
    const bare = without('kernelId', 'ramdiskId', 'blockDevices', 'productCodes');
    const of = (kind: ManifestContent['kind']): string => writeManifest({ ...bare, kind }, () => 'ab');
    assert.match(
      of('kernel'),
      /<machine_configuration><architecture>x86_64<\/architecture><kernel_id>true<\/kernel_id><\/machine_configuration><image>.*<type>kernel</,
    );
    assert.match(
      of('ramdisk'),
      /<machine_configuration><architecture>x86_64<\/architecture><ramdisk_id>true<\/ramdisk_id><\/machine_configuration><image>.*<type>ramdisk</,
    );
    assert.match(of('machine'), /<machine_configuration><architecture>x86_64<\/architecture><\/machine_configuration>/);
  });

  it('can be read back', () => {
    const { signed: text, signature, ...content } = readManifest(Buffer.from(write()));
    assert.deepEqual([content, text, signature], [CONTENT, CONFIGURATION + IMAGE, 'ab']);
    for (const kind of ['kernel', 'ramdisk'] as const) {
      const bare = { ...without('kernelId', 'ramdiskId', 'blockDevices', 'productCodes'), kind };
      const {
        signed: _text,
        signature: _signature,
        ...read
      } = readManifest(Buffer.from(writeManifest(bare, () => 'ab')));
      assert.deepEqual(read, bare);
    }
  });

  it('of another tool is read: white space, no type, no digits in front', () => {
    const spaced = write()
      .replaceAll('><', '>\n  <')
      .replace('<type>machine</type>', '')
      .replaceAll('.part.0', '.part.');
    const read = readManifest(Buffer.from(spaced));
    assert.deepEqual(
      [read.kind, read.prefix, read.parts.map(({ name }) => name), read.digest],
      ['machine', 'stackato', ['stackato.part.0', 'stackato.part.1'], CONTENT.digest],
    );
    assert.ok(
      read.signed.startsWith('<machine_configuration>\n  <architecture>'),
      'what was signed stays as it stands there',
    );
  });

  const broken: Readonly<Record<string, (text: string) => string>> = {
    'is something else': () => '<html></html>',
    'has no image': (text) => text.replace('<image>', '<picture>'),
    'ends in the middle': (text) => text.slice(0, 900),
    'has no size': (text) => text.replace('<size>123', '<size>many'),
    'has a digest that is none': (text) => text.replace('aaaa', 'zzzz'),
    'counts other parts than it lists': (text) => text.replace('count="2"', 'count="3"'),
    'names a file outside of its folder': (text) => text.replace('>stackato.part.00<', '>../../etc/passwd<'),
    'is of no known type': (text) => text.replace('<type>machine', '<type>toaster'),
    'is longer than any cloud reads': (text) => text + ' '.repeat(6 * 1024 * 1024),
  };
  for (const [title, harm] of Object.entries(broken)) {
    it(`that ${title} is refused`, () => {
      assert.throws(() => readManifest(Buffer.from(harm(write()))), { code: 'IMAGE_MANIFEST_BROKEN' });
    });
  }
});
