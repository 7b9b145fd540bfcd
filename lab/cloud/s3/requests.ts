/** Reads S3 requests: the operation, bucket and key, and the body, which goes to disk. */

import { createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { pipeline } from 'node:stream/promises';
import { S3Error } from './errors';

export interface Target {
  /** Empty: not simulated. */
  readonly action: string;
  /** The query parameter or header that makes it another, unsimulated operation. */
  readonly unsupported?: string;
  readonly bucket: string;
  readonly key: string;
  readonly query: URLSearchParams;
}

/** Operation by method, for requests with no bucket, with a bucket, and with bucket and key. */
const ACTIONS: Readonly<Record<'service' | 'bucket' | 'object', Readonly<Record<string, string>>>> = {
  service: { GET: 'ListBuckets' },
  bucket: { GET: 'ListObjects', HEAD: 'HeadBucket', PUT: 'CreateBucket', DELETE: 'DeleteBucket' },
  object: { GET: 'GetObject', HEAD: 'HeadObject', PUT: 'PutObject', DELETE: 'DeleteObject' },
};

/**
 * Allowed query parameters. Any other may be a sub-resource, which makes the request another operation: GET with `?acl`
 * must not return the object, and PUT with it must not overwrite the object. `x-id` is the SDK's name of the operation.
 */
const PARAMETERS: ReadonlySet<string> = new Set(['x-id']);
const LIST_PARAMETERS: ReadonlySet<string> = new Set(['x-id', 'prefix', 'marker', 'max-keys']);
/**
 * Supported headers, and those that can be ignored. Any other, such as for copies, conditions, grants or encryption,
 * changes the operation.
 */
const HEADERS: ReadonlySet<string> = new Set([
  'x-amz-acl',
  'x-amz-date',
  'x-amz-content-sha256',
  'x-amz-user-agent',
  'x-amz-security-token',
  'x-amz-sdk-checksum-algorithm',
  'x-amz-checksum-mode',
  'x-amz-trailer',
  'x-amz-decoded-content-length',
]);
const HEADER_PATTERN = /^x-amz-(?:meta-.+|checksum-(?:crc32|crc32c|crc64nvme|sha1|sha256))$/;

function unsupportedPart(
  action: string,
  query: URLSearchParams,
  headers: IncomingMessage['headers'],
): string | undefined {
  const known = action === 'ListObjects' ? LIST_PARAMETERS : PARAMETERS;
  const parameter = [...query.keys()].find((name) => !known.has(name));
  if (parameter !== undefined) return `?${parameter}`;
  return Object.keys(headers).find(
    (name) => (name.startsWith('x-amz-') && !HEADERS.has(name) && !HEADER_PATTERN.test(name)) || /^if-/.test(name),
  );
}

export function targetOf({ method = '', url = '/', headers }: IncomingMessage, base: string): Target {
  const [path = '/', search = ''] = url.split('?');
  const inside = path === base || path.startsWith(`${base}/`) ? path.slice(base.length) : undefined;
  const [, bucket = '', ...rest] = (inside ?? '').split('/').map(decodeURIComponent);
  const key = rest.join('/');
  const sort = bucket === '' ? 'service' : key === '' ? 'bucket' : 'object';
  const named = inside === undefined ? '' : (ACTIONS[sort][method] ?? '');
  const query = new URLSearchParams(search);
  const more = named === '' ? undefined : unsupportedPart(named, query, headers);
  return {
    action: more === undefined ? named : '',
    bucket,
    key,
    query,
    ...(more === undefined ? {} : { unsupported: more }),
  };
}

export interface Body {
  readonly size: number;
  /** Hex. */
  readonly md5: string;
  readonly sha256: string;
}

export interface Receipt {
  /** File to write the body to. */
  readonly path: string;
  /** Drops the connection after so many bytes. */
  readonly cutAfter?: number;
}

/** Undefined if the body did not arrive in full. */
export async function receive(request: IncomingMessage, { path, cutAfter }: Receipt): Promise<Body | undefined> {
  const [md5, sha256] = [createHash('md5'), createHash('sha256')];
  let size = 0;
  const counted = async function* (source: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    for await (const chunk of source) {
      size += chunk.length;
      if (cutAfter !== undefined && size > cutAfter) request.socket.destroy();
      md5.update(chunk);
      sha256.update(chunk);
      yield chunk;
    }
  };
  try {
    await pipeline(request, counted, createWriteStream(path, { mode: 0o600 }));
  } catch (error) {
    // An error of the lab itself, such as a full disk.
    if (!request.destroyed && !request.complete) throw error;
    return undefined;
  }
  return request.complete && cutAfter === undefined
    ? { size, md5: md5.digest('hex'), sha256: sha256.digest('hex') }
    : undefined;
}

/** Eucalyptus stores bodies as they arrive: a chunked one would be stored with its chunk headers. */
export function checkForm({ headers }: IncomingMessage): void {
  const hash = String(headers['x-amz-content-sha256'] ?? '');
  if (hash.startsWith('STREAMING-') || (headers['content-encoding'] ?? '').includes('aws-chunked'))
    throw new S3Error('argument', 'The body is sent in chunks.');
}

export function checkBody({ headers }: IncomingMessage, { md5, sha256 }: Body): void {
  const [said, hash] = [headers['content-md5'], headers['x-amz-content-sha256']];
  if (said !== undefined && said !== Buffer.from(md5, 'hex').toString('base64')) throw new S3Error('digest');
  if (hash !== undefined && hash !== 'UNSIGNED-PAYLOAD' && hash !== sha256) throw new S3Error('bodyHash');
}
