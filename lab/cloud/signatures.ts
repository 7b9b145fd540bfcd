/**
 * Checks the signature of a request. Written from the specification, and not with the code of any client, so that it
 * shares no mistakes.
 */

import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import type { Dialect } from './dialects';
import type { ErrorResponse } from './ec2-errors';
import type { Params } from './parameters';

export interface SignedRequest {
  readonly method: string;
  /** Path and query as received. */
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  readonly params: Params;
}

export interface Account {
  readonly accessKey: string;
  readonly secretKey: string;
  /** Required with temporary keys. */
  readonly sessionToken?: string;
  readonly admin: boolean;
  /** Twelve digits. */
  readonly number: string;
  readonly registersKernels: boolean;
}

/** What is wrong with a signature, in the same terms for all clouds. */
export interface SignatureProblem {
  readonly what: 'unsigned' | 'version' | 'key' | 'signature' | 'time' | 'replay';
  readonly detail: string;
}

/** Code and status on AWS. Eucalyptus answers 403 to all of them. */
const AWS_CODES: Readonly<Record<SignatureProblem['what'], { readonly code: string; readonly status: number }>> = {
  unsigned: { code: 'MissingAuthenticationToken', status: 400 },
  version: { code: 'InvalidRequest', status: 400 },
  key: { code: 'AuthFailure', status: 401 },
  signature: { code: 'AuthFailure', status: 401 },
  time: { code: 'RequestExpired', status: 400 },
  replay: { code: 'RequestExpired', status: 400 },
};

export class Authenticator {
  /** Used signatures, with the time they expire. */
  private readonly seen = new Map<string, number>();

  constructor(
    private readonly dialect: Dialect,
    private readonly accounts: readonly Account[],
  ) {}

  /** The account that signed the request, or the error response. */
  authenticate(request: SignedRequest): Account | ErrorResponse {
    const result = this.examine(request);
    return 'what' in result ? this.responseTo(result) : result;
  }

  private examine(request: SignedRequest): Account | SignatureProblem {
    const v4 = request.headers.authorization?.startsWith('AWS4-HMAC-SHA256 ') === true;
    if (!v4 && request.params['Signature'] === undefined)
      return { what: 'unsigned', detail: 'The request is not signed' };
    if (!this.dialect.signatures.includes(v4 ? '4' : '2'))
      return { what: 'version', detail: `Unsupported signature version ${v4 ? 4 : 2}` };
    const claim = v4 ? claimV4(request) : claimV2(request);
    if ('what' in claim) return claim;
    const account = this.accounts.find(({ accessKey }) => accessKey === claim.accessKey);
    if (account === undefined)
      return { what: 'key', detail: 'The AWS Access Key Id you provided does not exist in our records' };
    const expected = v4
      ? expectedV4(request, sha256(request.body), account.secretKey)
      : expectedV2(request, account.secretKey, this.dialect.kind === 'eucalyptus-3.2');
    if (!expected.some((signature) => equalInConstantTime(signature, claim.signature)))
      return { what: 'signature', detail: 'User authentication failed.' };
    const token = v4 ? request.headers['x-amz-security-token'] : request.params['SecurityToken'];
    if (token !== account.sessionToken)
      return { what: 'key', detail: 'The security token included in the request is invalid' };
    return this.timeProblem(claim) ?? this.replayProblem(claim) ?? account;
  }

  private timeProblem({ at, expires }: Claim): SignatureProblem | undefined {
    const { future, past } = this.dialect.clock;
    const now = Date.now();
    if (Number.isNaN(at ?? expires ?? Number.NaN)) return { what: 'time', detail: 'Failure to parse timestamp' };
    if (at !== undefined && at > now + future)
      return { what: 'time', detail: 'Message was generated in the future (times in UTC)' };
    if (now > (at === undefined ? (expires ?? 0) : at + past))
      return { what: 'time', detail: 'Message has expired (times in UTC)' };
    return undefined;
  }

  private replayProblem({ signature }: Claim): SignatureProblem | undefined {
    if (!this.dialect.refusesReplay) return undefined;
    const now = Date.now();
    for (const [old, until] of this.seen) {
      if (until > now) break;
      this.seen.delete(old);
    }
    if (this.seen.has(signature)) {
      return { what: 'replay', detail: 'Message replay detected.  Same signature was used within the last 15 minutes' };
    }
    this.seen.set(signature, now + this.dialect.clock.past);
    return undefined;
  }

  private responseTo({ what, detail }: SignatureProblem): ErrorResponse {
    if (this.dialect.eucalyptus) return { status: 403, code: '403 Forbidden', message: detail };
    const message =
      what === 'key' || what === 'signature' ? 'AWS was not able to validate the provided access credentials' : detail;
    return { ...AWS_CODES[what], message };
  }
}

export interface Claim {
  readonly accessKey: string;
  readonly signature: string;
  /** When the request was signed, or when it expires; NaN if unreadable. */
  readonly at?: number;
  readonly expires?: number;
}

function claimV2({ params }: SignedRequest): Claim | SignatureProblem {
  if (params['SignatureVersion'] !== '2')
    return { what: 'version', detail: `Unsupported signature version ${params['SignatureVersion'] ?? ''}` };
  const { Timestamp: made, Expires: until } = params;
  if (made === undefined && until === undefined)
    return { what: 'time', detail: 'One of the following parameters must be specified: Timestamp OR Expires' };
  return {
    accessKey: params['AWSAccessKeyId'] ?? '',
    signature: params['Signature'] ?? '',
    ...(made === undefined ? { expires: utc(until ?? '') } : { at: utc(made) }),
  };
}

const METHODS: Readonly<Record<string, string>> = { HmacSHA256: 'sha256', HmacSHA1: 'sha1' };

/** Eucalyptus accepts the signature for the host with or without its port. */
function expectedV2(
  { method, url, headers, params }: SignedRequest,
  secret: string,
  reEncodesTilde: boolean,
): string[] {
  const hash = METHODS[params['SignatureMethod'] ?? ''];
  if (hash === undefined) return [];
  // 3.2 encodes values with commons-codec, which encodes `~` too. The signature of a request with a `~` never matches
  // there.
  const encode = (text: string): string => (reEncodesTilde ? rfc3986(text).replaceAll('~', '%7E') : rfc3986(text));
  const names = Object.keys(params)
    .filter((name) => name !== 'Signature')
    .sort();
  const query = names.map((name) => `${encode(name)}=${encode(params[name] ?? '')}`).join('&');
  const host = (headers.host ?? '').toLowerCase();
  const path = url.split('?')[0] ?? '/';
  return [host, host.replace(/:\d+$/, '')].map((name) =>
    createHmac(hash, secret).update(`${method}\n${name}\n${path}\n${query}`).digest('base64'),
  );
}

const AUTHORIZATION =
  /^AWS4-HMAC-SHA256 Credential=([^/]+)\/(\d{8})\/([^/]+)\/([^/]+)\/aws4_request,\s*SignedHeaders=([^,]+),\s*Signature=([0-9a-f]{64})$/;

export function claimV4({ headers }: Pick<SignedRequest, 'headers'>): Claim | SignatureProblem {
  const match = AUTHORIZATION.exec(headers.authorization ?? '');
  if (match === null) return { what: 'unsigned', detail: 'Invalid authorization header' };
  const date = String(headers['x-amz-date'] ?? '').replace(
    /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/,
    '$1-$2-$3T$4:$5:$6Z',
  );
  return { accessKey: match[1] ?? '', signature: match[6] ?? '', at: utc(date) };
}

/** @param hash of the body, or the header value that replaces it */
export function expectedV4(
  { method, url, headers }: Pick<SignedRequest, 'method' | 'url' | 'headers'>,
  hash: string,
  secret: string,
): string[] {
  const [, , day = '', region = '', service = '', signedHeaders = ''] =
    AUTHORIZATION.exec(headers.authorization ?? '') ?? [];
  const names = signedHeaders.split(';');
  // These headers must be signed.
  if (!names.includes('host') || !names.includes('x-amz-date')) return [];
  if (headers['x-amz-security-token'] !== undefined && !names.includes('x-amz-security-token')) return [];
  const [path = '/', query = ''] = url.split('?');
  const canonicalQuery = [...new URLSearchParams(query)]
    .map(([name, value]) => `${rfc3986(name)}=${rfc3986(value)}`)
    .sort()
    .join('&');
  const canonicalHeaders = names
    .map(
      (name) =>
        `${name}:${String(headers[name] ?? '')
          .trim()
          .replace(/\s+/g, ' ')}\n`,
    )
    .join('');
  const canonical = [method, path, canonicalQuery, canonicalHeaders, signedHeaders, hash].join('\n');
  const scope = `${day}/${region}/${service}/aws4_request`;
  const toSign = ['AWS4-HMAC-SHA256', String(headers['x-amz-date']), scope, sha256(canonical)].join('\n');
  const key = [day, region, service, 'aws4_request'].reduce<Buffer>(
    (previous, part) => hmac(previous, part),
    Buffer.from(`AWS4${secret}`),
  );
  return [hmac(key, toSign).toString('hex')];
}

/** A time without a zone is in UTC. */
function utc(time: string): number {
  return Date.parse(/(Z|[+-]\d\d:?\d\d)$/.test(time) ? time : `${time}Z`);
}

function rfc3986(text: string): string {
  return encodeURIComponent(text).replace(/[!'()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`);
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

function hmac(key: Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest();
}

export function equalInConstantTime(a: string, b: string): boolean {
  return a.length === b.length && timingSafeEqual(Buffer.from(a), Buffer.from(b));
}
