/** Bundles on their way to a bucket and a registration, and what may go wrong there. */

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import type { Dependencies, Publisher } from '../../src/steps/dependencies';
import type { CloudImage } from '../../src/steps/ports';
import { checkImage } from '../../src/steps/publishing/check-image';
import { registerImage } from '../../src/steps/publishing/register-image';
import { uploadImage } from '../../src/steps/publishing/upload-image';
import { withdrawImage } from '../../src/steps/publishing/withdraw-image';
import type { ImageInput, Uploaded } from '../../src/deployment/activities';
import { DeployError } from '../../src/deployment/errors';
import type { ErrorCode } from '../../src/deployment/errors';
import type { PublishView } from '../../src/deployment/messages';
import type { ImageKind, ImageSpec } from '../../src/deployment/spec';
import { noise, pair, rejects, tempFolder } from '../image/support';
import { ImageCloud, writeImageFiles } from '../support/image-cloud';
import { imageIn, specNamed } from '../support/specs';
import { Attempts } from '../activities/attempts';
import { attemptOf, dependencies, inputOf } from './support';

const MIB = 1024 * 1024;
const ROOT = noise(25 * MIB);
const NAME = 'stackato-v2.6.6';
const MARK = 'stackato-deploy/test/0123456789ab';
const PUBLISHED = { state: 'done', ours: true } as const;
const IDS = { kernelId: 'eki-00000001', ramdiskId: 'eri-00000002' };

describe('publishing an image', function () {
  this.timeout(60_000);
  let folder: string;
  let account: ImageCloud;
  let deps: Dependencies;
  let closed: boolean;
  let view: Partial<PublishView> | undefined;

  beforeEach(() => {
    folder = tempFolder();
    account = new ImageCloud();
    closed = true;
    view = undefined;
    const publisher = {
      describe: () => Promise.resolve(closed && view === undefined ? undefined : { open: !closed, view }),
      mark: () => Promise.resolve(MARK),
    } as unknown as Publisher;
    deps = dependencies({ ...account.dependencies(folder), publisher });
    writeImageFiles(folder, ROOT);
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  const imageOf = (kind: ImageKind, change: Partial<ImageSpec> = {}): ImageInput => ({
    cloud: specNamed('x').cloud,
    image: imageIn(folder, change),
    part: kind,
    poll: 10,
    deadline: 60_000,
    ...(kind === 'machine' ? IDS : {}),
  });
  const upload = (kind: ImageKind = 'machine', lines: string[] = []): Promise<Uploaded> =>
    uploadImage(deps, imageOf(kind), attemptOf(1, lines));
  const register = (kind: ImageKind = 'machine', attempt = 1): Promise<string> =>
    registerImage(deps, imageOf(kind), attemptOf(attempt));
  const assertWhole = (bytes = ROOT): void =>
    assert.equal(account.unbundled(folder, NAME), createHash('sha256').update(bytes).digest('hex'));

  it('6b: where names are free, an image whose registration was not answered is not registered again while that may still come', async () => {
    await upload('kernel');
    const asked: string[] = [];
    const late = (): CloudImage => ({
      id: 'eki-00000099',
      kind: 'kernel',
      name: `${NAME}-kernel`,
      location: `stackato-images/${NAME}-kernel.manifest.xml`,
      state: 'available',
    });
    deps = {
      ...deps,
      clouds: {
        ...deps.clouds,
        open: () =>
          Promise.resolve({
            ...account.cloud,
            registerImage: ({ name }) => {
              asked.push(name);
              return Promise.reject(new DeployError('CLOUD_UNREACHABLE', 'No answer.', undefined, true));
            },
          }),
      },
    };
    const attempts = new Attempts((attempt) => registerImage(deps, imageOf('kernel'), attempt));
    assert.equal((await attempts.next()).failure?.type, 'CLOUD_UNREACHABLE');
    assert.equal((await attempts.next()).failure?.type, 'NOT_YET');
    account.images.push(late());
    assert.equal((await attempts.next()).result, 'eki-00000099');
    assert.equal(asked.length, 1);
  });

  it('puts the parts side by side, the manifest last, and tells how far it is', async () => {
    const lines: string[] = [];
    const { sentParts, thereParts } = await upload('machine', lines);
    assert.deepEqual([sentParts, thereParts], [3, 0]);
    assert.deepEqual(
      [...account.stored.slice(0, 3)].sort(),
      ['00', '01', '02'].map((n) => `${NAME}.part.${n}`),
    );
    assert.equal(account.stored.at(-1), `${NAME}.manifest.xml`);
    assert.ok(account.mostInFlight <= 3, `${account.mostInFlight}`);
    assert.match(lines.at(-1) ?? '', /^machine: part 3 of 3 \(25\.\d MiB sent/);
    assertWhole();
  });

  it('sends nothing that is there, with what an earlier attempt left and without', async () => {
    await upload();
    const before = account.stored.length;
    assert.deepEqual(await upload(), { sentBytes: 0, sentParts: 0, thereParts: 3, ours: true });
    rmSync(join(folder, 'state'), { recursive: true });
    assert.deepEqual(await upload(), { sentBytes: 0, sentParts: 0, thereParts: 3, ours: true });
    assert.equal(account.stored.length, before);
  });

  it('tries a part again, but not one whose answer alone got lost', async () => {
    account.putFaults.push('CLOUD_ERROR', 'lost', 'CLOUD_THROTTLED');
    await upload();
    assert.equal(account.stored.length, 4, account.stored.join());
    assertWhole();
  });

  it('goes on where an attempt gave up, and shows no manifest until all is there', async () => {
    account.putFaults.push(undefined, undefined, 'CLOUD_REFUSED');
    await rejects(() => upload(), 'CLOUD_REFUSED');
    assert.equal(account.inFlight, 0, 'none is left under way');
    assert.ok(!account.objects.has(`stackato-images/${NAME}.manifest.xml`));
    const { sentParts, thereParts } = await upload();
    assert.deepEqual([sentParts, thereParts], [1, 2]);
    assertWhole();
  });

  it('takes away the manifest and the parts of another content', async () => {
    await upload();
    const other = noise(MIB);
    writeFileSync(join(folder, 'root.img'), other);
    await upload();
    assert.equal(account.removed[0], `${NAME}.manifest.xml`);
    assert.deepEqual([...account.objects.keys()].sort(), [
      `stackato-images/${NAME}.manifest.xml`,
      `stackato-images/${NAME}.part.00`,
    ]);
    assertWhole(other);
  });

  it('notices that what is registered is of another content, and touches nothing', async () => {
    await upload();
    await register();
    const same = Buffer.from(ROOT);
    same[MIB] = (same[MIB] ?? 0) ^ 1;
    writeFileSync(join(folder, 'root.img'), same);
    const before = [...account.stored];
    await rejects(() => upload(), 'IMAGE_NAME_TAKEN');
    await rejects(
      () => uploadImage(deps, { ...imageOf('machine'), kernelId: 'eki-99999999' }, attemptOf()),
      'IMAGE_NAME_TAKEN',
    );
    assert.deepEqual([account.stored, account.removed], [before, []]);
  });

  it('needs no file of an image that is registered and whole, and puts back a part that got lost', async () => {
    await upload();
    await register();
    rmSync(join(folder, 'root.img'));
    assert.equal((await upload()).sentBytes, 0);
    writeFileSync(join(folder, 'root.img'), ROOT);
    account.objects.delete(`stackato-images/${NAME}.part.01`);
    assert.equal((await upload()).sentParts, 1);
    assert.deepEqual(account.removed, []);
    assertWhole();
  });

  it('stops when it is told to, with no upload left under way', async () => {
    const stop = new AbortController();
    const attempt = {
      ...attemptOf(),
      signal: stop.signal,
      report: (line: string) => void (line.includes('part 1') && stop.abort(new Error('told to stop'))),
    };
    await assert.rejects(uploadImage(deps, imageOf('machine'), attempt), /told to stop/);
    assert.equal(account.inFlight, 0);
  });

  it('B11: gives a sign of life at every block that is read, compressed or sent, and leaves no journal', async () => {
    let signs = 0;
    const attempt = {
      ...attemptOf(),
      report: () => {
        signs += 1;
      },
    };
    const packed = join(folder, 'root.img.gz');
    writeFileSync(packed, gzipSync(ROOT, { level: 1 }));
    await uploadImage(deps, imageOf('machine', { root: { file: packed } }), attempt);
    // 25 blocks: unpacked for their size, read for the survey, compressed; and three parts and a manifest put.
    assert.ok(signs > 75, `${signs} signs`);
    const journals = join(folder, 'state', 'journals');
    assert.equal(readdirSync(journals).length, 1);
    await register();
    assert.deepEqual(readdirSync(journals), []);
  });

  it('registers once, whatever answers are lost, and finds it again', async () => {
    await upload();
    account.registerFaults.push('lost');
    await rejects(() => register(), 'CLOUD_UNREACHABLE');
    const id = await register('machine', 2);
    assert.equal(await register('machine', 3), id);
    assert.equal(account.images.length, 1);
  });

  it('does not take an image of the same name at another place for its own', async () => {
    account.images.push({
      id: 'emi-1',
      kind: 'machine',
      name: NAME,
      location: 'other/x.manifest.xml',
      state: 'available',
    });
    await rejects(() => upload(), 'IMAGE_NAME_TAKEN');
    await rejects(() => register(), 'IMAGE_NAME_TAKEN');
    await rejects(() => checkImage(deps, imageOf('machine')), 'IMAGE_NAME_TAKEN');
    account.images[0] = { ...account.images[0]!, state: 'gone' };
    await upload();
    assert.equal(await register(), 'emi-00000001');
  });

  it('waits for a pending image, and tells of one that failed', async () => {
    await upload();
    account.state = 'pending';
    await rejects(() => register(), 'IMAGE_NOT_AVAILABLE');
    account.images[0] = { ...account.images[0]!, state: 'available' };
    assert.equal(await register('machine', 2), 'emi-00000001');
    account.images.length = 0;
    account.state = 'failed';
    await rejects(() => register(), 'IMAGE_FAILED');
  });

  const BAD: readonly (readonly [string, ErrorCode, () => ImageInput | undefined])[] = [
    [
      'no kernel',
      'IMAGE_SOURCE_MISSING',
      () => {
        rmSync(join(folder, 'vmlinuz'));
        return undefined;
      },
    ],
    ['a folder for a root', 'IMAGE_SOURCE_UNREADABLE', () => imageOf('machine', { root: { file: folder } })],
    [
      'a root of a kind nobody can read',
      'IMAGE_FORMAT',
      () => imageOf('machine', { root: { file: join(folder, 'root.vdi') } }),
    ],
    ['a name of no image', 'IMAGE_PREFIX', () => imageOf('machine', { name: 'initrd-x' })],
    [
      'a short account',
      'IMAGE_ACCOUNT',
      () => imageOf('machine', { signing: { ...imageIn(folder).signing, account: '12345' } }),
    ],
    [
      'no certificate',
      'SECRET_MISSING',
      () => imageOf('machine', { signing: { ...imageIn(folder).signing, certificate: join(folder, 'none') } }),
    ],
    [
      'the key of another',
      'IMAGE_KEY_MISMATCH',
      () => {
        writeFileSync(join(folder, 'user-key.pem'), pair('stranger').key);
        return undefined;
      },
    ],
    [
      'no key',
      'IMAGE_KEY_UNREADABLE',
      () => {
        writeFileSync(join(folder, 'user-key.pem'), 'nothing');
        return undefined;
      },
    ],
    [
      "somebody else's bucket",
      'IMAGE_BUCKET_FOREIGN',
      () => {
        account.foreignBucket = true;
        return undefined;
      },
    ],
  ];
  for (const [what, code, spoil] of BAD) {
    it(`is refused before the first byte with ${what}`, async () => {
      const input = spoil() ?? imageOf('machine');
      await rejects(() => checkImage(deps, input), code);
      assert.equal(account.stored.length, 0);
    });
  }

  it('passes its checks with everything there', async () => {
    await checkImage(deps, imageOf('machine'));
  });

  it('is withdrawn only when nobody publishes it, all of it and nothing else', async () => {
    for (const part of ['kernel', 'ramdisk', 'machine'] as const) {
      await upload(part);
      await register(part);
    }
    account.objects.set('stackato-images/other.part.00', Buffer.from('x'));
    account.images.push({
      id: 'emi-other',
      kind: 'machine',
      name: 'other',
      location: 'stackato-images/other.manifest.xml',
      state: 'available',
    });
    const input = inputOf({ spec: specNamed('dev', { image: imageIn(folder) }) });
    closed = false;
    await rejects(() => withdrawImage(deps, input, attemptOf()), 'NOT_YET');
    closed = true;
    view = { parts: { kernel: PUBLISHED, ramdisk: PUBLISHED, machine: PUBLISHED } };
    assert.equal((await withdrawImage(deps, input, attemptOf())).changed, true);
    assert.equal((await withdrawImage(deps, input, attemptOf())).changed, false);
    assert.deepEqual(
      [[...account.objects.keys()], account.images.map(({ id }) => id)],
      [['stackato-images/other.part.00'], ['emi-other']],
    );
  });
});
