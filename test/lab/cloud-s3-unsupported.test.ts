/**
 * The lab's S3 refuses what it does not simulate: it never returns the object for its ACL, or stores the headers of a
 * copy as an object.
 */

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  CopyObjectCommand,
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  GetBucketVersioningCommand,
  GetObjectAclCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  PutObjectAclCommand,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import type { Clouds } from '../../lab/cloud';
import type { Kind } from '../../lab/types';
import { callS3 } from './s3-support';
import type { StoreReply, StoreRequest } from './s3-support';
import { codeOf, fakeMachineFactory, startClouds } from './support';

const ACL = { 'x-amz-acl': 'aws-exec-read' };

describe("lab: what the clouds' S3 does not simulate", function () {
  this.timeout(60_000);
  const dir = mkdtempSync(join(tmpdir(), 'lab-store-'));
  let clouds: Clouds;
  let stop: () => Promise<void>;

  before(async () => {
    ({ clouds, stop } = await startClouds(dir, fakeMachineFactory(), 1, true));
  });

  after(async () => {
    await stop();
    rmSync(dir, { recursive: true, force: true });
  });

  const call = (kind: Kind, method: string, path: string, request?: StoreRequest): Promise<StoreReply> =>
    callS3(clouds.access(kind), method, path, request);
  const outcome = async (reply: Promise<StoreReply>): Promise<string> =>
    reply.then(({ status, code }) => `${status} ${code}`.trim());

  function sdk(kind: Kind): S3Client {
    const { storage, accessKey, secretKey } = clouds.access(kind);
    return new S3Client({
      endpoint: storage,
      region: 'us-east-1',
      forcePathStyle: true,
      maxAttempts: 1,
      credentials: { accessKeyId: accessKey, secretAccessKey: secretKey },
    });
  }

  describe('E17: parameters and headers that change the operation', () => {
    const kind = 'eucalyptus-4.4';
    const body = Buffer.from('0123456789');
    const objects = (): unknown =>
      clouds
        .store(kind)
        .buckets.objects()
        .filter(({ bucket }) => bucket === 'subs');
    before(async () => {
      await call(kind, 'PUT', '/subs');
      await call(kind, 'PUT', '/subs/a', { body, headers: ACL });
    });

    const names = [
      'acl',
      'acl=',
      'torrent',
      'tagging',
      'uploads',
      'uploadId=1&partNumber=1',
      'versionId=1',
      'retention',
      'legal-hold',
      'attributes',
      'response-content-type=a',
      'anything',
    ];
    for (const query of names) {
      it(`E17: ?${query} of an object is 501, and the object does not change`, async () => {
        const there = objects();
        for (const method of ['GET', 'HEAD', 'PUT', 'DELETE', 'POST']) {
          const reply = await call(
            kind,
            method,
            `/subs/a?${query}`,
            method === 'PUT' ? { body: Buffer.from('<AccessControlPolicy/>') } : {},
          );
          assert.deepEqual([reply.status, reply.code], [501, method === 'HEAD' ? '' : 'NotImplemented'], method);
          assert.ok(!reply.body.includes('0123456789'));
        }
        assert.deepEqual(objects(), there);
      });
    }

    it('E17: sub-resources of a bucket or of the service are 501, and the bucket does not change', async () => {
      const there = objects();
      for (const query of [
        'acl',
        'versioning',
        'location',
        'uploads',
        'policy',
        'logging',
        'versions',
        'lifecycle',
        'cors',
        'website',
        'list-type=2',
        'delimiter=/',
        'delete',
      ]) {
        for (const method of ['GET', 'HEAD', 'PUT', 'DELETE', 'POST'])
          assert.equal((await call(kind, method, `/subs?${query}`)).status, 501, `${method} ${query}`);
      }
      assert.equal((await call(kind, 'GET', '/?anything')).status, 501);
      assert.deepEqual(objects(), there);
    });

    it('E17: a copy, a condition, a grant and the like are 501, and nothing is stored', async () => {
      const there = objects();
      const headers = {
        'x-amz-copy-source': '/subs/a',
        'x-amz-grant-read': 'id=1',
        'x-amz-server-side-encryption': 'AES256',
        'x-amz-tagging': 'a=b',
        'if-none-match': '*',
        'if-match': '"0"',
      };
      for (const [name, value] of Object.entries(headers)) {
        for (const key of ['a', 'b'])
          assert.equal(
            await outcome(
              call(kind, 'PUT', `/subs/${key}`, { body: Buffer.from('other'), headers: { [name]: value } }),
            ),
            '501 NotImplemented',
            name,
          );
      }
      assert.deepEqual(objects(), there);
    });

    it("E17: with AWS' SDK, each is refused, and a range works", async () => {
      for (const each of ['eucalyptus-4.4', 'aws'] as const) {
        const client = sdk(each);
        await client.send(new CreateBucketCommand({ Bucket: 'sdks' }));
        await client.send(new PutObjectCommand({ Bucket: 'sdks', Key: 'a', Body: body }));
        const refused = [
          () => client.send(new GetObjectAclCommand({ Bucket: 'sdks', Key: 'a' })),
          () => client.send(new PutObjectAclCommand({ Bucket: 'sdks', Key: 'a', ACL: 'public-read' })),
          () => client.send(new CopyObjectCommand({ Bucket: 'sdks', Key: 'b', CopySource: '/sdks/a' })),
          () => client.send(new GetBucketVersioningCommand({ Bucket: 'sdks' })),
          () => client.send(new CreateMultipartUploadCommand({ Bucket: 'sdks', Key: 'a' })),
          () => client.send(new ListObjectsV2Command({ Bucket: 'sdks' })),
        ];
        for (const [index, send] of refused.entries())
          assert.equal(await codeOf(send()), 'NotImplemented', String(index));
        const ranges = [
          ['bytes=2-4', '234'],
          ['bytes=7-', '789'],
          ['bytes=-3', '789'],
          ['bytes=8-99', '89'],
          ['bytes=-99', '0123456789'],
        ] as const;
        for (const [Range, expected] of ranges) {
          const { Body, ContentRange, $metadata } = await client.send(
            new GetObjectCommand({ Bucket: 'sdks', Key: 'a', Range }),
          );
          const start = 10 - expected.length;
          assert.deepEqual([await Body?.transformToString(), $metadata.httpStatusCode], [expected, 206]);
          assert.equal(ContentRange, Range === 'bytes=2-4' ? 'bytes 2-4/10' : `bytes ${start}-9/10`);
        }
        for (const [Range, code] of [
          ['bytes=10-', 'InvalidRange'],
          ['bytes=0-1,3-4', 'NotImplemented'],
          ['lines=1-2', 'NotImplemented'],
        ] as const) {
          assert.equal(
            await codeOf(client.send(new GetObjectCommand({ Bucket: 'sdks', Key: 'a', Range }))),
            code,
            Range,
          );
        }
        assert.deepEqual(
          clouds
            .store(each)
            .buckets.objects()
            .filter(({ bucket }) => bucket === 'sdks')
            .map(({ key, size }) => [key, size]),
          [['a', 10]],
        );
      }
    });
  });
});
