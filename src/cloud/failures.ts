/** What clouds answer when they will not, and what keeps one from answering, in our codes: one table, the first row that fits. */

import { DeployError } from '../deployment/errors';
import type { ErrorCode } from '../deployment/errors';

/** What a caller may take for success: what should go is gone, what should be there is there. */
export type Sort = 'missing' | 'duplicate';

export class CloudFailure extends DeployError {
  constructor(
    code: ErrorCode,
    message: string,
    readonly sort?: Sort,
    retryAfter?: number,
    mayHaveHappened = false,
  ) {
    super(code, message, retryAfter, mayHaveHappened);
  }
}

/** An answer that says neither that it was done nor that it was not. */
export function unclear(message: string, code: ErrorCode = 'CLOUD_ERROR'): CloudFailure {
  return new CloudFailure(code, message, undefined, undefined, true);
}

/** Resolves to `instead` where the cloud says that it is so already. */
export async function unless<T>(sort: Sort, work: Promise<T>, instead: Partial<T>): Promise<Partial<T>> {
  try {
    return await work;
  } catch (error) {
    if (error instanceof CloudFailure && error.sort === sort) return instead;
    throw error;
  }
}

/** An error answer of any cloud, or of what stands between. */
export interface Answer {
  readonly status: number;
  /** Eucalyptus 3.2 puts the class of the request here, and HTTP's own words. */
  readonly code: string;
  readonly words: string;
  /** What the request was signed with; absent: keys that last. */
  readonly signedBy?: 'temporary keys' | 'temporary keys without their token';
}

interface Row {
  readonly code?: RegExp;
  readonly words?: RegExp;
  readonly status?: RegExp;
  /** Only in answer to these calls. */
  readonly call?: RegExp;
  readonly means: ErrorCode;
  readonly sort?: Sort;
  /** Milliseconds to wait, where the cloud does not say. */
  readonly wait?: number;
  /** It may have been done all the same. Every other answer is a refusal. */
  readonly unclear?: true;
}

/** A row fits if its call fits, and its code or its words; one of neither goes by the status. Words are mostly those of Eucalyptus. */
export const ANSWERS: readonly Row[] = [
  // Not performed: another process signed the same call in the same millisecond.
  { words: /message replay detected/i, means: 'CLOUD_THROTTLED', wait: 1_000 },
  {
    code: /^(RequestExpired|RequestInTheFuture|RequestTimeTooSkewed)$/,
    words:
      /message (was generated in the future|has expired)|failure to parse timestamp|signature (has )?expired|signature not yet current/i,
    means: 'CLOUD_CLOCK',
  },
  // 3.2 and 3.4 say so with the code of what one may not do.
  { words: /^user authentication failed/i, means: 'CLOUD_CREDENTIALS' },
  { call: /^RegisterImage$/, words: /must own the bucket/i, means: 'IMAGE_BUCKET_FOREIGN' },
  { call: /^RegisterImage$/, words: /manifest is not accessible/i, means: 'IMAGE_ACCOUNT' },
  { call: /^RegisterImage$/, words: /signature/i, means: 'IMAGE_KEY_MISMATCH' },
  { call: /^RegisterImage$/, words: /exceeds the configured maximum/i, means: 'IMAGE_TOO_BIG' },
  { call: /^RegisterImage$/, code: /^InvalidManifest$/, means: 'IMAGE_FAILED' },
  { code: /^InvalidAMIName\.Duplicate$/, means: 'IMAGE_NAME_TAKEN', sort: 'duplicate' },
  { code: /^InvalidAMIName\./, means: 'IMAGE_NAME' },
  {
    code: /^(RequestLimitExceeded|EC2ThrottledException|Throttl\w+|TooManyRequests\w*|ServerTooBusy|SlowDown)$/,
    means: 'CLOUD_THROTTLED',
    wait: 3_000,
  },
  {
    code: /^(UnauthorizedOperation|AccessDenied\w*)$/,
    words:
      /only administrators can|not authorized to|not authorized for|unauthorized|does not belong to you|access to the resource is denied|permission denied/i,
    means: 'CLOUD_PERMISSION',
  },
  {
    code: /^(AuthFailure|InvalidClientTokenId|InvalidAccessKeyId|SignatureDoesNotMatch|IncompleteSignature|MissingAuthenticationToken|UnrecognizedClientException|ExpiredToken\w*|InvalidToken|InvalidSecurity|403 Forbidden)$/,
    means: 'CLOUD_CREDENTIALS',
  },
  {
    call: /^AllocateAddress$/,
    code: /^(AddressLimitExceeded|InsufficientAddressCapacity|TooManyAddresses)$/,
    words:
      /quota exceeded|not ?enough ?resources|InsufficientAddressCapacity|attempt to allocate .* failed|couldn't allocate addresses/i,
    means: 'ADDRESS_NONE_LEFT',
  },
  { code: /^(Resource\.AlreadyAssociated|InvalidIPAddress\.InUse)$/, means: 'ADDRESS_IN_USE' },
  { call: /^AssociateAddress$/, code: /^(InvalidInstanceID|IncorrectInstanceState)$/, means: 'NOT_YET' },
  // Eucalyptus from 4.0 on, with a status of 500. Those before, and AWS, give what they have.
  { call: /^GetConsoleOutput$/, words: /not in a running state/i, means: 'NOT_YET' },
  // The instances that used it are gone and not yet forgotten.
  {
    call: /^DeleteSecurityGroup$/,
    code: /^(DependencyViolation|InvalidGroup\.InUse)$/,
    words: /ConstraintViolation/,
    means: 'NOT_YET',
  },
  {
    code: /^(InvalidGroup|InvalidPermission)\.Duplicate$/,
    words: /DuplicateMetadata/,
    means: 'CLOUD_REFUSED',
    sort: 'duplicate',
  },
  { code: /^IdempotentInstanceTerminated$/, means: 'INSTANCE_FAILED' },
  {
    call: /^RunInstances$/,
    code: /^(Insufficient\w*Capacity|(Instance|Vcpu)LimitExceeded)$/,
    words: /not ?enough ?(resources|addresses)|no network tags are free|quota exceeded/i,
    means: 'NO_CAPACITY',
  },
  {
    code: /^InvalidAMIID\./,
    words: /failed to lookup image|deregistered image/i,
    means: 'IMAGE_NOT_FOUND',
    sort: 'missing',
  },
  {
    code: /^InvalidKeyPair\.NotFound$/,
    words: /failed to find key pair/i,
    means: 'KEY_PAIR_NOT_FOUND',
    sort: 'missing',
  },
  {
    code: /^InvalidInstanceType$/,
    words: /instance type\b.* does not exist|no such instance type|for InstanceType/i,
    means: 'TYPE_NOT_FOUND',
    sort: 'missing',
  },
  // 4.4 says so with a status of 500.
  {
    code: /\.(NotFound|Malformed)$/,
    words: /\bfailed to (find|lookup) |^(address|association) .*not found/i,
    means: 'CLOUD_REFUSED',
    sort: 'missing',
  },
  { code: /^BucketAlreadyOwnedByYou$/, means: 'CLOUD_REFUSED', sort: 'duplicate' },
  { code: /^BucketAlreadyExists$/, means: 'IMAGE_BUCKET_FOREIGN' },
  { code: /^EntityTooLarge$/, means: 'IMAGE_TOO_BIG' },
  { code: /^NoSuch(Bucket|Key|Entity)$/, means: 'CLOUD_REFUSED', sort: 'missing' },
  // Answers to HEAD have no words.
  { call: /^Head/, status: /^404$/, means: 'CLOUD_REFUSED', sort: 'missing' },
  { call: /^Head/, status: /^403$/, means: 'CLOUD_PERMISSION' },
  // What arrived is not what was sent, or another request makes the same bucket: once more.
  { code: /^(BadDigest|RequestTimeout|IncompleteBody|OperationAborted)$/, means: 'CLOUD_ERROR' },
  { status: /^429$/, means: 'CLOUD_THROTTLED', wait: 3_000 },
  { status: /^5/, means: 'CLOUD_ERROR', unclear: true },
];

/** The SDK's names for an answer that is no EC2 error: a proxy's page, or a path where nothing is. */
export const NO_CLOUD = /^(Unknown|NotFound)$/;

/** Which of the cloud's services answered, and the key of the spec that leads there. */
export interface Service {
  readonly speaks: string;
  readonly at: string;
}

export const EC2: Service = { speaks: 'EC2', at: 'cloud.endpoint' };
export const S3: Service = { speaks: 'S3', at: 'cloud.storage' };

const NOT_ACCEPTED = {
  'lasting keys': 'The cloud does not accept the access key or the secret key',
  'temporary keys':
    'The cloud does not accept the access key, the secret key or the session token, or they have expired',
  'temporary keys without their token':
    'The cloud does not accept the access key or the secret key; the key is a temporary one, which needs its session token (cloud.credentials.sessionToken)',
} as const;

const SAYS: Partial<Record<ErrorCode, (call: string, answer: Answer, service: Service) => string>> = {
  CLOUD_THROTTLED: (call) => `The cloud asks for patience at ${call}`,
  CLOUD_CLOCK: () => 'The cloud says that the clock here is wrong',
  CLOUD_PERMISSION: (call) => `The account may not do ${call}`,
  CLOUD_CREDENTIALS: (_call, { signedBy }) => NOT_ACCEPTED[signedBy ?? 'lasting keys'],
  CLOUD_UNREACHABLE: (_call, { status }, { speaks, at }) =>
    `What answers at ${at} does not speak ${speaks} (HTTP ${status})`,
  CLOUD_ERROR: (call, { status }) => `The cloud failed at ${call} (HTTP ${status})`,
};

const MAX_WORDS = 300;

/** @param asked milliseconds the cloud itself asked us to wait. */
export function refusal(call: string, answer: Answer, asked?: number, service = EC2): CloudFailure {
  const { status, code, words } = answer;
  const row = rowFor(call, answer);
  const means = isExpired(answer)
    ? 'CLOUD_CREDENTIALS'
    : (row?.means ?? (NO_CLOUD.test(code) ? 'CLOUD_UNREACHABLE' : 'CLOUD_REFUSED'));
  const says = SAYS[means]?.(call, answer, service) ?? `The cloud refused ${call}`;
  const text = words.replace(/\s+/g, ' ').trim();
  const cut = text.length > MAX_WORDS ? `${text.slice(0, MAX_WORDS)}…` : text;
  const wait = row?.wait === undefined ? undefined : (asked ?? row.wait);
  return new CloudFailure(
    means,
    `${says}: ${cut.replace(/\.$/, '')} (${code}).`,
    row?.sort,
    wait,
    row?.unclear === true || isNoRefusal(status),
  );
}

/** What is no answer to a request at all, or a good one that makes no sense. */
function isNoRefusal(status: number): boolean {
  return status < 400;
}

/** EC2 says the same of a request that came late and of a session that is over, and sessions end more often than clocks go wrong. */
function isExpired({ code, words, signedBy }: Answer): boolean {
  return signedBy !== undefined && /^(RequestExpired|ExpiredToken\w*)$/.test(code) && !/future|timestamp/i.test(words);
}

export function rowFor(call: string, { status, code, words }: Answer): Row | undefined {
  return ANSWERS.filter((row) => row.call?.test(call) !== false).find(
    (row) =>
      row.code?.test(code) === true || row.words?.test(words) === true || row.status?.test(String(status)) === true,
  );
}
