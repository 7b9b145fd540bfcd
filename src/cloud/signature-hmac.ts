/** S3's first signature (`AWS key:signature`), the only one that Eucalyptus accepts before 4.4. No current SDK makes it. */

import { createHmac } from 'node:crypto';
import type { Credentials } from './credentials';

export interface SignableObject {
  readonly method: string;
  /** The whole path as sent: 3.2 also signs `/services/Walrus`, and later releases accept either. */
  readonly path: string;
  readonly query: Readonly<Record<string, unknown>>;
  /** With names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
}

/** The only parts of a query that are signed. */
const SUB_RESOURCES = ['acl', 'location', 'logging', 'torrent', 'versionId', 'versioning', 'versions'] as const;

/** The Authorization header. The request must have a Date header. */
export function authorization(request: SignableObject, { accessKey, secretKey }: Credentials): string {
  return `AWS ${accessKey}:${createHmac('sha1', secretKey).update(stringToSign(request)).digest('base64')}`;
}

export function stringToSign({ method, path, query, headers }: SignableObject): string {
  const amazon = Object.keys(headers)
    .filter((name) => name.startsWith('x-amz-'))
    .sort()
    .map((name) => `${name}:${(headers[name] ?? '').trim()}\n`);
  const subResources = SUB_RESOURCES.filter((name) => name in query).map((name) => {
    const value = query[name];
    return typeof value === 'string' && value !== '' ? `${name}=${value}` : name;
  });
  const resource = subResources.length === 0 ? path : `${path}?${subResources.join('&')}`;
  return [
    method,
    headers['content-md5'] ?? '',
    headers['content-type'] ?? '',
    headers['date'] ?? '',
    amazon.join('') + resource,
  ].join('\n');
}
