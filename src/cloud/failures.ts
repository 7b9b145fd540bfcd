/** Error answers of clouds, mapped to our error codes by one table. */

import { DeployError } from '../deployment/errors';
import type { ErrorCode } from '../deployment/errors';

/** Errors that a caller may take for success: what should be gone is gone, what should exist exists. */
export type Reason = 'missing' | 'duplicate';

export class CloudFailure extends DeployError {
  constructor(
    code: ErrorCode,
    message: string,
    readonly reason?: Reason,
    retryAfter?: number,
    mayHaveHappened = false,
  ) {
    super(code, message, retryAfter, mayHaveHappened);
  }
}

/** The request may or may not have taken effect. */
export function unclear(message: string, code: ErrorCode = 'CLOUD_ERROR'): CloudFailure {
  return new CloudFailure(code, message, undefined, undefined, true);
}

/** Resolves to `fallback` where the request fails for that reason. */
export async function tolerate<T>(reason: Reason, request: Promise<T>, fallback: Partial<T>): Promise<Partial<T>> {
  try {
    return await request;
  } catch (error) {
    if (error instanceof CloudFailure && error.reason === reason) return fallback;
    throw error;
  }
}

/** An error answer of any cloud, or of something in between. */
export interface ErrorAnswer {
  readonly status: number;
  /** Eucalyptus 3.2 sends the class of the request, or HTTP's own reason phrase. */
  readonly code: string;
  readonly message: string;
  /** What the request was signed with; absent: long-term credentials. */
  readonly signedBy?: 'temporary keys' | 'temporary keys without their token';
}

interface AnswerRow {
  readonly code?: RegExp;
  readonly message?: RegExp;
  readonly status?: RegExp;
  /** Only in answer to these calls. */
  readonly call?: RegExp;
  readonly means: ErrorCode;
  readonly reason?: Reason;
  /** Milliseconds, where the cloud gives none. */
  readonly retryAfter?: number;
  /** The request may have taken effect all the same. All other answers are refusals. */
  readonly unclear?: true;
}

/**
 * The first row that matches counts. A row matches if its call does, and its code or its message; a row with neither goes by the status.
 * Messages are mostly those of Eucalyptus.
 */
export const ANSWERS: readonly AnswerRow[] = [
  // Not performed: another process signed the same call in the same millisecond.
  { message: /message replay detected/i, means: 'CLOUD_THROTTLED', retryAfter: 1_000 },
  {
    code: /^(RequestExpired|RequestInTheFuture|RequestTimeTooSkewed)$/,
    message:
      /message (was generated in the future|has expired)|failure to parse timestamp|signature (has )?expired|signature not yet current/i,
    means: 'CLOUD_CLOCK',
  },
  // 3.2 and 3.4 use the code of a missing permission.
  { message: /^user authentication failed/i, means: 'CLOUD_CREDENTIALS' },
  { call: /^RegisterImage$/, message: /must own the bucket/i, means: 'IMAGE_BUCKET_FOREIGN' },
  { call: /^RegisterImage$/, message: /manifest is not accessible/i, means: 'IMAGE_ACCOUNT' },
  { call: /^RegisterImage$/, message: /signature/i, means: 'IMAGE_KEY_MISMATCH' },
  { call: /^RegisterImage$/, message: /exceeds the configured maximum/i, means: 'IMAGE_TOO_BIG' },
  { call: /^RegisterImage$/, code: /^InvalidManifest$/, means: 'IMAGE_FAILED' },
  { code: /^InvalidAMIName\.Duplicate$/, means: 'IMAGE_NAME_TAKEN', reason: 'duplicate' },
  { code: /^InvalidAMIName\./, means: 'IMAGE_NAME' },
  {
    code: /^(RequestLimitExceeded|EC2ThrottledException|Throttl\w+|TooManyRequests\w*|ServerTooBusy|SlowDown)$/,
    means: 'CLOUD_THROTTLED',
    retryAfter: 3_000,
  },
  {
    code: /^(UnauthorizedOperation|AccessDenied\w*)$/,
    message:
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
    message:
      /quota exceeded|not ?enough ?resources|InsufficientAddressCapacity|attempt to allocate .* failed|couldn't allocate addresses/i,
    means: 'ADDRESS_NONE_LEFT',
  },
  { code: /^(Resource\.AlreadyAssociated|InvalidIPAddress\.InUse)$/, means: 'ADDRESS_IN_USE' },
  { call: /^AssociateAddress$/, code: /^(InvalidInstanceID|IncorrectInstanceState)$/, means: 'NOT_YET' },
  // Eucalyptus from 4.0 on, with status 500. Earlier releases and AWS return what there is.
  { call: /^GetConsoleOutput$/, message: /not in a running state/i, means: 'NOT_YET' },
  // Instances that used it are terminated but still listed.
  {
    call: /^DeleteSecurityGroup$/,
    code: /^(DependencyViolation|InvalidGroup\.InUse)$/,
    message: /ConstraintViolation/,
    means: 'NOT_YET',
  },
  {
    code: /^(InvalidGroup|InvalidPermission)\.Duplicate$/,
    message: /DuplicateMetadata/,
    means: 'CLOUD_REFUSED',
    reason: 'duplicate',
  },
  // It is being detached from an instance that is going down, or deleted already.
  { call: /^(Attach|Delete)Volume$/, code: /^VolumeInUse$/, message: /volume is not available/i, means: 'NOT_YET' },
  {
    call: /^AttachVolume$/,
    code: /^InvalidVolume\.ZoneMismatch$/,
    message: /in the same (zone|cluster)/i,
    means: 'VOLUME_ZONE',
  },
  { call: /^AttachVolume$/, code: /^IncorrectInstanceState$/, message: /not in a running state/i, means: 'NOT_YET' },
  {
    call: /^CreateVolume$/,
    code: /^(VolumeLimitExceeded|MaxIOPSLimitExceeded|InsufficientVolumeCapacity)$/,
    message: /quota exceeded|exceeds? (the )?(storage|volume|limit)/i,
    means: 'VOLUME_NONE_LEFT',
  },
  { code: /^IdempotentInstanceTerminated$/, means: 'INSTANCE_FAILED' },
  {
    call: /^RunInstances$/,
    code: /^(Insufficient\w*Capacity|(Instance|Vcpu)LimitExceeded)$/,
    message: /not ?enough ?(resources|addresses)|no network tags are free|quota exceeded/i,
    means: 'NO_CAPACITY',
  },
  {
    code: /^InvalidAMIID\./,
    message: /failed to lookup image|deregistered image/i,
    means: 'IMAGE_NOT_FOUND',
    reason: 'missing',
  },
  {
    code: /^InvalidKeyPair\.NotFound$/,
    message: /failed to find key pair/i,
    means: 'KEY_PAIR_NOT_FOUND',
    reason: 'missing',
  },
  {
    code: /^InvalidInstanceType$/,
    message: /instance type\b.* does not exist|no such instance type|for InstanceType/i,
    means: 'TYPE_NOT_FOUND',
    reason: 'missing',
  },
  // 4.4 answers so with status 500.
  {
    code: /\.(NotFound|Malformed)$/,
    message: /\bfailed to (find|lookup) |^(address|association) .*not found/i,
    means: 'CLOUD_REFUSED',
    reason: 'missing',
  },
  { code: /^BucketAlreadyOwnedByYou$/, means: 'CLOUD_REFUSED', reason: 'duplicate' },
  { code: /^BucketAlreadyExists$/, means: 'IMAGE_BUCKET_FOREIGN' },
  { code: /^EntityTooLarge$/, means: 'IMAGE_TOO_BIG' },
  { code: /^NoSuch(Bucket|Key|Entity)$/, means: 'CLOUD_REFUSED', reason: 'missing' },
  // Answers to HEAD have no body.
  { call: /^Head/, status: /^404$/, means: 'CLOUD_REFUSED', reason: 'missing' },
  { call: /^Head/, status: /^403$/, means: 'CLOUD_PERMISSION' },
  // The body was damaged on its way, or another request creates the same bucket: try again.
  { code: /^(BadDigest|RequestTimeout|IncompleteBody|OperationAborted)$/, means: 'CLOUD_ERROR' },
  { status: /^429$/, means: 'CLOUD_THROTTLED', retryAfter: 3_000 },
  { status: /^5/, means: 'CLOUD_ERROR', unclear: true },
];

/** The SDK's names for an answer that is no error of the service: a proxy's page, or a path where nothing is. */
export const UNRECOGNIZED = /^(Unknown|NotFound)$/;

/** Which of the cloud's services, and the key of the spec that says where it is. */
export interface Service {
  readonly name: string;
  readonly specKey: string;
}

export const EC2: Service = { name: 'EC2', specKey: 'cloud.endpoint' };
export const S3: Service = { name: 'S3', specKey: 'cloud.storage' };

const CREDENTIALS_REFUSED = {
  'lasting keys': 'The cloud does not accept the access key or the secret key',
  'temporary keys':
    'The cloud does not accept the access key, the secret key or the session token, or they have expired',
  'temporary keys without their token':
    'The cloud does not accept the access key or the secret key; the key is a temporary one, which needs its session token (cloud.credentials.sessionToken)',
} as const;

const SENTENCES: Partial<Record<ErrorCode, (call: string, answer: ErrorAnswer, service: Service) => string>> = {
  CLOUD_THROTTLED: (call) => `The cloud throttles ${call}`,
  CLOUD_CLOCK: () => "The cloud says that this machine's clock is wrong",
  CLOUD_PERMISSION: (call) => `The account may not do ${call}`,
  CLOUD_CREDENTIALS: (_call, { signedBy }) => CREDENTIALS_REFUSED[signedBy ?? 'lasting keys'],
  CLOUD_UNREACHABLE: (_call, { status }, { name, specKey }) =>
    `What answers at ${specKey} does not speak ${name} (HTTP ${status})`,
  CLOUD_ERROR: (call, { status }) => `The cloud failed at ${call} (HTTP ${status})`,
};

const MAX_MESSAGE = 300;

/** @param retryAfter milliseconds, as the cloud itself asked for */
export function refusal(call: string, answer: ErrorAnswer, retryAfter?: number, service = EC2): CloudFailure {
  const { status, code, message } = answer;
  const row = rowFor(call, answer);
  const means = isExpiredSession(answer)
    ? 'CLOUD_CREDENTIALS'
    : (row?.means ?? (UNRECOGNIZED.test(code) ? 'CLOUD_UNREACHABLE' : 'CLOUD_REFUSED'));
  const sentence = SENTENCES[means]?.(call, answer, service) ?? `The cloud refused ${call}`;
  const text = message.replace(/\s+/g, ' ').trim();
  const shown = text.length > MAX_MESSAGE ? `${text.slice(0, MAX_MESSAGE)}…` : text;
  return new CloudFailure(
    means,
    `${sentence}: ${shown.replace(/\.$/, '')} (${code}).`,
    row?.reason,
    row?.retryAfter === undefined ? undefined : (retryAfter ?? row.retryAfter),
    row?.unclear === true || !isErrorStatus(status),
  );
}

/** Otherwise there was no answer to the request at all, or a successful one that makes no sense. */
function isErrorStatus(status: number): boolean {
  return status >= 400;
}

/** EC2 uses one code for a late request and for a session that has ended, and sessions end more often than clocks go wrong. */
function isExpiredSession({ code, message, signedBy }: ErrorAnswer): boolean {
  return (
    signedBy !== undefined && /^(RequestExpired|ExpiredToken\w*)$/.test(code) && !/future|timestamp/i.test(message)
  );
}

export function rowFor(call: string, { status, code, message }: ErrorAnswer): AnswerRow | undefined {
  return ANSWERS.filter((row) => row.call?.test(call) !== false).find(
    (row) =>
      row.code?.test(code) === true || row.message?.test(message) === true || row.status?.test(String(status)) === true,
  );
}
