/** Images on every kind of cloud: bundles made by src/image are uploaded and registered, and the lab unbundles them with its own code. */

import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Cloud, CloudImage, ObjectStore, RegisterRequest } from '../../src/steps/ports';
import { imageOf } from '../../src/cloud/images';
import { openBundle, openFile, readIdentity } from '../../src/image';
import type { BundleFacts } from '../../src/image';
import { KINDS } from '../../lab/types';
import type { Kind } from '../../lab/types';
import { eventually } from '../support/wait';
import { CloudFixture } from './fixture';
import { codeOf, failureOf, openCloud, openStore } from './support';

const BUCKET = 'images';
const hash = (algorithm: string, body: Buffer): string => createHash(algorithm).update(body).digest('hex');

describe('cloud images', function () {
  this.timeout(60_000);
  const fixture = new CloudFixture();
  fixture.install(true);
  const dir = mkdtempSync(join(tmpdir(), 'images-'));
  let names = 0;
  after(() => rmSync(dir, { recursive: true, force: true }));

  /** Bundles and uploads. @returns what to register */
  async function uploaded(
    store: ObjectStore,
    cloudKind: Kind,
    kind: CloudImage['kind'],
    body: Buffer,
    facts: Partial<BundleFacts> = {},
  ): Promise<RegisterRequest> {
    const { signing } = fixture.lab.access(cloudKind);
    const pem = (path: string): string => readFileSync(path, 'utf8');
    const identity = readIdentity({
      privateKey: pem(signing.privateKey),
      certificate: pem(signing.certificate),
      cloudCertificate: pem(signing.cloudCertificate),
    });
    const prefix = `${kind}-${++names}`;
    const path = join(dir, prefix);
    writeFileSync(path, body);
    const source = await openFile({ path });
    try {
      const bundle = await openBundle({
        source,
        identity,
        facts: { prefix, kind, architecture: 'x86_64', account: signing.account, ...facts },
      });
      await store.ensureBucket(BUCKET);
      for await (const { name, md5, bytes } of bundle.parts())
        await store.put(BUCKET, name, bytes ?? Buffer.alloc(0), md5);
      const manifest = Buffer.from(bundle.manifest());
      await store.put(BUCKET, bundle.manifestName, manifest, hash('md5', manifest));
      return {
        kind,
        name: prefix,
        location: `${BUCKET}/${bundle.manifestName}`,
        description: 'a test',
        architecture: 'x86_64',
      };
    } finally {
      await source.close();
    }
  }

  const bothIds = (kernelId: string, ramdiskId: string): { kernelId: string; ramdiskId: string } => ({
    kernelId,
    ramdiskId,
  });

  for (const kind of KINDS) {
    describe(kind, () => {
      let cloud: Cloud;
      let store: ObjectStore;
      const namesAreUnique = kind !== 'eucalyptus-3.2';

      before(async () => {
        [cloud, store] = await Promise.all([openCloud(fixture.lab.access(kind)), openStore(fixture.lab.access(kind))]);
      });

      const ours = async (name: string): Promise<readonly CloudImage[]> =>
        (await cloud.ownImages()).filter((image) => image.name === name);
      const available = (id: string): Promise<CloudImage> =>
        eventually(`${id} is available`, async () =>
          (await cloud.ownImages()).find((image) => image.id === id && image.state === 'available'),
        );
      const registered = async (imageKind: CloudImage['kind'], body: Buffer): Promise<string> =>
        cloud.registerImage(await uploaded(store, kind, imageKind, body));

      it('registers a kernel, a ramdisk and an image bound to both, which an instance starts from', async () => {
        const bodies = {
          kernel: randomBytes(4_000_000),
          ramdisk: Buffer.from('ramdisk'),
          machine: Buffer.concat([randomBytes(11_000_000), Buffer.alloc(5_000_000)]),
        };
        const ids = bothIds(await registered('kernel', bodies.kernel), await registered('ramdisk', bodies.ramdisk));
        const request = { ...(await uploaded(store, kind, 'machine', bodies.machine, ids)), ...ids };
        const id = await cloud.registerImage(request);
        const image = await available(id);
        assert.deepEqual([image.kind, image.name, image.location], ['machine', request.name, request.location]);
        const unbundled = await fixture.lab.front(kind).cloud.images.unbundled(id);
        assert.deepEqual(
          [unbundled.sha256, unbundled.size, unbundled.kernelId, unbundled.ramdiskId],
          [hash('sha256', bodies.machine), bodies.machine.length, ids.kernelId, ids.ramdiskId],
        );
        for (const part of ['kernel', 'ramdisk'] as const) {
          const made = await fixture.lab.front(kind).cloud.images.unbundled(ids[`${part}Id`]);
          assert.deepEqual([made.kind, made.sha256], [part, hash('sha256', bodies[part])]);
          assert.equal((await available(made.id)).kind, part);
        }
        const { id: instance } = await cloud.launch({
          ...fixture.request(kind, await fixture.madeGroup(cloud)),
          imageId: id,
        });
        await fixture.inState(cloud, instance, 'running');
        if (kind !== 'eucalyptus-3.2' && kind !== 'aws')
          assert.equal(await codeOf(cloud.deregisterImage(id)), 'NOT_YET');
      });

      it('A4: sees what is registered from a place under any name, and by whom it was published', async () => {
        const request = await uploaded(store, kind, 'kernel', Buffer.from('kernel'));
        const id = await cloud.registerImage({
          ...request,
          name: `${request.name}-theirs`,
          description: 'kernel of x, by stackato-deploy/default/0123456789ab',
        });
        assert.deepEqual(
          (await cloud.imagesAt(request.location)).map(({ id: its, name, description }) => [its, name, description]),
          [[id, `${request.name}-theirs`, 'kernel of x, by stackato-deploy/default/0123456789ab']],
        );
        assert.deepEqual(await cloud.imagesAt(`${request.location}x`), []);
        const [row] = fixture.lab.front(kind).cloud.images.all();
        assert.deepEqual(
          (await cloud.imagesAt(row?.location ?? '')).map(({ id: its }) => its),
          [row?.id],
          'of another account',
        );
      });

      it('adopts what is registered under the same name from the same place, and takes no name from another', async () => {
        const request = await uploaded(store, kind, 'kernel', Buffer.from('kernel'));
        const id = await cloud.registerImage(request);
        const again = await cloud.registerImage(request);
        assert.equal(again === id, namesAreUnique);
        assert.equal((await ours(request.name)).length, namesAreUnique ? 1 : 2);
        if (!namesAreUnique) return;
        const other = await uploaded(store, kind, 'kernel', Buffer.from('another'));
        const failure = await failureOf(cloud.registerImage({ ...other, name: request.name }));
        assert.equal(failure.code, 'IMAGE_NAME_TAKEN');
        assert.ok(failure.message.includes(id) && failure.message.includes(request.location), failure.message);
      });

      it('adopts the one whose registration was not answered', async () => {
        const request = await uploaded(store, kind, 'ramdisk', Buffer.from('ramdisk'));
        for (const what of ['lost', 'truncated', 'reset'] as const) {
          fixture.lab.faults.add({ kind, action: 'RegisterImage', what, times: 1 });
          assert.equal(await codeOf(cloud.registerImage(request)), 'CLOUD_UNREACHABLE', what);
          if (!namesAreUnique) break;
        }
        const [first, ...others] = await ours(request.name);
        assert.deepEqual(others, []);
        if (namesAreUnique) assert.equal(await cloud.registerImage(request), first?.id);
      });

      it('deregisters once and for all, and the name is free', async () => {
        const request = await uploaded(store, kind, 'kernel', Buffer.from('kernel'));
        const id = await cloud.registerImage(request);
        await cloud.deregisterImage(id);
        assert.deepEqual(
          (await ours(request.name)).filter(({ state }) => state !== 'gone'),
          [],
        );
        assert.equal(await cloud.imageExists(id), false);
        await cloud.deregisterImage(id);
        await cloud.deregisterImage('emi-00000000');
        assert.notEqual(await cloud.registerImage(request), id);
      });

      it('says what is wrong with a registration', async () => {
        const request = await uploaded(store, kind, 'kernel', Buffer.from('kernel'));
        const nowhere = await codeOf(cloud.registerImage({ ...request, location: `${BUCKET}/nothing.manifest.xml` }));
        assert.equal(nowhere, kind === 'eucalyptus-3.2' ? 'CLOUD_REFUSED' : 'IMAGE_ACCOUNT');
        if (namesAreUnique)
          assert.equal(await codeOf(cloud.registerImage({ ...request, name: 'a name with spaces' })), 'IMAGE_NAME');
        const machine = await uploaded(
          store,
          kind,
          'machine',
          Buffer.from('machine'),
          bothIds('eki-00000000', 'eri-00000000'),
        );
        assert.equal(
          await codeOf(cloud.registerImage({ ...machine, ...bothIds('eki-00000000', 'eri-00000000') })),
          'IMAGE_NOT_FOUND',
        );
        if (kind !== 'eucalyptus-3.2') return;
        const { foreignBucket } = fixture.lab.access(kind);
        assert.equal(
          await codeOf(cloud.registerImage({ ...request, location: `${foreignBucket}/a.manifest.xml` })),
          'IMAGE_BUCKET_FOREIGN',
        );
      });

      if (kind !== 'eucalyptus-3.2' && kind !== 'eucalyptus-3.4') {
        it('lets nobody register what names another account', async () => {
          const request = await uploaded(store, kind, 'kernel', Buffer.from('kernel'), { account: '999999999999' });
          assert.equal(await codeOf(cloud.registerImage(request)), 'IMAGE_ACCOUNT');
        });
      }
    });
  }
});

describe('cloud images without the right to kernels', function () {
  this.timeout(60_000);
  const fixture = new CloudFixture();
  fixture.install();

  for (const kind of KINDS.filter((each) => each !== 'aws')) {
    it(`${kind}: says that the account may not`, async () => {
      const store = await openStore(fixture.lab.access(kind));
      await store.ensureBucket(BUCKET);
      const machine =
        '<manifest><machine_configuration><architecture>x86_64</architecture><kernel_id>true</kernel_id></machine_configuration><image>' +
        `<name>k</name><user>${fixture.lab.access(kind).signing.account}</user><type>kernel</type><size>1</size></image></manifest>`;
      const manifest = Buffer.from(machine);
      await store.put(BUCKET, 'k.manifest.xml', manifest, hash('md5', manifest));
      const request: RegisterRequest = {
        kind: 'kernel',
        name: 'kernel',
        location: `${BUCKET}/k.manifest.xml`,
        description: '',
        architecture: 'x86_64',
      };
      const failure = await failureOf((await openCloud(fixture.lab.access(kind))).registerImage(request));
      assert.deepEqual(
        [failure.code, /Only administrators can register kernel images/.test(failure.message)],
        ['CLOUD_PERMISSION', true],
      );
      const { admin, ...access } = fixture.lab.access(kind);
      assert.match(await (await openCloud({ ...access, ...admin })).registerImage(request), /^eki-[0-9a-f]{8}$/);
    });
  }
});

describe('images in answers', () => {
  it('are pending until they are told to be otherwise, and machines if nothing else', () => {
    assert.deepEqual(imageOf({}), []);
    assert.deepEqual(imageOf({ ImageId: 'ami-1' }), [{ id: 'ami-1', kind: 'machine', location: '', state: 'pending' }]);
    const states = ['available', 'pending', 'transient', 'failed', 'error', 'deregistered', 'hidden'];
    assert.deepEqual(
      states.map((State) => imageOf({ ImageId: 'x', State: State as 'available' })[0]?.state),
      ['available', 'pending', 'pending', 'failed', 'failed', 'gone', 'gone'],
    );
    const [kernel] = imageOf({ ImageId: 'eki-1', ImageType: 'kernel', ImageLocation: '/b/k.manifest.xml', Name: 'k' });
    assert.deepEqual([kernel?.kind, kernel?.location, kernel?.name], ['kernel', 'b/k.manifest.xml', 'k']);
  });
});
