/** The lab's S3 and registration of images, with a signer, a client and bundles other than the product's. */

import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { DescribeImagesCommand, RegisterImageCommand, RunInstancesCommand } from '@aws-sdk/client-ec2';
import { CreateBucketCommand, HeadBucketCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import type { Clouds } from '../../lab/cloud';
import { KINDS } from '../../lab/types';
import type { Kind } from '../../lab/types';
import { callS3, md5Header, shellBundle } from './s3-support';
import type { BundleOptions, StoreReply, StoreRequest } from './s3-support';
import { callV2, codeOf, fakeMachineFactory, sdkOf, startClouds, texts, until } from './support';

const ACL = { 'x-amz-acl': 'aws-exec-read' };

describe("lab: the clouds' S3", function () {
  this.timeout(60_000);
  const dir = mkdtempSync(join(tmpdir(), 'lab-store-'));
  let clouds: Clouds;
  let stop: () => Promise<void>;

  before(async () => {
    ({ clouds, stop } = await startClouds(dir, fakeMachineFactory(), 4, true));
  });

  after(async () => {
    await stop();
    rmSync(dir, { recursive: true, force: true });
  });

  afterEach(() => clouds.faults.clear());

  const call = (kind: Kind, method: string, path: string, request?: StoreRequest): Promise<StoreReply> =>
    callS3(clouds.access(kind), method, path, request);
  const outcome = async (reply: Promise<StoreReply>): Promise<string> =>
    reply.then(({ status, code }) => `${status} ${code}`.trim());

  function sdk(kind: Kind, more: Readonly<Record<string, unknown>> = {}): S3Client {
    const { storage, accessKey, secretKey } = clouds.access(kind);
    return new S3Client({
      endpoint: storage,
      region: 'us-east-1',
      forcePathStyle: true,
      maxAttempts: 1,
      credentials: { accessKeyId: accessKey, secretAccessKey: secretKey },
      requestChecksumCalculation: 'WHEN_REQUIRED',
      ...more,
    });
  }

  describe('signatures', () => {
    it('are HMAC on Eucalyptus, and version 4 from 4.4 on and on aws', async () => {
      const old = await Promise.all(KINDS.map((kind) => outcome(call(kind, 'PUT', '/signed'))));
      assert.deepEqual(old, ['200', '200', '200', '200', '403 AccessDenied']);
      const v4 = await Promise.all(
        KINDS.map((kind) => codeOf(sdk(kind).send(new CreateBucketCommand({ Bucket: 'signed-4' })))),
      );
      assert.deepEqual(v4, ['AccessDenied', 'AccessDenied', 'no error', 'no error', 'no error']);
    });

    it('cover the full path on 3.2, and either path from 3.4 on', async () => {
      const short = { signedPath: '/short' };
      assert.deepEqual(
        await Promise.all(
          (['eucalyptus-3.2', 'eucalyptus-3.4', 'eucalyptus-4.4'] as const).map((kind) =>
            outcome(call(kind, 'PUT', '/short', short)),
          ),
        ),
        ['403 AccessDenied', '200', '200'],
      );
    });

    it('are refused with a wrong secret, for another path and with a wrong time', async () => {
      const { accessKey, storage } = clouds.access('eucalyptus-4.4');
      assert.equal(
        await outcome(callS3({ storage, accessKey, secretKey: 'wrong' }, 'PUT', '/wrong')),
        '403 SignatureDoesNotMatch',
      );
      assert.equal(
        await outcome(callS3({ storage, accessKey: 'NOBODY', secretKey: 'wrong' }, 'PUT', '/wrong')),
        '403 InvalidAccessKeyId',
      );
      assert.equal(
        await outcome(call('eucalyptus-4.4', 'PUT', '/wrong', { signedPath: '/services/objectstorage/other' })),
        '403 SignatureDoesNotMatch',
      );
      assert.equal(
        await outcome(call('eucalyptus-4.4', 'PUT', '/wrong', { date: new Date(Date.now() - 16 * 60_000) })),
        '403 RequestTimeTooSkewed',
      );
    });
  });

  it('creates buckets as each release does', async () => {
    const twice = async (kind: Kind): Promise<string> => {
      const client = sdk(kind);
      await client.send(new CreateBucketCommand({ Bucket: 'twice' }));
      return codeOf(client.send(new CreateBucketCommand({ Bucket: 'twice' })));
    };
    for (const kind of ['eucalyptus-3.2', 'eucalyptus-3.4'] as const) {
      assert.deepEqual(
        [await outcome(call(kind, 'PUT', '/twice')), await outcome(call(kind, 'PUT', '/twice'))],
        ['200', '409 BucketAlreadyOwnedByYou'],
      );
    }
    for (const kind of ['eucalyptus-4.4', 'eucalyptus-5.1', 'aws'] as const)
      assert.equal(await twice(kind), 'no error');
    assert.equal(
      await outcome(call('eucalyptus-3.2', 'PUT', `/${clouds.access('eucalyptus-3.2').foreignBucket}`)),
      '409 BucketAlreadyExists',
    );
    assert.equal(await outcome(call('eucalyptus-3.2', 'PUT', '/A')), '400 InvalidBucketName');
    assert.equal((await call('eucalyptus-3.2', 'HEAD', '/twice')).status, 405);
    assert.equal((await call('eucalyptus-3.4', 'HEAD', '/twice')).status, 200);
    assert.equal(
      await codeOf(
        sdk('eucalyptus-4.4', { region: 'eucalyptus' }).send(new CreateBucketCommand({ Bucket: 'elsewhere' })),
      ),
      'InvalidLocationConstraint',
    );
    await sdk('aws').send(new HeadBucketCommand({ Bucket: 'twice' }));
  });

  it("stores complete bodies with their ACL, and returns the ETag in the release's format", async () => {
    for (const kind of ['eucalyptus-3.2', 'eucalyptus-4.4'] as const) {
      const body = randomBytes(100_000);
      await call(kind, 'PUT', '/kept');
      const put = await call(kind, 'PUT', '/kept/a', { body, headers: { ...ACL, 'content-md5': md5Header(body) } });
      const hex = createHash('md5').update(body).digest('hex');
      const head = await call(kind, 'HEAD', '/kept/a');
      assert.deepEqual(
        [put.headers.get('etag'), head.headers.get('etag'), head.headers.get('content-length')],
        [`"${hex}"`, kind === 'eucalyptus-3.2' ? hex : `"${hex}"`, '100000'],
      );
      assert.equal(
        await outcome(
          call(kind, 'PUT', '/kept/b', { body, headers: { 'content-md5': md5Header(Buffer.from('other')) } }),
        ),
        '400 BadDigest',
      );
      assert.equal(
        await outcome(call(kind, 'PUT', '/kept/b', { body, headers: { 'x-amz-acl': 'odd' } })),
        '400 InvalidArgument',
      );
      assert.equal(
        await outcome(call(kind, 'GET', '/kept/b')),
        kind === 'eucalyptus-3.2' ? '404 NoSuchEntity' : '404 NoSuchKey',
      );
      assert.deepEqual(
        clouds
          .store(kind)
          .buckets.objects()
          .filter(({ bucket }) => bucket === 'kept'),
        [{ bucket: 'kept', key: 'a', size: 100_000, md5: hex, acl: 'aws-exec-read' }],
      );
    }
  });

  it('refuses chunked bodies', async () => {
    const client = sdk('eucalyptus-4.4', { requestChecksumCalculation: 'WHEN_SUPPORTED' });
    await client.send(new CreateBucketCommand({ Bucket: 'chunks' }));
    const stream = Readable.from([randomBytes(1000)]);
    assert.equal(
      await codeOf(
        client.send(new PutObjectCommand({ Bucket: 'chunks', Key: 'a', Body: stream, ContentLength: 1000 })),
      ),
      'InvalidArgument',
    );
  });

  it('injects faults, with and without the effect of the call', async () => {
    const kind = 'eucalyptus-3.4';
    const body = randomBytes(6_000_000);
    await call(kind, 'PUT', '/broken');
    for (const what of ['reset', 'lost', 'truncated', 'error', 'throttle'] as const) {
      clouds.faults.add({ kind, action: 'PutObject', what, times: 1 });
      const seen = await outcome(call(kind, 'PUT', `/broken/${what}`, { body })).catch(() => 'cut');
      assert.equal(
        seen,
        { reset: 'cut', lost: 'cut', truncated: 'cut', error: '500 InternalError', throttle: '503 SlowDown' }[what],
        what,
      );
    }
    assert.deepEqual(
      clouds
        .store(kind)
        .buckets.objects()
        .filter(({ bucket }) => bucket === 'broken')
        .map(({ key }) => key),
      ['lost', 'truncated'],
    );
    const log = clouds
      .store(kind)
      .calls.filter(({ bucket }) => bucket === 'broken')
      .map(({ key, status, bytes }) => [key, status, bytes > 0]);
    assert.deepEqual(log, [
      ['', 200, false],
      ['reset', 0, false],
      ['lost', 0, true],
      ['truncated', 0, true],
      ['error', 500, true],
      ['throttle', 503, true],
    ]);
    assert.equal(existsSync(join(dir, 'objects', kind, 'arriving-2')), false);
  });

  describe('images', () => {
    const image = Buffer.concat([randomBytes(300_000), Buffer.alloc(500_000)]);

    async function send(
      kind: Kind,
      wish: Partial<BundleOptions> & { readonly prefix: string },
      without: readonly string[] = [],
      acl = ACL,
    ): Promise<string> {
      const { manifest, objects } = shellBundle(clouds.access(kind), { type: 'kernel', image, ...wish });
      const client = sdk(kind);
      const put = async (path: string, body?: Buffer): Promise<void> => {
        const [, bucket = '', key = ''] = path.split('/');
        if (kind !== 'aws') await call(kind, 'PUT', path, body === undefined ? {} : { body, headers: acl });
        else if (body === undefined) await client.send(new CreateBucketCommand({ Bucket: bucket }));
        else
          await client.send(
            new PutObjectCommand({ Bucket: bucket, Key: key, Body: body, ACL: acl['x-amz-acl'] as 'aws-exec-read' }),
          );
      };
      await put('/images');
      for (const [key, body] of objects) if (!without.includes(key)) await put(`/images/${key}`, body);
      return `images/${manifest}`;
    }

    /** The id, or `status code message` if it is refused. */
    async function register(kind: Kind, params: Readonly<Record<string, string>>): Promise<string> {
      if (kind === 'aws') {
        const ec2 = sdkOf(clouds.access(kind));
        const { ImageLocation, Name } = params;
        return ec2.send(new RegisterImageCommand({ ImageLocation, Name })).then(
          ({ ImageId }) => ImageId ?? '',
          (error: unknown) => (error instanceof Error ? error.name : ''),
        );
      }
      const reply = await callV2(clouds.access(kind), { Action: 'RegisterImage', Version: '2012-10-01', ...params });
      return reply.status === 200
        ? (texts(reply, 'imageId')[0] ?? '')
        : `${reply.status} ${reply.code} ${reply.message}`;
    }

    const unbundled = (
      kind: Kind,
      id: string,
    ): Promise<{ sha256: string; size: number; kind: string; parts: readonly string[] }> =>
      clouds.front(kind).cloud.images.unbundled(id);

    it('are unbundled from bundles made by tar, gzip and openssl', async () => {
      for (const kind of KINDS) {
        const id = await register(kind, { ImageLocation: await send(kind, { prefix: 'shell' }), Name: 'shell' });
        assert.match(id, kind === 'aws' ? /^aki-[0-9a-f]{17}$/ : /^eki-[0-9a-f]{8}$/);
        const { sha256, size, kind: sort, parts } = await unbundled(kind, id);
        assert.deepEqual(
          [sha256, size, sort, parts],
          [
            createHash('sha256').update(image).digest('hex'),
            image.length,
            'kernel',
            ['shell.part.00', 'shell.part.01'],
          ],
        );
      }
    });

    it('E17: a truncated manifest is refused by every release', async () => {
      for (const kind of ['eucalyptus-3.2', 'eucalyptus-4.4'] as const) {
        const { manifest, objects } = shellBundle(clouds.access(kind), { type: 'kernel', image, prefix: 'cut' });
        const whole = objects.find(([key]) => key === manifest)?.[1] ?? Buffer.alloc(0);
        await call(kind, 'PUT', '/images');
        for (const less of [1, '</manifest>'.length, 200]) {
          await call(kind, 'PUT', `/images/${manifest}`, {
            body: whole.subarray(0, whole.length - less),
            headers: ACL,
          });
          assert.match(
            await register(kind, { ImageLocation: `images/${manifest}`, Name: `cut${less}` }),
            kind === 'eucalyptus-3.2'
              ? /^406 .*Failed to read manifest file/
              : /^500 InternalFailure .*manifest is not valid/,
            `${kind}, ${less} bytes less`,
          );
        }
      }
    });

    for (const tar of ['--format=gnu -S', '--format=gnu', '--format=posix -S'] as const) {
      it(`D15: are unpacked from archives of tar ${tar}`, async () => {
        const holes = Buffer.alloc(900_001);
        randomBytes(5000).copy(holes, 400_000);
        for (const kind of ['eucalyptus-3.2', 'eucalyptus-4.4'] as const) {
          const name = `holes${tar.replaceAll(/[^a-zA-Z]/g, '')}`;
          const id = await register(kind, {
            ImageLocation: await send(kind, { prefix: name, image: holes, tar }),
            Name: name,
          });
          const result = await unbundled(kind, id).then(
            ({ sha256, size }) => [sha256, size],
            (error: unknown) => (error as Error).message,
          );
          // Nodes of 4.x unpack with Python 2.
          if (kind === 'eucalyptus-4.4' && tar === '--format=posix -S')
            assert.match(String(result), /which Python 2 cannot read/);
          else assert.deepEqual(result, [createHash('sha256').update(holes).digest('hex'), holes.length]);
        }
      });
    }

    it('have unique names from 3.4 on', async () => {
      const outcomes = await Promise.all(
        KINDS.map((kind) => register(kind, { ImageLocation: 'images/shell.manifest.xml', Name: 'shell' })),
      );
      assert.match(outcomes[0] ?? '', /^eki-/);
      for (const told of outcomes.slice(1, 4))
        assert.match(told, /^400 InvalidAMIName\.Duplicate AMI name shell is already in use by EMI eki-[0-9a-f]{8}$/);
      assert.equal(outcomes[4], 'InvalidAMIName.Duplicate');
    });

    it('must be signed by the account on 3.2 and 3.4, which is checked only when they are cached', async () => {
      const forged = {
        prefix: 'forged',
        signer: clouds.access('aws').signing.cloudCertificate.replace('-cert', '-pk'),
      };
      for (const kind of ['eucalyptus-3.2', 'eucalyptus-3.4', 'eucalyptus-4.4'] as const) {
        const id = await register(kind, { ImageLocation: await send(kind, forged), Name: 'forged' });
        const result = await unbundled(kind, id).then(
          () => 'opened',
          (error: unknown) => (error as Error).message,
        );
        assert.equal(result, kind === 'eucalyptus-4.4' ? 'opened' : 'Invalid signature');
      }
      const state = await until('told', () =>
        clouds
          .front('eucalyptus-3.4')
          .cloud.images.published()
          .find(({ name, state: its }) => name === 'forged' && its !== 'pending'),
      );
      assert.equal(state.state, 'failed');
    });

    it('must be readable by the cloud and name the account from 4 on', async () => {
      const secret = { 'x-amz-acl': 'private' };
      const told = async (kind: Kind, name: string): Promise<string> =>
        register(kind, { ImageLocation: `images/${name}.manifest.xml`, Name: name });
      for (const kind of ['eucalyptus-3.4', 'eucalyptus-4.4', 'eucalyptus-5.1'] as const) {
        await send(kind, { prefix: 'secret' }, [], secret);
        await send(kind, { prefix: 'foreign', user: '999999999999' });
        for (const name of ['secret', 'foreign'])
          assert.match(
            await told(kind, name),
            kind === 'eucalyptus-3.4' ? /^eki-/ : /^400 AuthFailure Manifest is not accessible$/,
          );
      }
    });

    it('need a kernel and a ramdisk from 4 on, which must exist', async () => {
      const bare = async (kind: Kind, params: Readonly<Record<string, string>> = {}): Promise<string> =>
        register(kind, {
          ImageLocation: await send(kind, { prefix: 'bare', type: 'machine' }),
          Name: 'bare',
          ...params,
        });
      assert.match(await bare('eucalyptus-4.4'), /^400 MissingParameter Kernel ID must be specified$/);
      assert.match(
        await bare('eucalyptus-4.4', { KernelId: 'eki-00000000', RamdiskId: 'eri-00000000' }),
        /^400 InvalidAMIID\.NotFound/,
      );
      assert.match(await bare('eucalyptus-4.4', { KernelId: 'eki-5ca70266', RamdiskId: 'eri-5ca70266' }), /^emi-/);
      assert.match(await bare('eucalyptus-3.2'), /^emi-/);
      assert.match(await bare('eucalyptus-3.2', { VirtualizationType: 'hvm' }), /^400 .*Failed to bind/s);
    });

    it('with a missing part start no instance', async () => {
      const kind = 'eucalyptus-4.4';
      const location = await send(
        kind,
        { prefix: 'lacking', type: 'machine', kernelId: 'eki-5ca70266', ramdiskId: 'eri-5ca70266' },
        ['lacking.part.01'],
      );
      const id = await register(kind, { ImageLocation: location, Name: 'lacking' });
      const ec2 = sdkOf(clouds.access(kind));
      const { Instances: [instance] = [] } = await ec2.send(
        new RunInstancesCommand({ ImageId: id, MinCount: 1, MaxCount: 1, InstanceType: 'm1.large' }),
      );
      await until(
        'it ended',
        async () =>
          (await clouds.inventory(kind)).instances.some(
            (each) => each.id === instance?.InstanceId && each.state === 'terminated',
          ) || undefined,
      );
      await assert.rejects(unbundled(kind, id), /The part lacking\.part\.01 is missing/);
      const { Images = [] } = await ec2.send(
        new DescribeImagesCommand({ Owners: ['self'], Filters: [{ Name: 'name', Values: ['lacking'] }] }),
      );
      assert.deepEqual(
        Images.map(({ ImageId, ImageLocation, KernelId }) => [ImageId, ImageLocation, KernelId]),
        [[id, location, 'eki-5ca70266']],
      );
    });

    it('A4: are not launched from 4.1 on after their manifest, or that of their kernel, was changed or deleted', async () => {
      for (const kind of ['eucalyptus-3.2', 'eucalyptus-3.4', 'eucalyptus-4.4', 'eucalyptus-5.1'] as const) {
        const bound = async (prefix: string): Promise<Record<'kernel' | 'machine', string>> => {
          const kernelId = await register(kind, {
            ImageLocation: await send(kind, { prefix: `${prefix}-kernel` }),
            Name: `${prefix}-kernel`,
          });
          const wish = { prefix, type: 'machine', kernelId, ramdiskId: 'eri-5ca70266' } as const;
          return {
            kernel: kernelId,
            machine: await register(kind, { ImageLocation: await send(kind, wish), Name: prefix }),
          };
        };
        const launched = async (id: string): Promise<string> => {
          await until(
            `${id} is available`,
            () => clouds.front(kind).cloud.images.get(id)?.state === 'available' || undefined,
          );
          const reply = await callV2(clouds.access(kind), {
            Action: 'RunInstances',
            Version: '2012-10-01',
            ImageId: id,
            MinCount: '1',
            MaxCount: '1',
            InstanceType: 'm1.large',
          });
          assert.equal(reply.status, 200, 'it is answered as any other');
          const instance = texts(reply, 'instanceId')[0] ?? '';
          return until('it runs or ended', () => {
            const machine = clouds.front(kind).cloud.machines.get(instance);
            return machine?.state === 'running' ? 'runs' : machine?.state === 'terminated' ? machine.reason : undefined;
          });
        };
        const late = kind === 'eucalyptus-4.4' || kind === 'eucalyptus-5.1';
        const { machine, kernel } = await bound('hashed');
        assert.equal(await launched(machine), 'runs');
        const manifest = (await call(kind, 'GET', '/images/hashed-kernel.manifest.xml')).body;
        await call(kind, 'PUT', '/images/hashed-kernel.manifest.xml', {
          body: Buffer.from(`${manifest}\n`),
          headers: ACL,
        });
        const spoilt = await launched(machine);
        if (late) assert.ok(spoilt.includes(`Image manifest was changed after registration for: ${kernel}`), spoilt);
        else assert.equal(spoilt, 'runs');
        await call(kind, 'PUT', '/images/hashed-kernel.manifest.xml', { body: Buffer.from(manifest), headers: ACL });
        assert.equal(await launched(machine), 'runs', 'the same again');
        await send(kind, { prefix: 'hashed', type: 'machine', kernelId: kernel, ramdiskId: 'eri-5ca70266' });
        assert.match(await launched(machine), late ? /Instance manifest was changed after registration/ : /^runs$/);
        await call(kind, 'DELETE', '/images/hashed.manifest.xml');
        assert.match(
          await launched(machine),
          late ? /Failed to read manifest file: images\/hashed\.manifest\.xml/ : /^runs$/,
        );
      }
    });

    it('are refused on aws if a part is missing', async () => {
      assert.equal(
        await register('aws', {
          ImageLocation: await send('aws', { prefix: 'lacking' }, ['lacking.part.01']),
          Name: 'lacking',
        }),
        'InvalidManifest',
      );
    });
  });
});
