/** Buckets and the objects of bundles in them. */

import { CreateBucketCommand, DeleteObjectCommand, GetObjectCommand, HeadBucketCommand, HeadObjectCommand, ListObjectsCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import type { ObjectStore, StoredObject } from '../activities/ports';
import { CloudFailure, unless } from './failures';
import type { S3 } from './s3';

export function objects(s3: S3): ObjectStore {
  return {
    ensureBucket: (bucket) => ensureBucket(s3, bucket),
    head: async (bucket, key) => {
      const found = await orUndefined(s3.send(new HeadObjectCommand({ Bucket: bucket, Key: key })));
      return found && storedObject(key, found.ContentLength, found.ETag);
    },
    list: (bucket, prefix) => list(s3, bucket, prefix),
    put: (bucket, key, body, md5) => put(s3, bucket, key, body, md5),
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
  if (s3.can.headsBuckets && await seen(s3, bucket)) return;
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
    const command = new ListObjectsCommand({ Bucket: bucket, Prefix: prefix, ...(after === undefined ? {} : { Marker: after }) });
    const { Contents = [], IsTruncated } = await unless('missing', s3.send(command), {});
    found.push(...Contents.flatMap(({ Key, Size, ETag }) => (Key === undefined ? [] : storedObject(Key, Size, ETag))));
    if (IsTruncated !== true || Contents.length === 0) return found;
  }
}

async function put(s3: S3, bucket: string, key: string, body: Buffer, md5: string): Promise<void> {
  const { ETag } = await s3.send(new PutObjectCommand({
    Bucket: bucket, Key: key, Body: body, ContentLength: body.length, ACL: 'aws-exec-read', ContentMD5: Buffer.from(md5, 'hex').toString('base64'),
  }));
  const stored = md5Of(ETag);
  if (stored !== undefined && stored !== md5) throw new CloudFailure('CLOUD_ERROR', `${bucket}/${key} was not stored as it was sent.`);
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
