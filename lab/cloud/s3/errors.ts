/**
 * S3 errors. The codes are the same on all releases, except that Eucalyptus before 4 has another code for a missing
 * object.
 */

import { write } from '../xml';

interface Row {
  readonly code: string;
  readonly status: number;
  readonly message: string;
}

const ROWS = {
  denied: { code: 'AccessDenied', status: 403, message: 'Access Denied' },
  unauthenticated: { code: 'AccessDenied', status: 403, message: 'User authentication failed.' },
  keyUnknown: {
    code: 'InvalidAccessKeyId',
    status: 403,
    message: 'The AWS Access Key Id you provided does not exist in our records.',
  },
  signature: {
    code: 'SignatureDoesNotMatch',
    status: 403,
    message: 'The request signature we calculated does not match the signature you provided.',
  },
  token: { code: 'InvalidToken', status: 400, message: 'The provided token is malformed or otherwise invalid.' },
  clock: {
    code: 'RequestTimeTooSkewed',
    status: 403,
    message: 'The difference between the request time and the current time is too large.',
  },
  bucketMissing: { code: 'NoSuchBucket', status: 404, message: 'The specified bucket does not exist' },
  keyMissing: { code: 'NoSuchKey', status: 404, message: 'The specified key does not exist.' },
  entityMissing: { code: 'NoSuchEntity', status: 404, message: 'The specified entity was not found' },
  bucketForeign: { code: 'BucketAlreadyExists', status: 409, message: 'The requested bucket name is not available.' },
  bucketOwn: {
    code: 'BucketAlreadyOwnedByYou',
    status: 409,
    message: 'Your previous request to create the named bucket succeeded and you already own it.',
  },
  bucketFull: { code: 'BucketNotEmpty', status: 409, message: 'The bucket you tried to delete is not empty' },
  bucketName: { code: 'InvalidBucketName', status: 400, message: 'The specified bucket is not valid.' },
  location: {
    code: 'InvalidLocationConstraint',
    status: 400,
    message: 'The specified location constraint is not valid.',
  },
  digest: { code: 'BadDigest', status: 400, message: 'The Content-MD5 you specified did not match what we received.' },
  bodyHash: {
    code: 'XAmzContentSHA256Mismatch',
    status: 400,
    message: 'The provided x-amz-content-sha256 does not match what was computed.',
  },
  argument: { code: 'InvalidArgument', status: 400, message: 'Invalid Argument' },
  length: { code: 'MissingContentLength', status: 411, message: 'You must provide the Content-Length HTTP header.' },
  tooLarge: {
    code: 'EntityTooLarge',
    status: 400,
    message: 'Your proposed upload exceeds the maximum allowed object size.',
  },
  range: { code: 'InvalidRange', status: 416, message: 'The requested range is not satisfiable' },
  method: {
    code: 'MethodNotAllowed',
    status: 405,
    message: 'The specified method is not allowed against this resource.',
  },
  notSimulated: { code: 'NotImplemented', status: 501, message: 'The lab does not simulate this.' },
  throttled: { code: 'SlowDown', status: 503, message: 'Please reduce your request rate.' },
  broken: { code: 'InternalError', status: 500, message: 'We encountered an internal error. Please try again.' },
} as const satisfies Record<string, Row>;

export type S3ErrorName = keyof typeof ROWS;

/** Thrown by operations. */
export class S3Error extends Error {
  readonly status: number;
  readonly xml: string;

  constructor(
    readonly why: S3ErrorName,
    detail = '',
  ) {
    const { code, status, message } = ROWS[why];
    super(detail === '' ? message : `${message} ${detail}`);
    this.status = status;
    this.xml = write('Error', undefined, { Code: code, Message: this.message, RequestId: 'lab' });
  }
}
