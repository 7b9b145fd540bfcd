/** S3 buckets, and the objects of image bundles in them. */

import { Readable } from 'node:stream';
import {
  CreateBucketCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  HeadBucketCommand,
  HeadObjectCommand,
  ListObjectsCommand,
  PutObjectCommand,
} from '@aws-sdk/client-s3';
import type { ObjectStore, PutOptions, StoredObject } from '../steps/ports';
import { OWNER_TAG } from '../deployment/names';
import { CloudFailure, tolerate } from './failures';
import type { S3 } from './s3';

export function objects(s3: S3): ObjectStore {
  return {
    ensureBucket: (bucket) => ensureBucket(s3, bucket),
    head: async (bucket, key) => {
      const found = await undefinedIfMissing(s3.send(new HeadObjectCommand({ Bucket: bucket, Key: key })));
      const owner = found?.Metadata?.[OWNER_TAG];
      return (
        found && { ...storedObject(key, found.ContentLength, found.ETag), ...(owner === undefined ? {} : { owner }) }
      );
    },
    list: (bucket, prefix) => list(s3, bucket, prefix),
    put: (bucket, key, body, md5, options) => put(s3, { bucket, key, body, md5 }, options),
    get: async (bucket, key) => {
      const { Body } = await s3.send(new GetObjectCommand({ Bucket: bucket, Key: key }));
      return Buffer.from(Body === undefined ? [] : await s3.explained('GetObject', Body.transformToByteArray()));
    },
    remove: async (bucket, key) => {
      await tolerate('missing', s3.send(new DeleteObjectCommand({ Bucket: bucket, Key: key })), {});
    },
  };
}

/** Creating a bucket again would reset its ACL in AWS' us-east-1, so it is looked for first, where the cloud knows HEAD. */
async function ensureBucket(s3: S3, bucket: string): Promise<void> {
  if (s3.capabilities.headsBuckets && (await bucketExists(s3, bucket))) return;
  await tolerate('duplicate', s3.send(new CreateBucketCommand({ Bucket: bucket })), {});
}

/** A bucket we may not see may exist all the same: creating it tells whose it is. */
async function bucketExists(s3: S3, bucket: string): Promise<boolean> {
  try {
    return (await undefinedIfMissing(s3.send(new HeadBucketCommand({ Bucket: bucket })))) !== undefined;
  } catch (error) {
    if (error instanceof CloudFailure && error.code === 'CLOUD_PERMISSION') return false;
    throw error;
  }
}

/** The first version of the call, the only one 3.2 knows. Without a delimiter, the next page begins after the last key. */
async function list(s3: S3, bucket: string, prefix: string): Promise<readonly StoredObject[]> {
  const found: StoredObject[] = [];
  for (;;) {
    const marker = found.at(-1)?.key;
    const command = new ListObjectsCommand({
      Bucket: bucket,
      Prefix: prefix,
      ...(marker === undefined ? {} : { Marker: marker }),
    });
    const { Contents = [], IsTruncated } = await tolerate('missing', s3.send(command), {});
    found.push(...Contents.flatMap(({ Key, Size, ETag }) => (Key === undefined ? [] : storedObject(Key, Size, ETag))));
    if (IsTruncated !== true || Contents.length === 0) return found;
  }
}

interface Upload {
  readonly bucket: string;
  readonly key: string;
  readonly body: Buffer;
  readonly md5: string;
}

async function put(
  s3: S3,
  { bucket, key, body, md5 }: Upload,
  { owner, onProgress = () => undefined }: PutOptions = {},
): Promise<void> {
  const { ETag } = await s3.send(
    new PutObjectCommand({
      Bucket: bucket,
      Key: key,
      Body: Readable.from(chunksOf(body, onProgress)),
      ContentLength: body.length,
      ACL: 'aws-exec-read',
      ContentMD5: Buffer.from(md5, 'hex').toString('base64'),
      ...(owner === undefined ? {} : { Metadata: { [OWNER_TAG]: owner } }),
    }),
  );
  const stored = md5Of(ETag);
  if (stored !== undefined && stored !== md5)
    throw new CloudFailure('CLOUD_ERROR', `${bucket}/${key} was damaged on its way to the cloud.`);
}

const CHUNK = 64 * 1024;

/** Each chunk is read when the connection has room for it, so that a slow transfer can be told from one that hangs. */
function* chunksOf(body: Buffer, onProgress: () => void): Generator<Buffer, void> {
  for (let at = 0; at < body.length; at += CHUNK) {
    onProgress();
    yield body.subarray(at, at + CHUNK);
  }
}

async function undefinedIfMissing<T extends object>(work: Promise<T>): Promise<T | undefined> {
  try {
    return await work;
  } catch (error) {
    if (error instanceof CloudFailure && error.reason === 'missing') return undefined;
    throw error;
  }
}

function storedObject(key: string, size = 0, etag: string | undefined): StoredObject {
  const md5 = md5Of(etag);
  return { key, size, ...(md5 === undefined ? {} : { md5 }) };
}

/** Walrus 3.2 omits the quotes. The ETag of a multipart upload is not an MD5. */
export function md5Of(etag: string | undefined): string | undefined {
  return /^"?([0-9a-f]{32})"?$/i.exec(etag ?? '')?.[1]?.toLowerCase();
}
