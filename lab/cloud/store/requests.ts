/** What a request to S3 is about, and its body: on disk where an object arrives. */

import { createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { pipeline } from 'node:stream/promises';
import { StoreRefusal } from './refusals';

export interface Target {
  /** Empty: nothing that is done here. */
  readonly action: string;
  /** What of the request is not done here, if only that stands in the way. */
  readonly beyond?: string;
  readonly bucket: string;
  readonly key: string;
  readonly query: URLSearchParams;
}

/** Action by method, for what has neither, a bucket, or bucket and key. */
const ACTIONS: Readonly<Record<'service' | 'bucket' | 'object', Readonly<Record<string, string>>>> = {
  service: { GET: 'ListBuckets' },
  bucket: { GET: 'ListObjects', HEAD: 'HeadBucket', PUT: 'CreateBucket', DELETE: 'DeleteBucket' },
  object: { GET: 'GetObject', HEAD: 'HeadObject', PUT: 'PutObject', DELETE: 'DeleteObject' },
};

/**
 * What a query may hold. Anything else may be a sub-resource, which makes another operation of it: what asks for `?acl` is never answered
 * with the object, and what sends one is never stored over it. The SDK says in `x-id` which operation it means.
 */
const PARAMETERS: ReadonlySet<string> = new Set(['x-id']);
const LIST_PARAMETERS: ReadonlySet<string> = new Set(['x-id', 'prefix', 'marker', 'max-keys']);
/** Headers of S3 that change nothing here, or what is done. Copies, conditions, grants, encryption and the like would make another operation. */
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
const UNNAMED = /^x-amz-(?:meta-.+|checksum-(?:crc32|crc32c|crc64nvme|sha1|sha256))$/;

function beyond(action: string, query: URLSearchParams, headers: IncomingMessage['headers']): string | undefined {
  const known = action === 'ListObjects' ? LIST_PARAMETERS : PARAMETERS;
  const parameter = [...query.keys()].find((name) => !known.has(name));
  if (parameter !== undefined) return `?${parameter}`;
  return Object.keys(headers).find(
    (name) => (name.startsWith('x-amz-') && !HEADERS.has(name) && !UNNAMED.test(name)) || /^if-/.test(name),
  );
}

/** @param base path of the service */
export function targetOf({ method = '', url = '/', headers }: IncomingMessage, base: string): Target {
  const [path = '/', search = ''] = url.split('?');
  const inside = path === base || path.startsWith(`${base}/`) ? path.slice(base.length) : undefined;
  const [, bucket = '', ...rest] = (inside ?? '').split('/').map(decodeURIComponent);
  const key = rest.join('/');
  const sort = bucket === '' ? 'service' : key === '' ? 'bucket' : 'object';
  const named = inside === undefined ? '' : (ACTIONS[sort][method] ?? '');
  const query = new URLSearchParams(search);
  const more = named === '' ? undefined : beyond(named, query, headers);
  return {
    action: more === undefined ? named : '',
    bucket,
    key,
    query,
    ...(more === undefined ? {} : { beyond: more }),
  };
}

export interface Body {
  readonly size: number;
  /** Hex. */
  readonly md5: string;
  readonly sha256: string;
}

export interface Receipt {
  /** Where it is written to. */
  readonly path: string;
  /** Cuts the connection when so many bytes were there. */
  readonly cutAfter?: number;
}

/** Undefined where it did not arrive whole. */
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
    // The disk of the lab may be full, too; who sends cannot tell the difference.
    if (!request.destroyed && !request.complete) throw error;
    return undefined;
  }
  return request.complete && cutAfter === undefined
    ? { size, md5: md5.digest('hex'), sha256: sha256.digest('hex') }
    : undefined;
}

/** Eucalyptus takes bodies as they are: one that is sent in signed or counted pieces would be stored with what counts them. */
export function checkForm({ headers }: IncomingMessage): void {
  const hash = String(headers['x-amz-content-sha256'] ?? '');
  if (hash.startsWith('STREAMING-') || (headers['content-encoding'] ?? '').includes('aws-chunked'))
    throw new StoreRefusal('argument', 'The body is sent in chunks.');
}

export function checkBody({ headers }: IncomingMessage, { md5, sha256 }: Body): void {
  const [said, hash] = [headers['content-md5'], headers['x-amz-content-sha256']];
  if (said !== undefined && said !== Buffer.from(md5, 'hex').toString('base64')) throw new StoreRefusal('digest');
  if (hash !== undefined && hash !== 'UNSIGNED-PAYLOAD' && hash !== sha256) throw new StoreRefusal('bodyHash');
}
