/** Every method of the object store on every kind of cloud, against the lab's S3, which verifies signatures and digests and cuts connections. */

import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { ObjectStore } from '../../src/steps/ports';
import { createClouds } from '../../src/cloud';
import { md5Of } from '../../src/cloud/objects';
import { s3EndpointOf } from '../../src/cloud/endpoints';
import { KINDS } from '../../lab/types';
import type { Fault } from '../../lab/types';
import { CloudFixture } from './fixture';
import { codeOf, failureOf, openStore, secretsOf, specOf } from './support';

const md5 = (body: Buffer): string => createHash('md5').update(body).digest('hex');

describe('cloud stores', function () {
  this.timeout(60_000);
  const fixture = new CloudFixture();
  fixture.install();
  let buckets = 0;

  for (const kind of KINDS) {
    describe(kind, () => {
      let store: ObjectStore;
      let bucket: string;

      beforeEach(async () => {
        bucket = `images-${++buckets}`;
        store = await openStore(fixture.lab.access(kind));
      });

      const put = (key: string, body: Buffer): Promise<void> => store.put(bucket, key, body, md5(body));
      const fault = (action: string, what: Fault['what']): void =>
        fixture.lab.faults.add({ kind, action, what, times: 1 });
      const held = (): unknown =>
        fixture.lab
          .store(kind)
          .buckets.objects()
          .filter((object) => object.bucket === bucket)
          .map(({ key, size }) => [key, size]);

      it('makes a bucket once, and takes none that belongs to another', async () => {
        await store.ensureBucket(bucket);
        await put('a', Buffer.from('a'));
        await store.ensureBucket(bucket);
        assert.deepEqual(held(), [['a', 1]]);
        const failure = await failureOf(store.ensureBucket(fixture.lab.access(kind).foreignBucket));
        assert.equal(failure.code, 'IMAGE_BUCKET_FOREIGN');
        assert.equal(
          await codeOf(store.put(fixture.lab.access(kind).foreignBucket, 'a', Buffer.from('a'), md5(Buffer.from('a')))),
          'CLOUD_PERMISSION',
        );
      });

      it('asks a bucket by HEAD where the release knows that, and never otherwise', async () => {
        await store.ensureBucket(bucket);
        const calls = fixture.lab
          .store(kind)
          .calls.filter((call) => call.bucket === bucket)
          .map(({ action, status }) => `${action} ${status}`);
        assert.deepEqual(
          calls,
          kind === 'eucalyptus-3.2' ? ['CreateBucket 200'] : ['HeadBucket 404', 'CreateBucket 200'],
        );
      });

      it('A3: keeps the mark of who put an object there, and tells how far it is', async () => {
        await store.ensureBucket(bucket);
        const body = randomBytes(1_000_000);
        let moved = 0;
        await store.put(bucket, 'marked', body, md5(body), {
          owner: 'stackato-deploy/default/0123456789ab',
          onProgress: () => {
            moved += 1;
          },
        });
        await put('unmarked', body);
        assert.deepEqual(
          [(await store.head(bucket, 'marked'))?.owner, (await store.head(bucket, 'unmarked'))?.owner],
          ['stackato-deploy/default/0123456789ab', undefined],
        );
        assert.equal(moved, 16);
        await put('marked', body);
        assert.equal((await store.head(bucket, 'marked'))?.owner, undefined, 'it goes with the object');
      });

      it('stores, finds, gives back, lists and removes an object', async () => {
        await store.ensureBucket(bucket);
        const body = randomBytes(3_000_000);
        await put('image.part.00', body);
        const facts = { key: 'image.part.00', size: body.length, md5: md5(body) };
        assert.deepEqual(await store.head(bucket, 'image.part.00'), facts);
        assert.deepEqual(await store.get(bucket, 'image.part.00'), body);
        await put('image.part.01', Buffer.alloc(0));
        await put('other', Buffer.from('x'));
        assert.deepEqual(await store.list(bucket, 'image.'), [
          facts,
          { key: 'image.part.01', size: 0, md5: md5(Buffer.alloc(0)) },
        ]);
        const [object] = fixture.lab
          .store(kind)
          .buckets.objects()
          .filter((each) => each.bucket === bucket);
        assert.equal(object?.acl, 'aws-exec-read');
        for (const key of ['image.part.00', 'image.part.00', 'image.part.01', 'other']) await store.remove(bucket, key);
        assert.deepEqual([await store.head(bucket, 'image.part.00'), await store.list(bucket, '')], [undefined, []]);
      });

      it('finds nothing in a bucket that is not there', async () => {
        assert.deepEqual([await store.head(bucket, 'a'), await store.list(bucket, '')], [undefined, []]);
        assert.equal(await codeOf(put('a', Buffer.from('a'))), 'CLOUD_REFUSED');
        assert.equal(await codeOf(store.get(bucket, 'a')), 'CLOUD_REFUSED');
      });

      it('lists more than a page', async () => {
        await store.ensureBucket(bucket);
        const keys = Array.from({ length: 1_005 }, (_, i) => `part.${String(i).padStart(4, '0')}`);
        for (let i = 0; i < keys.length; i += 50)
          await Promise.all(keys.slice(i, i + 50).map((key) => put(key, Buffer.from(key))));
        assert.deepEqual(
          (await store.list(bucket, 'part.')).map(({ key }) => key),
          keys,
        );
      });

      it('has what arrived with other bytes refused', async () => {
        await store.ensureBucket(bucket);
        assert.equal(await codeOf(store.put(bucket, 'a', Buffer.from('a'), md5(Buffer.from('b')))), 'CLOUD_ERROR');
        assert.deepEqual(held(), []);
      });

      it('says in our words what S3 says in its own, and no secret', async () => {
        await store.ensureBucket(bucket);
        const big = randomBytes(9_000_000);
        fault('PutObject', 'throttle');
        assert.equal(await codeOf(put('a', big)), 'CLOUD_THROTTLED');
        fault('PutObject', 'error');
        assert.equal(await codeOf(put('a', big)), 'CLOUD_ERROR');
        fault('HeadObject', 'error');
        assert.equal(await codeOf(store.head(bucket, 'a')), 'CLOUD_ERROR');
        const wrong = await failureOf(
          (await openStore({ ...fixture.lab.access(kind), secretKey: 'wrong-secret' })).put(bucket, 'a', big, md5(big)),
        );
        assert.equal(wrong.code, 'CLOUD_CREDENTIALS');
        assert.doesNotMatch(wrong.message, /wrong-secret/);
        assert.equal(
          await codeOf((await openStore({ ...fixture.lab.access(kind), accessKey: 'NOBODY' })).list(bucket, '')),
          'CLOUD_CREDENTIALS',
        );
        assert.deepEqual(held(), []);
      });

      it('notices a connection that is cut, on the way there and on the way back', async () => {
        await store.ensureBucket(bucket);
        const big = randomBytes(9_000_000);
        fault('PutObject', 'reset');
        assert.equal(await codeOf(put('a', big)), 'CLOUD_UNREACHABLE');
        assert.deepEqual(held(), []);
        for (const what of ['lost', 'truncated'] as const) {
          fault('PutObject', what);
          assert.equal(await codeOf(put(what, big)), 'CLOUD_UNREACHABLE');
        }
        assert.deepEqual(held(), [
          ['lost', big.length],
          ['truncated', big.length],
        ]);
        for (const what of ['lost', 'truncated', 'reset'] as const) {
          fault('GetObject', what);
          assert.equal(await codeOf(store.get(bucket, 'lost')), 'CLOUD_UNREACHABLE', what);
          fault('HeadObject', what);
          assert.equal(await codeOf(store.head(bucket, 'lost')), 'CLOUD_UNREACHABLE', what);
          fault('ListObjects', what);
          assert.equal(await codeOf(store.list(bucket, '')), 'CLOUD_UNREACHABLE', what);
        }
      });
    });
  }

  it('need to be told where they are, but for aws', async () => {
    const { storage: _, ...spec } = specOf(fixture.lab.access('eucalyptus-4.4'));
    const failure = await failureOf(createClouds(secretsOf()).store(spec));
    assert.deepEqual([failure.code, /cloud\.storage/.test(failure.message)], ['IMAGE_CONFIGURATION', true]);
    assert.equal(s3EndpointOf({ kind: 'aws', region: 'eu-west-1' }), 'https://s3.eu-west-1.amazonaws.com');
  });

  it('say that what is no S3 is none, and where nothing listens', async () => {
    const access = fixture.lab.access('eucalyptus-4.4');
    const server = createServer((_request, response) => response.writeHead(405).end('<html>No</html>')).listen(
      0,
      '127.0.0.1',
    );
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const page = await failureOf(
      (await openStore({ ...access, storage: `http://127.0.0.1:${port}/` })).get('images-0', 'a'),
    );
    server.close();
    assert.deepEqual(
      [page.code, /cloud\.storage does not speak S3/.test(page.message)],
      ['CLOUD_UNREACHABLE', true],
      page.message,
    );
    const nobody = await failureOf(
      (await openStore({ ...access, storage: 'http://127.0.0.1:9/' })).head('images-0', 'a'),
    );
    assert.deepEqual(
      [nobody.code, nobody.message],
      ['CLOUD_UNREACHABLE', '127.0.0.1:9 does not answer HeadObject: connect ECONNREFUSED 127.0.0.1:9.'],
    );
  });
});

describe('ETags', () => {
  it('are MD5s with and without quotes, or none', () => {
    const hex = 'd41d8cd98f00b204e9800998ecf8427e';
    assert.deepEqual(
      [md5Of(hex), md5Of(`"${hex}"`), md5Of(`"${hex}-3"`), md5Of(undefined)],
      [hex, hex, undefined, undefined],
    );
  });
});
