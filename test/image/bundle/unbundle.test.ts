import assert from 'node:assert/strict';
import { constants, createPublicKey, publicEncrypt, randomBytes } from 'node:crypto';
import {
  appendFileSync,
  existsSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import {
  inspect,
  partsInFolder,
  readCertificate,
  readManifest,
  readPrivateKey,
  unbundle,
  writeImage,
} from '../../../src/image';
import type { Check, InspectInput, Verdict } from '../../../src/image';
import { FACTS, bundleTo, noise, pair, rejects, shell, sparseFile, tempFolder, words } from '../support';
import type { Bundled } from '../support';

const MIB = 1024 * 1024;

/** Makes a bundle as euca2ools does, with openssl, gzip, split and the given tar command. */
function foreignBundle(folder: string, tar: string): Buffer {
  const [key, iv] = [randomBytes(16).toString('hex'), randomBytes(16).toString('hex')];
  shell(
    `${tar} > t && gzip -c t | openssl enc -aes-128-cbc -K ${key} -iv ${iv} > e && split -b 10485760 -d -a 1 e foreign.part. && openssl dgst -sha1 -r t > digest`,
    folder,
  );
  const toUser = (hex: string): string =>
    publicEncrypt(
      { key: createPublicKey(pair('user').certificate), padding: constants.RSA_PKCS1_PADDING },
      Buffer.from(hex),
    ).toString('hex');
  const parts = readdirSync(folder)
    .filter((name) => name.startsWith('foreign.part.'))
    .sort();
  const part = (name: string, index: number): string =>
    `<part index="${index}"><filename>${name}</filename><digest algorithm="SHA1">${shell(`sha1sum < ${name}`, folder).split(' ')[0]}</digest></part>`;
  return Buffer.from(
    `<?xml version="1.0"?><manifest><version>2007-10-10</version><machine_configuration><architecture>x86_64</architecture></machine_configuration><image><name>foreign</name><user>123456789012</user>` +
      `<type>machine</type><digest algorithm="SHA1">${readFileSync(join(folder, 'digest'), 'latin1').slice(0, 40)}</digest><size>${statSync(join(folder, 'image.raw')).size}</size>` +
      `<bundled_size>${statSync(join(folder, 'e')).size}</bundled_size><ec2_encrypted_key algorithm="AES-128-CBC">00</ec2_encrypted_key><user_encrypted_key algorithm="AES-128-CBC">${toUser(key)}</user_encrypted_key>` +
      `<ec2_encrypted_iv>00</ec2_encrypted_iv><user_encrypted_iv>${toUser(iv)}</user_encrypted_iv><parts count="${parts.length}">${parts.map(part).join('')}</parts></image><signature>UNSIGNED</signature></manifest>`,
  );
}

describe('unbundle', function () {
  this.timeout(30_000);
  const folder = tempFolder();
  const image = join(folder, 'image.raw');
  let bundled: Bundled;
  let out: string;
  before(async () => {
    sparseFile(image, 40 * MIB + 1, { [MIB]: noise(11 * MIB), [40 * MIB]: words(1) });
    bundled = await bundleTo(join(folder, 'bundle'), image);
  });
  after(() => rmSync(folder, { recursive: true }));
  beforeEach(() => {
    out = tempFolder();
    shell(`cp ${bundled.folder}/stackato.* ${out}/`, folder);
  });
  afterEach(() => rmSync(out, { recursive: true }));

  const restore = async (holder: string, manifest: Uint8Array = Buffer.from(bundled.manifest)): Promise<void> =>
    writeImage(
      unbundle(readManifest(manifest), partsInFolder(out), readPrivateKey(pair(holder).key)),
      join(out, 'restored'),
    );

  for (const holder of ['user', 'cloud']) {
    it(`restores the image for the ${holder}, with its holes`, async () => {
      await restore(holder);
      shell(`cmp restored ${image}`, out);
      assert.ok(statSync(join(out, 'restored')).blocks * 512 < 15 * MIB, 'holes stay holes');
    });
  }

  it('restores it for nobody else', () => rejects(() => restore('stranger'), 'IMAGE_WRONG_KEY'));

  const harms: Readonly<Record<string, (part: string) => void>> = {
    'a turned bit': (part) => shell(`printf '\\x01' | dd of=${part} bs=1 seek=5000 conv=notrunc`, out),
    'a byte less': (part) => truncateSync(part, statSync(part).size - 1),
    'a byte more': (part) => appendFileSync(part, 'x'),
    'nothing in it': (part) => truncateSync(part, 0),
  };
  for (const [title, harm] of Object.entries(harms)) {
    for (const part of [0, 1]) {
      it(`refuses part ${part} with ${title}, and leaves no image`, async () => {
        harm(join(out, `stackato.part.0${part}`));
        await rejects(() => restore('user'), 'IMAGE_BUNDLE_BROKEN');
        assert.deepEqual(
          readdirSync(out).filter((name) => name.includes('restored')),
          [],
        );
      });
    }
  }

  it('refuses a manifest that names another digest or size', async () => {
    const digest = readManifest(Buffer.from(bundled.manifest)).digest;
    await rejects(
      () => restore('user', Buffer.from(bundled.manifest.replace(digest, 'ab'.repeat(20)))),
      'IMAGE_BUNDLE_BROKEN',
    );
    await rejects(
      () => restore('user', Buffer.from(bundled.manifest.replace(`<size>${40 * MIB + 1}<`, '<size>5<'))),
      'IMAGE_BUNDLE_BROKEN',
    );
    assert.equal(existsSync(join(out, 'restored')), false);
  });

  const tars = {
    'GNU tar, padded to a record': 'tar --format=gnu -c',
    'pax headers': 'tar --format=pax -c',
    'the usual format': 'tar -c',
  };
  for (const [title, tar] of Object.entries(tars)) {
    it(`opens what other tools made: ${title}`, async () => {
      shell(`cp --sparse=always ${image} ${out}/image.raw`, out);
      const manifest = foreignBundle(out, `${tar} image.raw`);
      await restore('user', manifest);
      shell(`cmp restored ${image}`, out);
    });
  }

  for (const format of [
    'gnu',
    'posix --sparse-version=0.0',
    'posix --sparse-version=0.1',
    'posix --sparse-version=1.0',
  ]) {
    it(`D15: opens a sparse archive (${format}), and inspect finds it good and counts each part once`, async () => {
      shell(`cp --sparse=always ${image} ${out}/image.raw`, out);
      const manifest = foreignBundle(out, `tar --format=${format} -cS image.raw`);
      await restore('user', manifest);
      shell(`cmp restored ${image}`, out);
      const { checks } = await inspect({
        manifest,
        privateKey: readPrivateKey(pair('user').key),
        readPart: partsInFolder(out),
      });
      const results = Object.fromEntries(checks.map(({ id, result }) => [id, result]));
      assert.deepEqual([results['parts'], results['content']], ['passed', 'passed'], JSON.stringify(checks));
    });
  }

  it('D15: bytes of a part are counted once, even if opening fails while it is read', async () => {
    writeFileSync(join(out, 'image.raw'), words(1000));
    shell('mkdir folder && cp image.raw folder/', out);
    // The first member is a folder, which cannot be an image.
    const manifest = foreignBundle(out, 'tar -c folder');
    const { checks } = await inspect({
      manifest,
      privateKey: readPrivateKey(pair('user').key),
      readPart: partsInFolder(out),
    });
    const found = (id: string): string => checks.find((check) => check.id === id)?.detail ?? '';
    assert.match(found('parts'), /^1 parts, \d+ bytes, each with its digest\.$/);
    assert.match(found('content'), /something else than one plain file/);
  });

  for (const part of [0, 1]) {
    it(`D16: names part ${part} if it is damaged or missing, although decryption fails before its end`, async () => {
      const path = join(out, `stackato.part.0${part}`);
      shell(`printf '\\x01' | dd of=${path} bs=1 seek=5000 conv=notrunc`, out);
      await assert.rejects(restore('user'), {
        code: 'IMAGE_BUNDLE_BROKEN',
        message: `The part stackato.part.0${part} is damaged.`,
      });
      rmSync(path);
      await assert.rejects(restore('user'), {
        code: 'IMAGE_BUNDLE_BROKEN',
        message: `The part stackato.part.0${part} is missing.`,
      });
    });
  }

  it('D16: names every part that is broken', async () => {
    shell("printf '\\x01' | dd of=stackato.part.00 bs=1 seek=5000 conv=notrunc && rm stackato.part.01", out);
    await assert.rejects(restore('user'), {
      message: 'The part stackato.part.00 is damaged. The part stackato.part.01 is missing.',
    });
  });

  describe('inspect', () => {
    const inspectBundle = (input: Partial<InspectInput> = {}): Promise<Verdict> =>
      inspect({
        manifest: Buffer.from(bundled.manifest),
        certificate: readCertificate(pair('user').certificate, 'certificate'),
        privateKey: readPrivateKey(pair('user').key),
        readPart: partsInFolder(out),
        ...input,
      });
    const results = ({ checks }: Verdict): Record<string, Check['result']> =>
      Object.fromEntries(checks.map(({ id, result }) => [id, result]));
    const detail = ({ checks }: Verdict, id: string): string => checks.find((check) => check.id === id)?.detail ?? '';
    const ALL = { form: 'passed', signature: 'passed', key: 'passed', parts: 'passed', content: 'passed' } as const;

    it('finds nothing wrong with a good bundle, for user and cloud', async () => {
      const verdict = await inspectBundle();
      assert.deepEqual([verdict.good, results(verdict), verdict.manifest?.prefix], [true, ALL, FACTS.prefix]);
      const cloud = await inspectBundle({ privateKey: readPrivateKey(pair('cloud').key) });
      assert.deepEqual(
        [results(cloud), detail(cloud, 'key')],
        [ALL, 'The private key opens it, as that of the cloud.'],
      );
    });

    it('leaves open what it cannot check with what it was given', async () => {
      const verdict = await inspect({ manifest: Buffer.from(bundled.manifest) });
      assert.deepEqual(
        [verdict.good, results(verdict)],
        [true, { form: 'passed', signature: 'open', key: 'open', parts: 'open', content: 'open' }],
      );
      const parts = await inspect({ manifest: Buffer.from(bundled.manifest), readPart: partsInFolder(out) });
      assert.deepEqual(results(parts), {
        form: 'passed',
        signature: 'open',
        key: 'open',
        parts: 'passed',
        content: 'open',
      });
    });

    it('names every damaged and missing part', async () => {
      harms['a turned bit']!(join(out, 'stackato.part.00'));
      rmSync(join(out, 'stackato.part.01'));
      const verdict = await inspectBundle();
      assert.deepEqual([verdict.good, results(verdict)], [false, { ...ALL, parts: 'failed', content: 'failed' }]);
      assert.match(detail(verdict, 'parts'), /stackato\.part\.00 is damaged; stackato\.part\.01 cannot be read/);
    });

    it('detects another key, another signer, and an altered manifest', async () => {
      const stranger = pair('stranger');
      assert.deepEqual(results(await inspectBundle({ privateKey: readPrivateKey(stranger.key) })), {
        ...ALL,
        key: 'failed',
        content: 'open',
      });
      assert.deepEqual(
        results(await inspectBundle({ certificate: readCertificate(stranger.certificate, 'certificate') })),
        {
          ...ALL,
          signature: 'failed',
        },
      );
      const altered = bundled.manifest.replace('<user>123456789012', '<user>123456789013');
      assert.deepEqual(results(await inspectBundle({ manifest: Buffer.from(altered) })), {
        ...ALL,
        signature: 'failed',
      });
    });

    it('D16: verifies the signature by the private key of the user if there is no certificate', async () => {
      const altered = Buffer.from(bundled.manifest.replace('<user>123456789012', '<user>123456789013'));
      const input = { privateKey: readPrivateKey(pair('user').key), readPart: partsInFolder(out) };
      assert.deepEqual(results(await inspect({ ...input, manifest: Buffer.from(bundled.manifest) })), ALL);
      assert.deepEqual(results(await inspect({ ...input, manifest: altered })), { ...ALL, signature: 'failed' });
      const cloud = { ...input, privateKey: readPrivateKey(pair('cloud').key) };
      assert.deepEqual(
        results(await inspect({ ...cloud, manifest: altered })),
        { ...ALL, signature: 'open' },
        'the cloud did not sign',
      );
    });

    it('finds what some clouds cannot read', async () => {
      const spaced = Buffer.from(
        bundled.manifest
          .replace('<?xml version="1.0"?>', '')
          .replace('<image><name>', '<image>\n<name>')
          .replace('123456789012', 'ädmin'),
      );
      const verdict = await inspectBundle({ manifest: spaced });
      assert.equal(results(verdict)['form'], 'failed');
      for (const words of [/ASCII/, /declaration/, /white space/, /account number/])
        assert.match(detail(verdict, 'form'), words);
    });

    it('fails the form of what is not a manifest', async () => {
      const verdict = await inspectBundle({ manifest: Buffer.from('<html>') });
      assert.deepEqual(
        [verdict.good, verdict.manifest, verdict.checks.map(({ id, result }) => [id, result])],
        [false, undefined, [['form', 'failed']]],
      );
    });

    it('does not take a missing signature for a good one', async () => {
      writeFileSync(join(out, 'image.raw'), words(1000));
      const verdict = await inspectBundle({ manifest: foreignBundle(out, 'tar -c image.raw') });
      assert.deepEqual([verdict.good, results(verdict)], [false, { ...ALL, signature: 'failed' }]);
    });
  });
});
