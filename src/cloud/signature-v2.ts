/** Signature version 2, the only one that Eucalyptus 3.2 takes and the one that no current SDK makes. */

import { createHmac } from 'node:crypto';

export interface Signable {
  readonly method: string;
  /** With its port, as the Host header has it. */
  readonly host: string;
  readonly path: string;
  readonly params: Readonly<Record<string, string>>;
}

export interface Keys {
  readonly accessKey: string;
  readonly secretKey: string;
  /** Of temporary keys. */
  readonly sessionToken?: string;
}

/** The form to send: what was in it, and the signature. */
export function signedForm(
  { method, host, path, params }: Signable,
  { accessKey, secretKey, sessionToken }: Keys,
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
 * Times for signatures, each of them once: 3.2 refuses a signature it has seen within 15 minutes, and two equal calls in one
 * millisecond would have the same. A clock that was set back is followed, for times in the future are refused too.
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

/** RFC 3986, but for `~`: 3.2 encodes the values anew to verify them, with a library that does not leave it alone. */
function encode(text: string): string {
  return encodeURIComponent(text).replace(/[!'()*~]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`);
}
