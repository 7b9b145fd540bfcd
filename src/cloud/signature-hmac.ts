/** S3's first signature (`AWS key:signature`), the only one that Eucalyptus takes before 4.4 and one that no current SDK makes. */

import { createHmac } from 'node:crypto';
import type { Keys } from './signature-v2';

export interface SignableObject {
  readonly method: string;
  /** As it is sent, with that of the service: 3.2 signs `/services/Walrus` too, and later releases take either. */
  readonly path: string;
  readonly query: Readonly<Record<string, unknown>>;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
}

/** Everything else in a query is not under the signature. */
const SUB_RESOURCES = ['acl', 'location', 'logging', 'torrent', 'versionId', 'versioning', 'versions'] as const;

/** The Authorization header. There must be a Date. */
export function authorization(request: SignableObject, { accessKey, secretKey }: Keys): string {
  return `AWS ${accessKey}:${createHmac('sha1', secretKey).update(stringToSign(request)).digest('base64')}`;
}

export function stringToSign({ method, path, query, headers }: SignableObject): string {
  const amazon = Object.keys(headers)
    .filter((name) => name.startsWith('x-amz-'))
    .sort()
    .map((name) => `${name}:${(headers[name] ?? '').trim()}\n`);
  const asked = SUB_RESOURCES.filter((name) => name in query).map((name) => {
    const value = query[name];
    return typeof value === 'string' && value !== '' ? `${name}=${value}` : name;
  });
  const resource = asked.length === 0 ? path : `${path}?${asked.join('&')}`;
  return [
    method,
    headers['content-md5'] ?? '',
    headers['content-type'] ?? '',
    headers['date'] ?? '',
    amazon.join('') + resource,
  ].join('\n');
}
