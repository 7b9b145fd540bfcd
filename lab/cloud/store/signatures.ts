/** Checks who signed a request to S3, from the headers received: the old HMAC-SHA1, and version 4 with the hash of the body in a header. */

import { createHmac } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import type { StoreDialect } from '../dialects';
import { claimOf4, same, signatures4 } from '../signatures';
import type { Account } from '../signatures';
import { StoreRefusal } from './refusals';
import type { StoreRefusalName } from './refusals';

export interface SignedHead {
  readonly method: string;
  /** Path and query as received. */
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
}

/** How far its time may be off, ms. */
const SKEW = 15 * 60_000;
const SUB_RESOURCES = new Set(['acl', 'location', 'logging', 'torrent', 'versioning', 'versions', 'versionId']);

/** The account that signed, or a StoreRefusal. */
export function signerOf(head: SignedHead, dialect: StoreDialect, accounts: readonly Account[]): Account {
  const { authorization = '' } = head.headers;
  const v4 = authorization.startsWith('AWS4-HMAC-SHA256 ');
  if (!dialect.signatures.includes(v4 ? '4' : 'hmac'))
    throw new StoreRefusal(
      'unauthenticated',
      v4 ? 'Signature version 4 is not supported.' : 'The old signature is not supported.',
    );
  const { accessKey, at, verify } = v4 ? claim4(head) : claimHmac(head, dialect);
  const account = accounts.find((each) => each.accessKey === accessKey);
  // Those that take only the old one tell nobody why.
  const say = (why: StoreRefusalName): StoreRefusal =>
    new StoreRefusal(dialect.signatures.length === 1 && dialect.signatures[0] === 'hmac' ? 'unauthenticated' : why);
  if (account === undefined) throw say('keyUnknown');
  if (!verify(account.secretKey)) throw say('signature');
  if (head.headers['x-amz-security-token'] !== account.sessionToken) throw say('token');
  if (!(Math.abs(Date.now() - at) <= SKEW)) throw new StoreRefusal('clock');
  return account;
}

interface StoreClaim {
  readonly accessKey: string;
  readonly at: number;
  readonly verify: (secret: string) => boolean;
}

function claimHmac(head: SignedHead, { path, fullPathOnly }: StoreDialect): StoreClaim {
  const match = /^AWS ([^:\s]+):(\S+)$/.exec(head.headers.authorization ?? '');
  if (match === null) throw new StoreRefusal('denied');
  const [, accessKey = '', signature = ''] = match;
  const shortened = head.url.startsWith(`${path}/`) ? head.url.slice(path.length) : head.url;
  const urls = fullPathOnly ? [head.url] : [head.url, shortened];
  const verify = (secret: string): boolean =>
    urls.some((url) => same(createHmac('sha1', secret).update(text(head, url)).digest('base64'), signature));
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
  const claim = claimOf4(head);
  if ('what' in claim) throw new StoreRefusal('denied', claim.detail);
  const { accessKey, signature, at = Number.NaN } = claim;
  const hash = String(head.headers['x-amz-content-sha256'] ?? '');
  return {
    accessKey,
    at,
    verify: (secret) => signatures4(head, hash, secret).some((expected) => same(expected, signature)),
  };
}
