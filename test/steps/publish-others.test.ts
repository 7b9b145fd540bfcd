/** What others have in the account and in the bucket, and what becomes of it while an image is published and withdrawn: nothing. */

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Dependencies, Publisher } from '../../src/steps/dependencies';
import type { CloudImage } from '../../src/steps/ports';
import { registerImage } from '../../src/steps/publishing/register-image';
import { uploadImage } from '../../src/steps/publishing/upload-image';
import { withdrawImage } from '../../src/steps/publishing/withdraw-image';
import type { ImageInput, StepOutcome, Uploaded } from '../../src/deployment/activities';
import { isPartName } from '../../src/image';
import { IMAGE_KINDS } from '../../src/deployment/spec';
import type { PublishProgress, PublishView } from '../../src/deployment/messages';
import type { ImageKind, ImageSpec } from '../../src/deployment/spec';
import type { Known } from '../../src/deployment/facts';
import { noise, rejects, tempFolder } from '../image/support';
import { ImageCloud, writeImageFiles } from '../support/image-cloud';
import { imageIn, specNamed } from '../support/specs';
import { attemptOf, dependencies, inputOf } from './support';

const MIB = 1024 * 1024;
/** Two parts. */
const ROOT = noise(11 * MIB);
const NAME = 'stackato-v2.6.6';
const BUCKET = 'stackato-images';
const MANIFEST = `${BUCKET}/${NAME}.manifest.xml`;
const MARK = 'stackato-deploy/test/0123456789ab';

describe("others' images", function () {
  this.timeout(60_000);
  let folder: string;
  let account: ImageCloud;
  /** As the newest run of publishImage left it; undefined: there was none. */
  let view: Pick<PublishView, 'parts' | 'error'> | undefined;

  beforeEach(() => {
    folder = tempFolder();
    account = new ImageCloud();
    writeImageFiles(folder, ROOT);
    view = undefined;
    delete ids.kernelId;
    delete ids.ramdiskId;
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  const deps = (mark = MARK): Dependencies => {
    const publisher = {
      describe: () => Promise.resolve(view && { open: false, view }),
      mark: () => Promise.resolve(mark),
    } as unknown as Publisher;
    return dependencies({ ...account.dependencies(folder), publisher });
  };
  const ids: Partial<Record<'kernelId' | 'ramdiskId', string>> = {};
  const imageOf = (kind: ImageKind, change: Partial<ImageSpec> = {}): ImageInput => ({
    cloud: specNamed('x').cloud,
    image: imageIn(folder, change),
    part: kind,
    poll: 10,
    deadline: 60_000,
    ...(kind === 'machine' ? ids : {}),
  });
  const upload = (mark?: string): Promise<Uploaded> => uploadImage(deps(mark), imageOf('machine'), attemptOf());
  const register = (kind: ImageKind = 'machine', mark?: string): Promise<string> =>
    registerImage(deps(mark), imageOf(kind), attemptOf());

  /** All three, as one run of publishImage does it, and what that leaves in its memo. */
  const publish = async (mark?: string): Promise<void> => {
    const parts = {
      kernel: { state: 'waiting' },
      ramdisk: { state: 'waiting' },
      machine: { state: 'waiting' },
    } as Record<ImageKind, PublishProgress>;
    view = { parts };
    for (const kind of IMAGE_KINDS) {
      parts[kind] = { state: 'running' };
      const { ours } = await uploadImage(deps(mark), imageOf(kind), attemptOf());
      if (ours) parts[kind].ours = true;
      const id = await register(kind, mark);
      parts[kind] = { ...parts[kind], state: 'done', id };
      if (kind !== 'machine') ids[`${kind}Id`] = id;
    }
  };
  const withdraw = (known: Known = {}, mark?: string): Promise<StepOutcome> =>
    withdrawImage(deps(mark), inputOf({ spec: specNamed('dev', { image: imageIn(folder) }), known }), attemptOf());
  const standing = (): unknown => [
    account.images.map((image) => ({ ...image })),
    [...account.objects].map(([key, bytes]) => [key, createHash('md5').update(bytes).digest('hex')]).sort(),
  ];
  const unchanged = async (work: () => Promise<unknown>): Promise<void> => {
    const before = standing();
    await work();
    assert.deepEqual(standing(), before);
  };
  const known = (): Known => ({ image: { id: 'x', kernelId: 'x', ramdiskId: 'x' } });

  describe('A3: withdrawing', () => {
    it('A3: takes what was published from here, all of it, by the mark of each image and each object', async () => {
      await publish();
      assert.deepEqual(
        account.images.map(({ description }) => description),
        IMAGE_KINDS.map((kind) => `${kind} of ${kind === 'machine' ? NAME : `${NAME}-${kind}`}, by ${MARK}`),
      );
      assert.deepEqual(new Set(account.owners.values()), new Set([MARK]));
      assert.equal(account.owners.size, account.objects.size);
      const { changed, left } = await withdraw();
      assert.deepEqual([changed, left, account.images, account.objects.size], [true, undefined, [], 0]);
    });

    it('A3: leaves an image of the same content that somebody else registered, and says so', async () => {
      await publish();
      account.images.forEach((image, i) => {
        account.images[i] = { ...image, description: 'by hand' };
      });
      account.owners.clear();
      await publish();
      assert.ok(IMAGE_KINDS.every((kind) => view?.parts[kind].ours === undefined));
      await unchanged(async () => {
        const { changed, left } = await withdraw(known());
        assert.equal(changed, false);
        for (const { id } of account.images) assert.ok(left?.includes(id), left);
      });
    });

    it('A3: leaves what another namespace published, which bears another mark', async () => {
      await publish('stackato-deploy/other/ffffffffffff');
      await unchanged(async () =>
        assert.match((await withdraw(known())).left ?? '', /its description does not have the mark stackato-deploy/),
      );
    });

    it('A3: leaves what it does not remember, and everything right after IMAGE_NAME_TAKEN', async () => {
      await publish();
      view = undefined;
      await unchanged(async () => assert.match((await withdraw()).left ?? '', /does not remember publishing it/));
      // Another deployment of this namespace brought another content under the same name.
      writeFileSync(join(folder, 'root.img'), noise(MIB));
      await rejects(() => publish(), 'IMAGE_NAME_TAKEN');
      view = { ...view!, error: { code: 'IMAGE_NAME_TAKEN', message: '' } };
      await unchanged(async () =>
        assert.match((await withdraw(known())).left ?? '', /emi-.*does not remember publishing it.*needs it/),
      );
    });

    it('A3: takes what an attempt left that was never registered, and no object of others beside it', async () => {
      account.putFaults.push(undefined, 'CLOUD_REFUSED');
      view = { parts: { kernel: { state: 'running' }, ramdisk: { state: 'waiting' }, machine: { state: 'waiting' } } };
      await rejects(() => upload(), 'CLOUD_REFUSED');
      assert.notEqual(account.objects.size, 0);
      for (const name of [
        'part.notes.txt',
        'part.0',
        'part.00.bak',
        'part.01x',
        'part.007',
        'manifest.xml.old',
        'x.part.00',
      ])
        account.objects.set(`${BUCKET}/${NAME}.${name}`, Buffer.from(name));
      const others = account.objects.size - 1;
      assert.deepEqual([(await withdraw()).changed, account.objects.size], [true, others]);
    });

    it('A3: takes both of two that a lost answer made on 3.2, and leaves a kernel that another image needs', async () => {
      await publish();
      const twin: CloudImage = { ...account.images.at(-1)!, id: 'emi-twin' };
      account.images.push(twin, {
        id: 'emi-theirs',
        kind: 'machine',
        name: 'theirs',
        location: 'theirs/x.manifest.xml',
        state: 'available',
        kernelId: ids.kernelId!,
      });
      const { changed, left } = await withdraw();
      assert.deepEqual([changed, account.images.map(({ id }) => id)], [true, [ids.kernelId, 'emi-theirs']]);
      assert.match(left ?? '', /emi-theirs needs it/);
      assert.deepEqual([...account.objects.keys()].sort(), [
        `${BUCKET}/${NAME}-kernel.manifest.xml`,
        `${BUCKET}/${NAME}-kernel.part.00`,
      ]);
    });
  });

  describe('A4: publishing', () => {
    const SPOILT: readonly (readonly [string, () => void])[] = [
      ['missing', () => account.objects.delete(MANIFEST)],
      ['cut off', () => account.objects.set(MANIFEST, account.objects.get(MANIFEST)!.subarray(0, 700))],
      ['not one', () => account.objects.set(MANIFEST, Buffer.from('notes'))],
      ['endless', () => account.objects.set(MANIFEST, Buffer.alloc(6 * MIB))],
    ];
    for (const [what, spoil] of SPOILT) {
      it(`A4: replaces nothing of a registered image whose manifest is ${what}, and does not take it for published`, async () => {
        await upload();
        await register();
        spoil();
        await unchanged(() => rejects(() => upload(), 'IMAGE_NAME_TAKEN'));
      });
    }

    const HOLDERS: readonly (readonly [string, Partial<CloudImage>, boolean])[] = [
      ['under another name', { name: 'theirs' }, false],
      ['under no name', {}, false],
      ['by another account', { name: NAME }, true],
      ['as a kernel', { name: NAME, kind: 'kernel' }, false],
    ];
    for (const [what, change, foreign] of HOLDERS) {
      it(`A4: takes no place that an image is registered from ${what}`, async () => {
        await upload();
        const location = `${BUCKET}/${NAME}.manifest.xml`;
        account.images.push({ id: 'emi-theirs', kind: 'machine', location, state: 'available', ...change });
        if (foreign) account.foreign.add('emi-theirs');
        writeFileSync(join(folder, 'root.img'), noise(MIB));
        await unchanged(() => rejects(() => upload(), 'IMAGE_NAME_TAKEN'));
      });
    }

    it('A4: shares a place with an image of another name once the content is proved the same, and writes nothing there', async () => {
      await upload();
      account.images.push({
        id: 'emi-theirs',
        kind: 'machine',
        name: 'theirs',
        location: MANIFEST,
        state: 'available',
      });
      const stored = account.stored.length;
      assert.deepEqual(await upload(), { sentBytes: 0, sentParts: 0, thereParts: 2, ours: true });
      await register();
      view = {
        parts: { kernel: { state: 'waiting' }, ramdisk: { state: 'waiting' }, machine: { state: 'done', ours: true } },
      };
      const objects = account.objects.size;
      const { changed, left } = await withdraw();
      assert.deepEqual(
        [changed, account.images.map(({ id }) => id), account.objects.size, account.stored.length],
        [true, ['emi-theirs'], objects, stored],
      );
      assert.match(left ?? '', /emi-theirs is registered from there/);
    });

    it('A4: compares an image of others with the file, which it needs for that', async () => {
      await upload();
      await register();
      account.images[0] = { ...account.images[0]!, description: 'theirs' };
      rmSync(join(folder, 'root.img'));
      await rejects(() => upload(), 'IMAGE_SOURCE_MISSING');
    });

    it('A4: puts lost and damaged parts of a registered image back as they were, and touches its manifest never', async () => {
      await upload();
      await register();
      const before = new Map(account.objects);
      account.objects.delete(`${BUCKET}/${NAME}.part.01`);
      account.objects.set(`${BUCKET}/${NAME}.part.00`, Buffer.from('damaged'));
      account.stored.length = 0;
      assert.equal((await upload()).sentParts, 2);
      assert.deepEqual(
        [account.stored.sort(), account.removed, new Map([...account.objects].sort())],
        [[`${NAME}.part.00`, `${NAME}.part.01`], [], new Map([...before].sort())],
      );
    });

    it('A4: does not mix its parts into a bundle that was made with another key', async () => {
      await upload();
      await register();
      account.objects.delete(`${BUCKET}/${NAME}.part.01`);
      const manifest = account.objects
        .get(MANIFEST)!
        .toString()
        .replace(/(<filename>[^<]*<\/filename><digest algorithm="SHA1">)[0-9a-f]{40}/g, `$1${'ab'.repeat(20)}`);
      account.objects.set(MANIFEST, Buffer.from(manifest));
      await unchanged(() => rejects(() => upload(), 'IMAGE_NAME_TAKEN'));
    });

    it('A4: overwrites and deletes no object that it did not put there, registered or not', async () => {
      const key = (name: string): string => `${BUCKET}/${NAME}.${name}`;
      const theirs = ['part.notes.txt', 'part.0', 'part.99', 'part.00.bak'];
      for (const name of theirs) account.objects.set(key(name), Buffer.from(name));
      await upload();
      writeFileSync(join(folder, 'root.img'), noise(MIB));
      await upload();
      for (const name of theirs) assert.equal(account.objects.get(key(name))?.toString(), name);
      assert.ok(!account.objects.has(key('part.01')), 'but its own of another content');
      for (const name of ['part.00', 'manifest.xml']) {
        account.owners.clear();
        account.objects.clear();
        account.objects.set(key(name), Buffer.from('theirs'));
        await rejects(() => upload(), 'IMAGE_NAME_TAKEN');
        assert.equal(account.objects.get(key(name))?.toString(), 'theirs');
      }
    });

    it('A4: knows the names of parts from those that begin like them', () => {
      const names = [
        'x.part.00',
        'x.part.09',
        'x.part.100',
        'x.part.0',
        'x.part.007',
        'x.part.',
        'x.part.1a',
        'x.part.00.part.00',
        'x.part.-1',
        'x.part.1.manifest.xml',
        'x.part.0 0',
      ];
      assert.deepEqual(
        names.filter((name) => isPartName('x', name)),
        ['x.part.00', 'x.part.09', 'x.part.100'],
      );
      assert.equal(isPartName('x', 'x.part.00.part.00'), false);
      assert.equal(isPartName('x.part.00', 'x.part.00.part.00'), true);
    });

    it('A4: notices that the place was taken while it uploaded', async () => {
      const stolen: CloudImage = {
        id: 'emi-theirs',
        kind: 'machine',
        name: 'theirs',
        location: MANIFEST,
        state: 'available',
      };
      const { store, ...rest } = { store: account.store, ...deps() };
      const put: typeof store.put = (...args) => {
        account.images.push(stolen);
        return account.store.put(...args);
      };
      const watched = { ...rest, clouds: { ...rest.clouds, store: () => Promise.resolve({ ...store, put }) } };
      await rejects(() => uploadImage(watched, imageOf('machine'), attemptOf()), 'NOT_YET');
      assert.ok(!account.objects.has(MANIFEST));
    });
  });
});
