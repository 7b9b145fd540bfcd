/** Buckets and the objects of bundles in them. */

import {
  CreateBucketCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  HeadBucketCommand,
  HeadObjectCommand,
  ListObjectsCommand,
  PutObjectCommand,
} from '@aws-sdk/client-s3';
import { Readable } from 'node:stream';
import type { ObjectStore, PutOptions, StoredObject } from '../steps/ports';
import { OWNER_TAG } from '../deployment/names';
import { CloudFailure, unless } from './failures';
import type { S3 } from './s3';

export function objects(s3: S3): ObjectStore {
  return {
    ensureBucket: (bucket) => ensureBucket(s3, bucket),
    head: async (bucket, key) => {
      const found = await orUndefined(s3.send(new HeadObjectCommand({ Bucket: bucket, Key: key })));
      const owner = found?.Metadata?.[OWNER_TAG];
      return (
        found && { ...storedObject(key, found.ContentLength, found.ETag), ...(owner === undefined ? {} : { owner }) }
      );
    },
    list: (bucket, prefix) => list(s3, bucket, prefix),
    put: (bucket, key, body, md5, options) => put(s3, { bucket, key, body, md5 }, options),
    get: async (bucket, key) => {
      const { Body } = await s3.send(new GetObjectCommand({ Bucket: bucket, Key: key }));
      return Buffer.from(Body === undefined ? [] : await s3.told('GetObject', Body.transformToByteArray()));
    },
    remove: async (bucket, key) => {
      await unless('missing', s3.send(new DeleteObjectCommand({ Bucket: bucket, Key: key })), {});
    },
  };
}

/** Looked for first where that can be asked: making it anew would reset who may read it, in one region of AWS. */
async function ensureBucket(s3: S3, bucket: string): Promise<void> {
  if (s3.can.headsBuckets && (await seen(s3, bucket))) return;
  await unless('duplicate', s3.send(new CreateBucketCommand({ Bucket: bucket })), {});
}

/** One that we may not see may be there all the same: making it will tell whose it is. */
async function seen(s3: S3, bucket: string): Promise<boolean> {
  try {
    return (await orUndefined(s3.send(new HeadBucketCommand({ Bucket: bucket })))) !== undefined;
  } catch (error) {
    if (error instanceof CloudFailure && error.code === 'CLOUD_PERMISSION') return false;
    throw error;
  }
}

/** The old list: 3.2 knows no other. Without a delimiter the next page begins after the last key. */
async function list(s3: S3, bucket: string, prefix: string): Promise<readonly StoredObject[]> {
  const found: StoredObject[] = [];
  for (;;) {
    const after = found.at(-1)?.key;
    const command = new ListObjectsCommand({
      Bucket: bucket,
      Prefix: prefix,
      ...(after === undefined ? {} : { Marker: after }),
    });
    const { Contents = [], IsTruncated } = await unless('missing', s3.send(command), {});
    found.push(...Contents.flatMap(({ Key, Size, ETag }) => (Key === undefined ? [] : storedObject(Key, Size, ETag))));
    if (IsTruncated !== true || Contents.length === 0) return found;
  }
}

interface Sent {
  readonly bucket: string;
  readonly key: string;
  readonly body: Buffer;
  readonly md5: string;
}

async function put(
  s3: S3,
  { bucket, key, body, md5 }: Sent,
  { owner, moved = () => undefined }: PutOptions = {},
): Promise<void> {
  const { ETag } = await s3.send(
    new PutObjectCommand({
      Bucket: bucket,
      Key: key,
      Body: Readable.from(pieces(body, moved)),
      ContentLength: body.length,
      ACL: 'aws-exec-read',
      ContentMD5: Buffer.from(md5, 'hex').toString('base64'),
      ...(owner === undefined ? {} : { Metadata: { [OWNER_TAG]: owner } }),
    }),
  );
  const stored = md5Of(ETag);
  if (stored !== undefined && stored !== md5)
    throw new CloudFailure('CLOUD_ERROR', `${bucket}/${key} was not stored as it was sent.`);
}

const PIECE = 64 * 1024;

/** Asked for as fast as the connection takes them: that is how a transfer that is slow can be told from one that hangs. */
function* pieces(body: Buffer, moved: () => void): Generator<Buffer, void> {
  for (let at = 0; at < body.length; at += PIECE) {
    moved();
    yield body.subarray(at, at + PIECE);
  }
}

async function orUndefined<T extends object>(work: Promise<T>): Promise<T | undefined> {
  try {
    return await work;
  } catch (error) {
    if (error instanceof CloudFailure && error.sort === 'missing') return undefined;
    throw error;
  }
}

function storedObject(key: string, size = 0, etag: string | undefined): StoredObject {
  const md5 = md5Of(etag);
  return { key, size, ...(md5 === undefined ? {} : { md5 }) };
}

/** Walrus 3.2 leaves the quotes out; what was sent in several pieces has no MD5 there. */
export function md5Of(etag: string | undefined): string | undefined {
  return /^"?([0-9a-f]{32})"?$/i.exec(etag ?? '')?.[1]?.toLowerCase();
}
