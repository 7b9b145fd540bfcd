/** Images that another program bundled and somebody registered, and the same file, or another one, published over them. */

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { copyFileSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Dependencies, Publisher } from '../../src/steps/dependencies';
import type { CloudImage } from '../../src/steps/ports';
import { registerImage } from '../../src/steps/publishing/register-image';
import { uploadImage } from '../../src/steps/publishing/upload-image';
import type { ImageInput, Uploaded } from '../../src/deployment/activities';
import { DeployError } from '../../src/deployment/errors';
import type { ImageKind } from '../../src/deployment/spec';
import { noise, pair, shell, tempFolder } from '../image/support';
import { ImageCloud, writeImageFiles } from '../support/image-cloud';
import { imageIn, specNamed } from '../support/specs';
import { attemptOf, dependencies } from './support';

const FOLDER = join(__dirname, '../fixtures/bundles');
const BUCKET = 'stackato-images';
const ACCOUNT = '000123456789';
const IDS = { kernelId: 'eki-00000001', ramdiskId: 'eri-00000002' };

describe('D14: publishing over what another program bundled', () => {
  let folder: string;
  let account: ImageCloud;
  let deps: Dependencies;
  beforeEach(() => {
    folder = tempFolder();
    account = new ImageCloud();
    deps = dependencies({
      ...account.dependencies(folder),
      publisher: { mark: () => Promise.resolve('stackato-deploy/test/0123456789ab') } as unknown as Publisher,
    });
    writeImageFiles(folder, noise(1));
    for (const name of ['user-key', 'user-cert', 'cloud-cert'])
      copyFileSync(join(FOLDER, 'keys', `${name}.pem`), join(folder, `${name}.pem`));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  const inputOf = (kind: ImageKind, name: string): ImageInput => {
    const image = imageIn(folder, { name });
    return {
      cloud: specNamed('x').cloud,
      image: { ...image, signing: { ...image.signing, account: ACCOUNT } },
      part: kind,
      poll: 10,
      deadline: 60_000,
      ...(kind === 'machine' ? IDS : {}),
    };
  };

  /** Puts a bundle of the fixtures where `name` would be published, and registers it. */
  function registered(bundle: string, name: string, kind: ImageKind, more: Partial<CloudImage> = {}): string {
    const [own, object] = bundle === 'euca214-sparse' ? ['holes', name] : ['kernel-30k', name];
    account.objects.set(`${BUCKET}/${object}.manifest.xml`, readFileSync(join(FOLDER, bundle, `${own}.manifest.xml`)));
    account.objects.set(`${BUCKET}/${own}.part.00`, readFileSync(join(FOLDER, bundle, `${own}.part.00`)));
    account.images.push({
      id: 'emi-99999999',
      kind,
      name,
      location: `${BUCKET}/${object}.manifest.xml`,
      state: 'available',
      ...more,
    });
    return 'emi-99999999';
  }

  /** What is published; and that not a byte of what was there changed, whatever came of it. */
  async function published(kind: ImageKind, name: string, lines: string[] = []): Promise<Uploaded> {
    const before = new Map(account.objects);
    try {
      return await uploadImage(deps, inputOf(kind, name), attemptOf(1, lines));
    } finally {
      assert.deepEqual([account.stored, account.removed, account.objects], [[], [], before]);
    }
  }

  async function refused(kind: ImageKind, name: string): Promise<string> {
    const error: unknown = await published(kind, name).then(
      () => undefined,
      (reason: unknown) => reason,
    );
    assert.ok(error instanceof DeployError && error.code === 'IMAGE_NAME_TAKEN', String(error));
    return error.message;
  }

  const fill = (file: string, raw: string, change: (bytes: Buffer) => Buffer = (bytes) => bytes): void =>
    writeFileSync(join(folder, file), change(readFileSync(join(FOLDER, raw))));
  const bent = (bytes: Buffer): Buffer => bytes.fill(1, bytes.length - 1);
  const bound = { kernelId: IDS.kernelId, ramdiskId: IDS.ramdiskId };

  for (const bundle of ['euca34-padded', 'euca34-without-user-certificate']) {
    it(`D14: the same kernel is adopted: ${bundle}`, async () => {
      fill('vmlinuz', 'kernel-30k.raw');
      const id = registered(bundle, 'x-kernel', 'kernel');
      assert.deepEqual(await published('kernel', 'x'), { sentBytes: 0, sentParts: 0, thereParts: 0, ours: false });
      assert.equal(await registerImage(deps, inputOf('kernel', 'x'), attemptOf()), id);
      assert.equal(account.registrations, 0);
    });

    it(`D14: another kernel is refused, of the same size and of another: ${bundle}`, async () => {
      registered(bundle, 'x-kernel', 'kernel');
      fill('vmlinuz', 'kernel-30k.raw', (bytes) => bytes.subarray(1));
      assert.match(
        await refused('kernel', 'x'),
        /registered from stackato-images\/x-kernel\.manifest\.xml, and its content is different/,
      );
      fill('vmlinuz', 'kernel-30k.raw', bent);
      const told =
        bundle === 'euca34-padded'
          ? /its content is different/
          : /there is no way to tell whether its content is the same\. The bundle kernel-30k was made for a cloud alone/;
      assert.match(await refused('kernel', 'x'), told);
    });
  }

  it('D15: the same root is adopted out of a sparse archive, compared part for part, and another refused', async () => {
    fill('root.img', 'holes.raw');
    registered('euca214-sparse', 'holes', 'machine', bound);
    const lines: string[] = [];
    assert.deepEqual(await published('machine', 'holes', lines), {
      sentBytes: 0,
      sentParts: 0,
      thereParts: 1,
      ours: false,
    });
    assert.equal(
      lines.findLast((line) => line !== ''),
      'machine: comparing with the registered image: 3 of 3 MiB',
    );
    fill('root.img', 'holes.raw', bent);
    assert.match(await refused('machine', 'holes'), /its content is different/);
    // Something in what is a hole there.
    fill('root.img', 'holes.raw', (bytes) => bytes.fill(1, 100_000, 100_001));
    assert.match(await refused('machine', 'holes'), /its content is different/);
  });

  it('D14: the kernel that counts is the one the image was registered with', async () => {
    fill('root.img', 'holes.raw');
    registered('euca214-sparse', 'holes', 'machine');
    assert.match(await refused('machine', 'holes'), /its kernelId is different \(unknown, not eki-00000001\)/);
    account.images[0] = { ...account.images[0]!, ...bound, kernelId: 'eki-77777777' };
    assert.match(await refused('machine', 'holes'), /its kernelId is different \(eki-77777777, not eki-00000001\)/);
  });

  it("D14: what cannot be opened is refused, and it says why: another user's, damaged, without its parts", async () => {
    fill('root.img', 'holes.raw');
    registered('euca214-sparse', 'holes', 'machine', bound);
    const part = `${BUCKET}/holes.part.00`;
    const whole = account.objects.get(part)!;
    account.objects.set(part, Buffer.from(whole).fill(1, 900, 901));
    assert.match(
      await refused('machine', 'holes'),
      /whether its content is the same\. The part holes\.part\.00 is damaged\./,
    );
    account.objects.delete(part);
    assert.match(await refused('machine', 'holes'), /whether its content is the same\. Parts of it are missing/);
    account.objects.set(part, whole);
    for (const [kind, file] of [
      ['key', 'user-key.pem'],
      ['certificate', 'user-cert.pem'],
    ] as const)
      writeFileSync(join(folder, file), pair('stranger')[kind]);
    assert.match(
      await refused('machine', 'holes'),
      /whether its content is the same\. The bundle holes\.raw was made for a user and a cloud, and the private key is that of neither/,
    );
  });

  it('D14: whatever owner, time, name and filling the archive has, the same file is the same', async () => {
    const { key, iv } = { key: '00112233445566778899aabbccddeeff', iv: 'ffeeddccbbaa99887766554433221100' };
    const bytes = noise(3 * 1024 * 1024 + 17);
    writeFileSync(join(folder, 'root.img'), bytes);
    const tars = [
      '--format=gnu -b 40',
      '--format=posix',
      '--format=ustar --mtime=@77 --owner=7 --mode=600',
      '--format=gnu --mtime=@0 --owner=0 --group=0 --mode=644 --numeric-owner',
    ];
    for (const [index, options] of tars.entries()) {
      shell(
        `tar -cf t ${options} root.img && gzip -c t | openssl enc -aes-128-cbc -K ${key} -iv ${iv} > any.part.0`,
        folder,
      );
      const sealed = (text: string): string =>
        shell(
          `printf %s ${text} | openssl pkeyutl -encrypt -certin -inkey user-cert.pem | od -An -tx1 -v | tr -d ' \\n'`,
          folder,
        );
      const part = readFileSync(join(folder, 'any.part.0'));
      const sha1 = (of: Buffer): string => createHash('sha1').update(of).digest('hex');
      const manifest =
        `<?xml version="1.0"?><manifest><machine_configuration><architecture>x86_64</architecture></machine_configuration><image><name>any</name><user>${ACCOUNT}</user><type>machine</type>` +
        `<digest>${sha1(readFileSync(join(folder, 't')))}</digest><size>${bytes.length}</size><bundled_size>${part.length}</bundled_size><ec2_encrypted_key/><user_encrypted_key>${sealed(key)}</user_encrypted_key>` +
        `<ec2_encrypted_iv/><user_encrypted_iv>${sealed(iv)}</user_encrypted_iv><parts count="1"><part index="0"><filename>any.part.0</filename><digest>${sha1(part)}</digest></part></parts></image><signature>UNSIGNED</signature></manifest>`;
      const name = `any${index}`;
      account.objects.set(`${BUCKET}/${name}.manifest.xml`, Buffer.from(manifest));
      account.objects.set(`${BUCKET}/any.part.0`, part);
      account.images.push({
        id: `emi-0000000${index}`,
        kind: 'machine',
        name,
        location: `${BUCKET}/${name}.manifest.xml`,
        state: 'available',
        ...bound,
      });
      writeFileSync(join(folder, 'root.img'), bytes);
      assert.equal((await published('machine', name)).sentBytes, 0, options);
      writeFileSync(join(folder, 'root.img'), Buffer.from(bytes).fill(1, bytes.length - 5));
      assert.match(await refused('machine', name), /its content is different/, options);
      writeFileSync(join(folder, 'root.img'), bytes);
    }
  });
});
