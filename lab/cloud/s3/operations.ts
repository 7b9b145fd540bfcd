/** The S3 operations. Only the owner of a bucket has access; the cloud itself reads from `Buckets` directly. */

import type { S3Dialect } from '../dialects';
import type { Account } from '../signatures';
import { write } from '../xml';
import type { Bucket, Buckets, StoredFile } from './buckets';
import { S3Error } from './errors';
import type { Body, Target } from './requests';

export interface S3Request {
  readonly target: Target;
  readonly caller: Account;
  readonly dialect: S3Dialect;
  readonly buckets: Buckets;
  readonly acl: string;
  /** Headers `x-amz-meta-…`. */
  readonly meta: Readonly<Record<string, string>>;
  /** The header Range. */
  readonly range: string | undefined;
  /** The received body. */
  readonly body: Body & { readonly path: string; readonly text: () => string };
}

export interface S3Response {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly xml?: string;
  /** Object to send. */
  readonly file?: StoredFile;
  /** Only these bytes of it. */
  readonly range?: ByteRange;
}

interface ByteRange {
  readonly start: number;
  readonly end: number;
}

type Operation = (asked: S3Request) => S3Response;

const ACLS = new Set([
  'private',
  'public-read',
  'public-read-write',
  'authenticated-read',
  'bucket-owner-read',
  'bucket-owner-full-control',
  'aws-exec-read',
  'ec2-bundle-read',
]);
const NAMESPACE = 'http://s3.amazonaws.com/doc/2006-03-01/';
const BUCKET_NAME = /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/;
const OBJECT_LIMIT = 5 * 1024 ** 3;
const PAGE = 1000;

export const OPERATIONS: Readonly<Record<string, Operation>> = {
  ListBuckets: ({ buckets, caller }) => {
    const all = buckets
      .ofOwner(caller.number)
      .map(({ name }) => ({ Name: name, CreationDate: new Date(0).toISOString() }));
    return {
      status: 200,
      xml: write('ListAllMyBucketsResult', NAMESPACE, { Owner: { ID: caller.number }, Buckets: { Bucket: all } }),
    };
  },
  CreateBucket: createBucket,
  HeadBucket: (asked) => {
    if (!asked.dialect.headsBuckets) throw new S3Error('method');
    ownBucket(asked);
    return { status: 200 };
  },
  DeleteBucket: (asked) => {
    const bucket = ownBucket(asked);
    if (bucket.files.size > 0) throw new S3Error('bucketFull');
    asked.buckets.remove(bucket.name);
    return { status: 204 };
  },
  ListObjects: listObjects,
  PutObject: putObject,
  GetObject: (asked) => {
    const file = fileIn(asked);
    const range = byteRangeOf(asked.range, file.size);
    const headers = headersOf(file, asked.dialect.bareEtags);
    return range === undefined
      ? { status: 200, headers, file }
      : { status: 206, headers: { ...headers, ...rangeHeaders(range, file) }, file, range };
  },
  HeadObject: (asked) => {
    const file = fileIn(asked);
    const range = byteRangeOf(asked.range, file.size);
    const headers = headersOf(file, asked.dialect.bareEtags);
    return range === undefined
      ? { status: 200, headers: { ...headers, 'content-length': String(file.size) } }
      : { status: 206, headers: { ...headers, ...rangeHeaders(range, file) } };
  },
  DeleteObject: (asked) => {
    asked.buckets.delete(ownBucket(asked), asked.target.key);
    return { status: 204 };
  },
};

function createBucket({ target, caller, dialect, buckets, body }: S3Request): S3Response {
  if (!BUCKET_NAME.test(target.bucket)) throw new S3Error('bucketName');
  // These clouds have no location that a client could name.
  if (body.text().includes('LocationConstraint')) throw new S3Error('location');
  const there = buckets.get(target.bucket);
  if (there === undefined) buckets.create(target.bucket, caller.number);
  else if (there.owner !== caller.number) throw new S3Error('bucketForeign');
  else if (dialect.ownBucketAgain === 409) throw new S3Error('bucketOwn');
  return { status: 200, headers: { location: `/${target.bucket}` } };
}

function putObject(asked: S3Request): S3Response {
  const {
    target: { key },
    dialect,
    buckets,
    body: { size, md5, path },
    acl,
    meta,
  } = asked;
  const bucket = ownBucket(asked);
  if (!ACLS.has(acl)) throw new S3Error('argument', `x-amz-acl: ${acl}`);
  const others = [...bucket.files.values()]
    .filter((file) => file.key !== key)
    .reduce((sum, file) => sum + file.size, 0);
  if (size > OBJECT_LIMIT || others + size > dialect.bucketLimit) throw new S3Error('tooLarge');
  buckets.put(bucket, path, { key, size, md5, acl, meta });
  return { status: 200, headers: { etag: `"${md5}"` } };
}

function listObjects(asked: S3Request): S3Response {
  const {
    target: { query, bucket: name },
  } = asked;
  const bucket = ownBucket(asked);
  const [prefix, marker, limit] = [
    query.get('prefix') ?? '',
    query.get('marker') ?? '',
    Number(query.get('max-keys') ?? PAGE),
  ];
  const all = [...bucket.files.values()]
    .filter(({ key }) => key.startsWith(prefix) && key > marker)
    .sort((a, b) => (a.key < b.key ? -1 : 1));
  const page = all.slice(0, Math.min(limit, PAGE));
  return {
    status: 200,
    xml: write('ListBucketResult', NAMESPACE, {
      Name: name,
      Prefix: prefix,
      Marker: marker,
      MaxKeys: limit,
      IsTruncated: page.length < all.length,
      Contents: page.map(({ key, size, md5, at }) => ({
        Key: key,
        LastModified: new Date(at).toISOString(),
        ETag: `"${md5}"`,
        Size: size,
        StorageClass: 'STANDARD',
      })),
    }),
  };
}

function ownBucket({ buckets, target, caller }: S3Request): Bucket {
  const bucket = buckets.get(target.bucket);
  if (bucket === undefined) throw new S3Error('bucketMissing');
  if (bucket.owner !== caller.number) throw new S3Error('denied');
  return bucket;
}

function fileIn(asked: S3Request): StoredFile {
  const file = ownBucket(asked).files.get(asked.target.key);
  if (file === undefined) throw new S3Error(asked.dialect.bareEtags ? 'entityMissing' : 'keyMissing');
  return file;
}

/** Requests for several ranges are not simulated. */
function byteRangeOf(range: string | undefined, size: number): ByteRange | undefined {
  if (range === undefined) return undefined;
  const [, from = '', to = ''] = /^bytes=([0-9]*)-([0-9]*)$/.exec(range) ?? [];
  if (from === '' && to === '') throw new S3Error('notSimulated', `Range: ${range}`);
  const slice =
    from === ''
      ? { start: Math.max(0, size - Number(to)), end: size - 1 }
      : { start: Number(from), end: Math.min(size - 1, to === '' ? size - 1 : Number(to)) };
  if (slice.start > slice.end) throw new S3Error('range');
  return slice;
}

function rangeHeaders({ start, end }: ByteRange, { size }: StoredFile): Readonly<Record<string, string>> {
  return { 'content-range': `bytes ${start}-${end}/${size}`, 'content-length': String(end - start + 1) };
}

function headersOf({ md5, at, meta }: StoredFile, bare: boolean): Readonly<Record<string, string>> {
  return {
    ...meta,
    etag: bare ? md5 : `"${md5}"`,
    'last-modified': new Date(at).toUTCString(),
    'content-type': 'application/octet-stream',
  };
}
