/** Bundles and manifests made by other programs: see test/fixtures/bundles/README.md. */

import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import {
  MANIFEST_LIMIT,
  inspect,
  partsInFolder,
  readCertificate,
  readManifest,
  readPrivateKey,
  unbundle,
} from '../../../src/image';
import type { Check } from '../../../src/image';
import { rejects } from '../support';

const FOLDER = join(__dirname, '../../fixtures/bundles');
const bytesOf = (...path: readonly string[]): Buffer => readFileSync(join(FOLDER, ...path));
const manifestOf = (bundle: string): Buffer =>
  bytesOf(
    bundle,
    readdirSync(join(FOLDER, bundle)).find((name) => name.endsWith('.manifest.xml'))!,
  );
const keyOf = (holder: string): ReturnType<typeof readPrivateKey> =>
  readPrivateKey(bytesOf('keys', `${holder}-key.pem`).toString());

describe('bundles of other programs', () => {
  const bundles = [
    {
      title: 'D14: padded to a record',
      bundle: 'euca34-padded',
      raw: 'kernel-30k.raw',
      holders: ['user', 'cloud'],
      signature: 'passed',
    },
    {
      title: 'D15: sparse',
      bundle: 'euca214-sparse',
      raw: 'holes.raw',
      holders: ['user', 'cloud'],
      signature: 'passed',
    },
    {
      title: 'D16: without a certificate of the user',
      bundle: 'euca34-without-user-certificate',
      raw: 'kernel-30k.raw',
      holders: ['cloud'],
      signature: 'failed',
    },
  ] as const;
  for (const { title, bundle, raw, holders, signature } of bundles) {
    for (const holder of holders) {
      it(`${title}: opens for the ${holder}, and inspect finds what it is`, async () => {
        const readPart = partsInFolder(join(FOLDER, bundle));
        const image = await buffer(unbundle(readManifest(manifestOf(bundle)), readPart, keyOf(holder)));
        assert.ok(image.equals(bytesOf(raw)));
        const certificate = readCertificate(bytesOf('keys', 'user-cert.pem').toString(), 'certificate');
        const { checks } = await inspect({
          manifest: manifestOf(bundle),
          certificate,
          privateKey: keyOf(holder),
          readPart,
        });
        const results = checks.map(({ id, result }): readonly [string, Check['result']] => [id, result]);
        assert.deepEqual(Object.fromEntries(results), {
          form: 'passed',
          signature,
          key: 'passed',
          parts: 'passed',
          content: 'passed',
        });
      });
    }
  }

  it("D16: one for a cloud alone does not open with the user's key, and says why", async () => {
    const name = 'euca34-without-user-certificate';
    const open = (): Promise<Buffer> =>
      buffer(unbundle(readManifest(manifestOf(name)), partsInFolder(join(FOLDER, name)), keyOf('user')));
    await rejects(open, 'IMAGE_WRONG_KEY');
    await assert.rejects(open(), /for a cloud alone, without a certificate of the user/);
  });

  it('D16: the elements of keys may be empty in any form, or missing', () => {
    const text = manifestOf('euca34-without-user-certificate').toString('latin1');
    for (const [from, to] of [
      ['<user_encrypted_iv/>', '<user_encrypted_iv></user_encrypted_iv>'],
      ['<user_encrypted_iv/>', ''],
      ['<user_encrypted_key algorithm="AES-128-CBC"/>', '<user_encrypted_key />'],
    ] as const) {
      assert.ok(text.includes(from));
      const { keys } = readManifest(Buffer.from(text.replace(from, to)));
      assert.deepEqual([keys.userKey, keys.userIv, keys.cloudKey.length], ['', '', 512]);
    }
  });

  it('D16: a manifest that is cut off anywhere is refused', async () => {
    for (const { bundle } of bundles) {
      const whole = manifestOf(bundle);
      const end = whole.indexOf('</manifest>') + '</manifest>'.length;
      for (let length = 0; length < end; length += length > end - 40 ? 1 : 7) {
        const cut = whole.subarray(0, length);
        assert.throws(() => readManifest(cut), { code: 'IMAGE_MANIFEST_BROKEN' }, `${bundle}, ${length} bytes`);
        const { good } = await inspect({ manifest: cut });
        assert.equal(good, false);
      }
      readManifest(whole.subarray(0, end));
    }
  });

  const whole = manifestOf('euca34-padded').toString('latin1');
  const odd: Readonly<Record<string, (text: string) => string>> = {
    'goes on after its end': (text) => `${text.trim()}<manifest/>`,
    'goes on after its end with text': (text) => `${text.trim()}x`,
    'closes another element than the one that is open': (text) => text.replace('</kernel_id>', '</ramdisk_id>'),
    'has a document type': (text) => text.replace('\n<manifest>', '\n<!DOCTYPE manifest [<!ENTITY a "b">]><manifest>'),
    'has an entity that is none': (text) => text.replace('<name>kernel', '<name>&kernel;'),
    'has an image in a comment, which clouds would cut out': (text) =>
      text.replace('<version>', '<!-- <image>another</image> --><version>'),
    'ends its image in a comment, where clouds would cut it': (text) =>
      text.replace('<parts', '<!-- </image> --><parts'),
    'has a size in another notation': (text) => text.replace('<size>30001', '<size>0x7531'),
    'has no size': (text) => text.replace('<size>30001', '<size>'),
    'names a part with a line break': (text) => text.replace('<filename>kernel', '<filename>ker&#10;nel'),
    'is hardly anything': () => '<manifest/>',
    'is of elements within each other, without end': () => '<a>'.repeat(100_000),
  };
  for (const [title, change] of Object.entries(odd)) {
    it(`D16: a manifest that ${title} is refused`, () => {
      const changed = change(whole);
      assert.notEqual(changed, whole);
      assert.throws(() => readManifest(Buffer.from(changed, 'latin1')), { code: 'IMAGE_MANIFEST_BROKEN' });
    });
  }

  it('D16: comments, CDATA and references are read as in any XML', () => {
    const change = whole
      .replace('<name>kernel-30k<', '<name><!-- a > b --><![CDATA[kernel]]>&#45;&#x33;0k<')
      .replace('\n<manifest>', '\n<?pi <?><!-- <a> -->\n<manifest>');
    assert.equal(readManifest(Buffer.from(change, 'latin1')).prefix, 'kernel-30k');
  });

  // The time for each once grew with the square of its length: 560 KB blocked the worker's event loop for 75 s, so these would take hours.
  const heavy: Readonly<Record<string, string>> = {
    'elements that never end': '<name>',
    'parts that never end': '<part index="0">',
    'configurations that never end': '<machine_configuration>',
    'tags that never end': '<image ',
    'attributes that never end': '<image a="b" c="',
    'comments that never end': '<!--',
    quotes: '<a b=\'"',
    spaces: ' '.repeat(64),
    'closing tags': '</image>',
    references: '<name>&amp;</name>',
    'empty elements': '<image/>',
    comments: '<!---->',
    brackets: '<',
    ends: '>',
  };
  const frames = {
    alone: (filling: string) => filling,
    'in a manifest': (filling: string) => `<?xml version="1.0"?><manifest>${filling}</manifest>`,
    'in an image': (filling: string) => whole.replace('<parts', `${filling.slice(whole.length)}<parts`),
    'in a tag': (filling: string) => whole.replace('<parts', `<parts ${filling.slice(whole.length)}`),
  } as const;
  for (const [title, piece] of Object.entries(heavy)) {
    it(`B11: the largest manifest is read in linear time: ${title}`, () => {
      for (const frame of Object.values(frames)) {
        const filling = piece.repeat(Math.floor((MANIFEST_LIMIT - 100) / piece.length));
        const bytes = Buffer.from(frame(filling), 'latin1');
        assert.ok(bytes.length <= MANIFEST_LIMIT && bytes.length > MANIFEST_LIMIT - 8192, `${bytes.length}`);
        try {
          readManifest(bytes);
        } catch (error) {
          assert.equal((error as { code?: string }).code, 'IMAGE_MANIFEST_BROKEN', String(error));
        }
      }
    });
  }

  it('B11: a manifest with as many parts as fit can be read', async () => {
    const part = (index: number): string =>
      `<part index="${index}"><filename>kernel-30k.part.${index}</filename><digest algorithm="SHA1">${'ab'.repeat(20)}</digest></part>`;
    const parts = Array.from({ length: 35_000 }, (_, index) => part(index)).join('');
    const manifest = Buffer.from(whole.replace(/<parts.*<\/parts>/, `<parts count="35000">${parts}</parts>`), 'latin1');
    assert.equal(readManifest(manifest).parts.length, 35_000);
    assert.equal((await inspect({ manifest })).good, true);
  });
});
