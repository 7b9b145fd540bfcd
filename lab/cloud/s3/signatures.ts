/** Checks the signature of an S3 request: HMAC-SHA1, or version 4 with the hash of the body in a header. */

import { createHmac } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import type { S3Dialect } from '../dialects';
import { claimV4, equalInConstantTime, expectedV4 } from '../signatures';
import type { Account } from '../signatures';
import { S3Error } from './errors';
import type { S3ErrorName } from './errors';

export interface SignedHead {
  readonly method: string;
  /** Path and query as received. */
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
}

/** Allowed clock skew, ms. */
const SKEW = 15 * 60_000;
const SUB_RESOURCES = new Set(['acl', 'location', 'logging', 'torrent', 'versioning', 'versions', 'versionId']);

/** The account that signed the request; throws an S3Error. */
export function signerOf(head: SignedHead, dialect: S3Dialect, accounts: readonly Account[]): Account {
  const { authorization = '' } = head.headers;
  const v4 = authorization.startsWith('AWS4-HMAC-SHA256 ');
  if (!dialect.signatures.includes(v4 ? '4' : 'hmac'))
    throw new S3Error(
      'unauthenticated',
      v4 ? 'Signature version 4 is not supported.' : 'HMAC-SHA1 signatures are not supported.',
    );
  const { accessKey, at, verify } = v4 ? claim4(head) : claimHmac(head, dialect);
  const account = accounts.find((each) => each.accessKey === accessKey);
  // Releases that accept only HMAC do not say what is wrong.
  const say = (why: S3ErrorName): S3Error =>
    new S3Error(dialect.signatures.length === 1 && dialect.signatures[0] === 'hmac' ? 'unauthenticated' : why);
  if (account === undefined) throw say('keyUnknown');
  if (!verify(account.secretKey)) throw say('signature');
  if (head.headers['x-amz-security-token'] !== account.sessionToken) throw say('token');
  if (!(Math.abs(Date.now() - at) <= SKEW)) throw new S3Error('clock');
  return account;
}

interface StoreClaim {
  readonly accessKey: string;
  readonly at: number;
  readonly verify: (secret: string) => boolean;
}

function claimHmac(head: SignedHead, { path, fullPathOnly }: S3Dialect): StoreClaim {
  const match = /^AWS ([^:\s]+):(\S+)$/.exec(head.headers.authorization ?? '');
  if (match === null) throw new S3Error('denied');
  const [, accessKey = '', signature = ''] = match;
  const shortened = head.url.startsWith(`${path}/`) ? head.url.slice(path.length) : head.url;
  const urls = fullPathOnly ? [head.url] : [head.url, shortened];
  const verify = (secret: string): boolean =>
    urls.some((url) =>
      equalInConstantTime(createHmac('sha1', secret).update(text(head, url)).digest('base64'), signature),
    );
  return { accessKey, at: Date.parse(String(head.headers['x-amz-date'] ?? head.headers.date ?? '')), verify };
}

function text({ method, headers }: SignedHead, url: string): string {
  const [path = '/', query = ''] = url.split('?');
  const lines = [
    method,
    headers['content-md5'] ?? '',
    headers['content-type'] ?? '',
    headers['x-amz-date'] === undefined ? (headers.date ?? '') : '',
  ];
  const amazon = Object.keys(headers)
    .filter((name) => name.startsWith('x-amz-'))
    .sort();
  const counted = query
    .split('&')
    .filter((part) => SUB_RESOURCES.has(part.split('=')[0] ?? ''))
    .map((part) => part.replace(/=$/, ''))
    .sort();
  return [
    ...lines,
    ...amazon.map((name) => `${name}:${String(headers[name]).trim()}`),
    path + (counted.length === 0 ? '' : `?${counted.join('&')}`),
  ].join('\n');
}

function claim4(head: SignedHead): StoreClaim {
  const claim = claimV4(head);
  if ('what' in claim) throw new S3Error('denied', claim.detail);
  const { accessKey, signature, at = Number.NaN } = claim;
  const hash = String(head.headers['x-amz-content-sha256'] ?? '');
  return {
    accessKey,
    at,
    verify: (secret) => expectedV4(head, hash, secret).some((expected) => equalInConstantTime(expected, signature)),
  };
}
