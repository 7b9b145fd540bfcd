/** EC2's signature version 2, the only one that Eucalyptus 3.2 accepts. No current SDK makes it. */

import { createHmac } from 'node:crypto';
import type { Credentials } from './credentials';

export interface Signable {
  readonly method: string;
  /** With the port, as in the Host header. */
  readonly host: string;
  readonly path: string;
  readonly params: Readonly<Record<string, string>>;
}

/** The form body to send: the given parameters, and those of the signature. */
export function signedForm(
  { method, host, path, params }: Signable,
  { accessKey, secretKey, sessionToken }: Credentials,
  timestamp: string,
): string {
  const all = {
    ...params,
    ...(sessionToken === undefined ? {} : { SecurityToken: sessionToken }),
    AWSAccessKeyId: accessKey,
    SignatureMethod: 'HmacSHA256',
    SignatureVersion: '2',
    Timestamp: timestamp,
  };
  const signature = createHmac('sha256', secretKey)
    .update(stringToSign({ method, host, path, params: all }))
    .digest('base64');
  return `${form(all)}&Signature=${encode(signature)}`;
}

export function stringToSign({ method, host, path, params }: Signable): string {
  return `${method}\n${host.toLowerCase()}\n${path}\n${form(params)}`;
}

/**
 * Never the same time twice: 3.2 refuses a signature it has seen within 15 minutes, and two equal calls in one millisecond would have
 * the same. A clock that was set back is followed, because times in the future are refused too.
 */
export function timestamps(now: () => number): () => string {
  let last = 0;
  return () => {
    const time = now();
    last = time > last || time < last - 1000 ? time : last + 1;
    return new Date(last).toISOString();
  };
}

function form(params: Readonly<Record<string, string>>): string {
  return Object.keys(params)
    .sort()
    .map((name) => `${encode(name)}=${encode(params[name] ?? '')}`)
    .join('&');
}

/** As in RFC 3986, but `~` is encoded too: 3.2 encodes the values again to verify them, with a library that encodes it. */
function encode(text: string): string {
  return encodeURIComponent(text).replace(/[!'()*~]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`);
}
