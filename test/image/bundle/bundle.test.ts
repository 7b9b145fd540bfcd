import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { openBundle, openFile, readIdentity } from '../../../src/image';
import { PART_SIZE } from '../../../src/image/bundle/parts';
import {
  FACTS,
  bundleTo,
  credentials,
  keysIndependently,
  noise,
  openIndependently,
  pair,
  rejects,
  shell,
  sparseFile,
  tempFolder,
  words,
  writeKeys,
  xml,
} from '../support';
import type { Bundled } from '../support';

const MIB = 1024 * 1024;
const GIB = 1024 * MIB;

describe('bundle', function () {
  this.timeout(60_000);
  let folder: string;
  beforeEach(() => (folder = tempFolder()));
  afterEach(() => rmSync(folder, { recursive: true }));

  const image = (content: Buffer): string => {
    const path = join(folder, 'image.raw');
    writeFileSync(path, content);
    return path;
  };

  /** Compares the manifest with the folder, and the content with the image, using sha1sum, openssl, gzip and GNU tar. */
  function assertOpens({ folder: out, manifest }: Bundled, path: string): void {
    const listed = [...manifest.matchAll(/<filename>([^<]+)<\/filename><digest algorithm="SHA1">([^<]+)/g)].map(
      ([, name, sha1]) => `${sha1}  ${name}`,
    );
    writeFileSync(join(out, 'sums'), `${listed.join('\n')}\n`);
    shell('sha1sum -c --strict sums', out);
    assert.equal(xml(manifest, 'image', 'bundled_size'), shell(`cat ${FACTS.prefix}.part.* | wc -c`, out));
    const { sha1, key, iv } = openIndependently(out, manifest);
    assert.equal(sha1, /<type>machine<\/type><digest algorithm="SHA1">([^<]+)/.exec(manifest)?.[1]);
    assert.deepEqual(keysIndependently(out, manifest, 'user'), { key, iv });
    assert.match(
      shell('tar -tvf archive.tar --numeric-owner --utc', out),
      new RegExp(`^-rw-r--r-- 0/0 +${xml(manifest, 'image', 'size')} 1970-01-01 00:00 ${FACTS.prefix}$`),
    );
    shell(`tar -xOf archive.tar | cmp - ${path}`, out);
  }

  for (const size of [0, 1, 511, 512, 513, MIB - 1, MIB, PART_SIZE, 2 * PART_SIZE + 1]) {
    it(`of ${size} bytes opens with openssl, gzip and tar`, async () => {
      const path = image(words(size));
      assertOpens(await bundleTo(join(folder, 'out'), path), path);
    });
  }

  it('of several parts opens, with its holes, and is signed by the user', async () => {
    const path = sparseFile(join(folder, 'image.raw'), 64 * MIB + 100, {
      [3 * MIB + 5]: noise(11 * MIB),
      [40 * MIB]: noise(12 * MIB),
      [64 * MIB]: words(100),
    });
    const bundled = await bundleTo(join(folder, 'out'), path);
    assert.equal(bundled.parts.length, 3);
    assertOpens(bundled, path);
    const { manifest } = bundled;
    const cutOut = (name: string): string =>
      manifest.slice(manifest.indexOf(`<${name}>`), manifest.indexOf(`</${name}>`) + name.length + 3);
    writeKeys(folder);
    writeFileSync(join(folder, 'signed'), cutOut('machine_configuration') + cutOut('image'));
    writeFileSync(join(folder, 'signature'), Buffer.from(xml(manifest, 'manifest', 'signature'), 'hex'));
    shell('openssl x509 -in user-cert.pem -pubkey -noout > public.pem', folder);
    assert.equal(shell('openssl dgst -sha1 -verify public.pem -signature signature signed', folder), 'Verified OK');
  });

  it('of 8 GiB of holes is a header, zeros, data and an end', async () => {
    const end = words(MIB);
    const path = sparseFile(join(folder, 'stackato'), 8 * GIB, { [8 * GIB - MIB]: end });
    const { folder: out, manifest } = await bundleTo(join(folder, 'out'), path);
    const names = [...manifest.matchAll(/<filename>([^<]+)/g)].map((match) => match[1]).join(' ');
    // Unpacking it would take half a minute: instead, all members of zeros must be equal, and one of them must hold zeros.
    const { key, iv } = keysIndependently(out, manifest, 'cloud');
    shell(`cat ${names} | openssl enc -d -aes-128-cbc -K ${key} -iv ${iv} > members.gz`, out);
    const members = readFileSync(join(out, 'members.gz'));
    const second = members.indexOf(members.subarray(0, 10), 10);
    const third = members.indexOf(members.subarray(0, 10), second + 10);
    const zeros = members.subarray(second, third);
    const last = second + 8191 * zeros.length;
    assert.ok(members.subarray(second, last).equals(Buffer.concat(Array.from({ length: 8191 }, () => zeros))));
    writeFileSync(join(out, 'zeros.gz'), zeros);
    assert.equal(shell(`gzip -dc zeros.gz | cmp -n ${MIB} - /dev/zero && gzip -dc zeros.gz | wc -c`, out), String(MIB));
    writeFileSync(join(out, 'rest.gz'), members.subarray(last));
    writeFileSync(join(out, 'rest'), Buffer.concat([end, Buffer.alloc(1024)]));
    shell('gzip -dc rest.gz | cmp - rest', out);
    assert.match(
      shell('gzip -dc members.gz 2>/dev/null | head -c 512 | tar -tv 2>/dev/null || true', out),
      / 8589934592 1970/,
    );
  });

  it('has the same bytes every time, and others for another image, prefix, account, kind, user or cloud', async () => {
    const path = image(words(100_000));
    const first = await bundleTo(join(folder, 'first'), path);
    const second = await bundleTo(join(folder, 'second'), path, {}, { concurrency: 1 });
    shell('diff -r first second', folder);
    assert.equal(first.manifest, second.manifest);
    const bytesOf = async (label: string, change: Parameters<typeof bundleTo>[2]): Promise<string> =>
      digestOf(await bundleTo(join(folder, label), path, change));
    const all = [
      digestOf(first),
      await bytesOf('prefix', { prefix: 'other' }),
      await bytesOf('account', { account: '210987654321' }),
      await bytesOf('kind', { kind: 'kernel' }),
    ];
    for (const who of ['user', 'cloud'] as const) all.push(await withOther(who, path));
    image(words(100_001));
    all.push(digestOf(await bundleTo(join(folder, 'image'), path)));
    assert.equal(new Set(all).size, 7);
  });

  function digestOf({ parts }: Bundled): string {
    return createHash('sha256')
      .update(Buffer.concat(parts.map(({ bytes }) => bytes!)))
      .digest('hex');
  }

  async function withOther(who: 'user' | 'cloud', path: string): Promise<string> {
    const other = pair(`other-${who}`);
    const changed =
      who === 'user'
        ? { privateKey: other.key, certificate: other.certificate }
        : { cloudCertificate: other.certificate };
    const source = await openFile({ path });
    const bundle = await openBundle({ source, facts: FACTS, identity: readIdentity({ ...credentials(), ...changed }) });
    const hash = createHash('sha256');
    for await (const { bytes } of bundle.parts()) hash.update(bytes!);
    await source.close();
    return hash.digest('hex');
  }

  it('of a range of a file is that of the range', async () => {
    const block = words(3 * MIB + 17);
    const disk = join(folder, 'disk');
    writeFileSync(disk, Buffer.concat([noise(1_000_003), block, noise(500)]));
    const source = await openFile({ path: disk, offset: 1_000_003, length: block.length });
    const bundle = await openBundle({ source, facts: FACTS, identity: readIdentity(credentials()) });
    const hash = createHash('sha256');
    for await (const { bytes } of bundle.parts()) hash.update(bytes!);
    await source.close();
    assert.equal(hash.digest('hex'), digestOf(await bundleTo(join(folder, 'out'), image(block))));
  });

  it('too big for the cloud is refused before anything is read, or as soon as it is known', async () => {
    const path = sparseFile(join(folder, 'image.raw'), 100 * GIB);
    await rejects(
      () => bundleTo(join(folder, 'out'), path, {}, { limits: { image: 30 * GIB, bundle: Infinity } }),
      'IMAGE_TOO_BIG',
    );
    writeFileSync(path, noise(3 * PART_SIZE));
    await rejects(
      () => bundleTo(join(folder, 'out'), path, {}, { limits: { image: 30 * GIB, bundle: 2 * PART_SIZE } }),
      'IMAGE_TOO_BIG',
    );
    assert.deepEqual(
      readdirSync(join(folder, 'out')).filter((name) => !name.includes('.part.')),
      [],
      'no manifest',
    );
  });

  it('stops when aborted', async () => {
    const source = await openFile({ path: image(noise(3 * PART_SIZE)) });
    const abort = new AbortController();
    const bundle = await openBundle(
      { source, facts: FACTS, identity: readIdentity(credentials()) },
      { signal: abort.signal },
    );
    const parts = bundle.parts();
    await parts.next();
    abort.abort();
    await assert.rejects(parts.next(), { name: 'AbortError' });
    await source.close();
  });
});
