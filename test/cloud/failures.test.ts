/** The table of error answers, with messages from the clouds' sources and codes from AWS' list, mapped to our codes. */

import assert from 'node:assert/strict';
import { ANSWERS, EC2, refusal, rowFor, tolerate } from '../../src/cloud/failures';
import type { ErrorAnswer, Reason } from '../../src/cloud/failures';
import { unreachable } from '../../src/cloud/connection-failures';
import type { ErrorCode } from '../../src/deployment/errors';

type Case = readonly [call: string, answer: ErrorAnswer, code: ErrorCode, reason?: Reason];

const answer = (status: number, code: string, message: string): ErrorAnswer => ({ status, code, message });
const euca32 = (call: string, message: string): ErrorAnswer => answer(406, `${call}Type`, message);

const CASES: readonly Case[] = [
  [
    'DescribeImages',
    answer(403, '403 Forbidden', 'Message replay detected.  Same signature was used within the last 15 minutes'),
    'CLOUD_THROTTLED',
  ],
  [
    'DescribeImages',
    answer(403, '403 Forbidden', 'Message was generated in the future (times in UTC): Timestamp=x'),
    'CLOUD_CLOCK',
  ],
  ['DescribeImages', answer(403, '403 Forbidden', 'Message has expired (times in UTC): Timestamp=x'), 'CLOUD_CLOCK'],
  ['DescribeImages', answer(400, 'RequestExpired', 'Request has expired.'), 'CLOUD_CLOCK'],
  [
    'DescribeImages',
    answer(403, 'SignatureDoesNotMatch', 'Signature expired: 20130101T000000Z is now earlier than …'),
    'CLOUD_CLOCK',
  ],
  ['RunInstances', answer(503, 'RequestLimitExceeded', 'Request limit exceeded.'), 'CLOUD_THROTTLED'],
  ['RunInstances', answer(429, 'Unknown', 'Unknown'), 'CLOUD_THROTTLED'],
  [
    'RunInstances',
    answer(403, 'UnauthorizedOperation', 'You are not authorized to perform this operation.'),
    'CLOUD_PERMISSION',
  ],
  ['RunInstances', answer(400, 'AuthFailure', 'Not authorized for images: [ami-1]'), 'CLOUD_PERMISSION'],
  ['ReleaseAddress', answer(400, 'AuthFailure', "The address '192.0.2.1' does not belong to you."), 'CLOUD_PERMISSION'],
  [
    'CreateSecurityGroup',
    euca32(
      'CreateSecurityGroup',
      'AuthException: Not authorized to create: securitygroup by user: arn:aws:euare::1:user/x',
    ),
    'CLOUD_PERMISSION',
  ],
  [
    'RunInstances',
    euca32('RunInstances', 'Not authorized to allocate vm type m1.large for arn:aws:euare::1:user/x'),
    'CLOUD_PERMISSION',
  ],
  ['DescribeImages', answer(403, '403 Forbidden', 'User authentication failed.'), 'CLOUD_CREDENTIALS'],
  [
    'DescribeImages',
    answer(401, 'AuthFailure', 'AWS was not able to validate the provided access credentials'),
    'CLOUD_CREDENTIALS',
  ],
  [
    'DescribeImages',
    answer(403, 'InvalidClientTokenId', 'The AWS Access Key Id you provided does not exist in our records'),
    'CLOUD_CREDENTIALS',
  ],
  [
    'AllocateAddress',
    answer(400, 'AddressLimitExceeded', 'The maximum number of addresses has been reached.'),
    'ADDRESS_NONE_LEFT',
  ],
  [
    'AllocateAddress',
    euca32('AllocateAddress', 'com.eucalyptus.cloud.util.NotEnoughResourcesException: InsufficientAddressCapacity'),
    'ADDRESS_NONE_LEFT',
  ],
  [
    'AllocateAddress',
    euca32('AllocateAddress', 'Quota exceeded while trying to create: address by user: arn:aws:euare::1:user/x'),
    'ADDRESS_NONE_LEFT',
  ],
  ['AllocateAddress', euca32('AllocateAddress', 'Attempt to allocate 1 address failed.'), 'ADDRESS_NONE_LEFT'],
  [
    'AssociateAddress',
    answer(400, 'Resource.AlreadyAssociated', 'resource eipalloc-1 is already associated'),
    'ADDRESS_IN_USE',
  ],
  ['ReleaseAddress', answer(400, 'InvalidIPAddress.InUse', 'Address 192.0.2.1 is in use.'), 'ADDRESS_IN_USE'],
  [
    'AssociateAddress',
    answer(400, 'InvalidInstanceID', "The pending instance 'i-1' is not in a valid state for this operation."),
    'NOT_YET',
  ],
  ['GetConsoleOutput', answer(500, 'InternalFailure', 'Instance i-1 is not in a running state.'), 'NOT_YET'],
  ['GetConsoleOutput', euca32('GetConsoleOutput', 'No such instance: i-1'), 'CLOUD_REFUSED'],
  ['DeleteSecurityGroup', answer(400, 'DependencyViolation', 'resource sg-1 has a dependent object'), 'NOT_YET'],
  [
    'DeleteSecurityGroup',
    euca32(
      'DeleteSecurityGroup',
      'Failed to delete security group: a for b because of: ConstraintViolationException: could not execute',
    ),
    'NOT_YET',
  ],
  [
    'CreateSecurityGroup',
    answer(400, 'InvalidGroup.Duplicate', "The security group 'a' already exists"),
    'CLOUD_REFUSED',
    'duplicate',
  ],
  [
    'CreateSecurityGroup',
    euca32(
      'CreateSecurityGroup',
      'CreateSecurityGroup failed because: DuplicateMetadataException: Failed to create group: a for b',
    ),
    'CLOUD_REFUSED',
    'duplicate',
  ],
  [
    'AuthorizeSecurityGroupIngress',
    answer(400, 'InvalidPermission.Duplicate', 'already exists'),
    'CLOUD_REFUSED',
    'duplicate',
  ],
  ['RunInstances', answer(400, 'IdempotentInstanceTerminated', 'The instance is terminated'), 'INSTANCE_FAILED'],
  [
    'RunInstances',
    answer(500, 'InsufficientInstanceCapacity', 'We currently do not have sufficient capacity'),
    'NO_CAPACITY',
  ],
  [
    'RunInstances',
    answer(400, 'VcpuLimitExceeded', 'You have requested more vCPU capacity than your current limit'),
    'NO_CAPACITY',
  ],
  ['RunInstances', euca32('RunInstances', 'Not enough resources (0 in PARTI00 < 1): vm instances.'), 'NO_CAPACITY'],
  [
    'RunInstances',
    answer(400, 'InvalidAMIID.NotFound', "The image id '[ami-1]' does not exist"),
    'IMAGE_NOT_FOUND',
    'missing',
  ],
  [
    'RunInstances',
    euca32('RunInstances', 'Failed to verify references for request: x because of: Failed to lookup image: emi-1'),
    'IMAGE_NOT_FOUND',
    'missing',
  ],
  [
    'RunInstances',
    euca32('RunInstances', 'Failed to find key pair: k for arn:aws:euare::1:user/x'),
    'KEY_PAIR_NOT_FOUND',
    'missing',
  ],
  ['RunInstances', euca32('RunInstances', 'Instance type does not exist: z9.huge'), 'TYPE_NOT_FOUND', 'missing'],
  [
    'RunInstances',
    answer(400, 'InvalidParameterValue', "Invalid value 'z9.huge' for InstanceType."),
    'TYPE_NOT_FOUND',
    'missing',
  ],
  [
    'DescribeInstanceTypes',
    answer(400, 'InvalidInstanceType', 'The following supplied instance types do not exist: [z9.huge]'),
    'TYPE_NOT_FOUND',
    'missing',
  ],
  [
    'RunInstances',
    answer(400, 'InvalidGroup.NotFound', "The security group 'a' does not exist"),
    'CLOUD_REFUSED',
    'missing',
  ],
  ['ReleaseAddress', answer(500, 'InternalFailure', "Address '192.0.2.1' not found."), 'CLOUD_REFUSED', 'missing'],
  ['ReleaseAddress', euca32('ReleaseAddress', 'Failed to find address: 192.0.2.1'), 'CLOUD_REFUSED', 'missing'],
  ['DescribeImages', answer(500, 'InternalError', 'An internal error has occurred'), 'CLOUD_ERROR'],
  ['DescribeImages', answer(503, 'Unknown', 'Unknown'), 'CLOUD_ERROR'],
  ['DescribeImages', answer(404, 'NotFound', 'Unknown'), 'CLOUD_UNREACHABLE'],
  ['DescribeImages', answer(405, 'Unknown', 'Unknown'), 'CLOUD_UNREACHABLE'],
  [
    'RegisterImage',
    euca32('RegisterImage', 'Image registration failed: you must own the bucket containing the image.'),
    'IMAGE_BUCKET_FOREIGN',
  ],
  ['RegisterImage', answer(400, 'AuthFailure', 'Manifest is not accessible'), 'IMAGE_ACCOUNT'],
  ['RegisterImage', euca32('RegisterImage', 'Only administrators can register kernel images.'), 'CLOUD_PERMISSION'],
  [
    'RegisterImage',
    answer(500, 'InternalFailure', 'Only administrators can register ramdisk images.'),
    'CLOUD_PERMISSION',
  ],
  ['RegisterImage', euca32('RegisterImage', 'Manifest signature verification failed'), 'IMAGE_KEY_MISMATCH'],
  [
    'RegisterImage',
    answer(
      500,
      'InternalFailure',
      'Cannot register image of size 9 bytes because it exceeds the configured maximum instance-store image size of 1 GB.',
    ),
    'IMAGE_TOO_BIG',
  ],
  ['RegisterImage', answer(400, 'InvalidManifest', 'HTTP 404 (Not Found) response for URL'), 'IMAGE_FAILED'],
  [
    'RegisterImage',
    answer(400, 'InvalidAMIName.Duplicate', 'AMI name a-b is already in use by EMI emi-12345678'),
    'IMAGE_NAME_TAKEN',
    'duplicate',
  ],
  [
    'RegisterImage',
    answer(400, 'InvalidAMIName.Malformed', 'AMI names must be between 3 and 128 characters long'),
    'IMAGE_NAME',
  ],
  [
    'DeregisterImage',
    answer(400, 'InvalidAMIID.Unavailable', "The image ID 'emi-1' is no longer available"),
    'IMAGE_NOT_FOUND',
    'missing',
  ],
  ['CreateBucket', answer(409, 'BucketAlreadyOwnedByYou', 'you already own it'), 'CLOUD_REFUSED', 'duplicate'],
  [
    'CreateBucket',
    answer(409, 'BucketAlreadyExists', 'The requested bucket name is not available.'),
    'IMAGE_BUCKET_FOREIGN',
  ],
  [
    'CreateBucket',
    answer(409, 'OperationAborted', 'A conflicting conditional operation is currently in progress'),
    'CLOUD_ERROR',
  ],
  ['PutObject', answer(403, 'AccessDenied', 'Access Denied'), 'CLOUD_PERMISSION'],
  ['HeadObject', answer(403, 'Unknown', 'UnknownError'), 'CLOUD_PERMISSION'],
  ['PutObject', answer(403, 'AccessDenied', 'User authentication failed.'), 'CLOUD_CREDENTIALS'],
  [
    'PutObject',
    answer(403, 'RequestTimeTooSkewed', 'The difference between the request time and the current time is too large.'),
    'CLOUD_CLOCK',
  ],
  [
    'PutObject',
    answer(400, 'EntityTooLarge', 'Your proposed upload exceeds the maximum allowed object size.'),
    'IMAGE_TOO_BIG',
  ],
  ['PutObject', answer(404, 'NoSuchBucket', 'The specified bucket does not exist'), 'CLOUD_REFUSED', 'missing'],
  ['GetObject', answer(404, 'NoSuchEntity', 'The specified entity was not found'), 'CLOUD_REFUSED', 'missing'],
  ['HeadObject', answer(404, 'NotFound', 'UnknownError'), 'CLOUD_REFUSED', 'missing'],
  ['PutObject', answer(400, 'BadDigest', 'The Content-MD5 you specified did not match'), 'CLOUD_ERROR'],
  ['PutObject', answer(503, 'SlowDown', 'Please reduce your request rate.'), 'CLOUD_THROTTLED'],
  ['PutObject', answer(500, 'InternalError', 'We encountered an internal error. Please try again.'), 'CLOUD_ERROR'],
  [
    'RunInstances',
    answer(400, '400 Bad Request', 'Failed to bind the following fields:\nTagSpecification.1.ResourceType = instance'),
    'CLOUD_REFUSED',
  ],
  [
    'CreateSecurityGroup',
    euca32('CreateSecurityGroup', 'Quota exceeded while trying to create: securitygroup by user: x'),
    'CLOUD_REFUSED',
  ],
  ['AttachVolume', euca32('AttachVolume', 'Volume is not available: vol-1'), 'NOT_YET'],
  ['AttachVolume', answer(400, 'VolumeInUse', 'vol-1 is already attached to an instance'), 'NOT_YET'],
  ['DeleteVolume', answer(400, 'VolumeInUse', 'Volume vol-1 is currently attached to i-1'), 'NOT_YET'],
  [
    'AttachVolume',
    answer(400, 'InvalidVolume.ZoneMismatch', 'The volume is not in the same availability zone'),
    'VOLUME_ZONE',
  ],
  ['AttachVolume', euca32('AttachVolume', 'Can only attach volumes in the same cluster: vol-1'), 'VOLUME_ZONE'],
  ['AttachVolume', answer(400, 'IncorrectInstanceState', 'Instance is not running'), 'NOT_YET'],
  [
    'CreateVolume',
    answer(400, 'VolumeLimitExceeded', 'You have exceeded your maximum number of volumes'),
    'VOLUME_NONE_LEFT',
  ],
  [
    'CreateVolume',
    euca32('CreateVolume', 'Quota exceeded while trying to create: volume by user: x'),
    'VOLUME_NONE_LEFT',
  ],
];

describe('what clouds refuse', () => {
  for (const [call, given, code, reason] of CASES) {
    it(`${call}: ${given.status} ${given.code} "${given.message.replace(/\s+/g, ' ').slice(0, 50)}" is ${code}${reason === undefined ? '' : `, ${reason}`}`, () => {
      const failure = refusal(call, given);
      assert.deepEqual([failure.code, failure.reason], [code, reason]);
    });
  }

  it('has no row that no case reaches', () => {
    const reached = new Set(CASES.map(([call, given]) => rowFor(call, given)));
    assert.deepEqual(
      ANSWERS.filter((row) => !reached.has(row)),
      [],
    );
  });

  it("names the call and the cloud's words, on one line and cut", () => {
    const { message } = refusal(
      'RunInstances',
      answer(403, 'UnauthorizedOperation', `You are\n  not ${'x'.repeat(1000)}`),
    );
    assert.match(message, /^The account may not do RunInstances: You are not x{200,300}… \(UnauthorizedOperation\)\.$/);
  });

  it('waits as long as the cloud asks, or as long as the table says', () => {
    const limit = answer(503, 'RequestLimitExceeded', 'Request limit exceeded.');
    assert.deepEqual([refusal('A', limit, 7_000).retryAfter, refusal('A', limit).retryAfter], [7_000, 3_000]);
    assert.equal(refusal('A', answer(400, 'Odd', 'odd'), 7_000).retryAfter, undefined);
  });

  it('takes for success what is so already, and nothing else', async () => {
    const gone = refusal('ReleaseAddress', answer(400, 'InvalidAllocationID.NotFound', 'gone'));
    assert.deepEqual(await tolerate('missing', Promise.reject<object>(gone), {}), {});
    assert.deepEqual(await tolerate('missing', Promise.resolve({ a: 1 }), {}), { a: 1 });
    await assert.rejects(tolerate('duplicate', Promise.reject<object>(gone), {}), gone);
    await assert.rejects(tolerate('missing', Promise.reject<object>(new TypeError('a bug')), {}), TypeError);
  });
});

describe('what keeps a cloud from answering', () => {
  const broken = (code: string, message = 'broken'): Error => Object.assign(new Error(message), { code });

  it('is told from a bug', () => {
    for (const code of [
      'ECONNREFUSED',
      'ENOTFOUND',
      'EAI_AGAIN',
      'ECONNRESET',
      'EHOSTUNREACH',
      'HPE_INVALID_CONSTANT',
    ]) {
      assert.equal(
        unreachable('DescribeImages', { url: 'http://clc:8773/', service: EC2 }, broken(code))?.code,
        'CLOUD_UNREACHABLE',
        code,
      );
    }
    assert.match(
      unreachable(
        'A',
        { url: 'http://clc:8773/', service: EC2 },
        Object.assign(new Error('too slow'), { name: 'TimeoutError' }),
      )?.message ?? '',
      /^clc:8773 does not answer A: too slow\.$/,
    );
    assert.match(
      unreachable('A', { url: 'http://clc:8773/', service: EC2 }, broken('ECONNREFUSED', ''))?.message ?? '',
      /^clc:8773 does not answer A: ECONNREFUSED\.$/,
    );
    assert.equal(
      unreachable('A', { url: 'http://clc:8773/', service: EC2 }, new TypeError('x is not a function')),
      undefined,
    );
    assert.equal(
      unreachable('A', { url: 'http://clc:8773/', service: EC2 }, broken('ERR_INVALID_ARG_TYPE')),
      undefined,
    );
  });

  it('6b: tells whether what was asked for may have been done', () => {
    const onTheWay = (change: object, message = 'no'): boolean | undefined =>
      unreachable('RunInstances', { url: 'http://clc:8773/', service: EC2 }, Object.assign(new Error(message), change))
        ?.mayHaveHappened;
    const never = [
      { code: 'ECONNREFUSED' },
      { code: 'ENOTFOUND' },
      { code: 'EAI_AGAIN' },
      { code: 'EHOSTUNREACH', syscall: 'connect' },
      { code: 'CERT_HAS_EXPIRED' },
    ];
    assert.deepEqual(
      never.map((change) => onTheWay(change)),
      never.map(() => false),
    );
    assert.equal(
      onTheWay(
        { name: 'TimeoutError' },
        'the request socket did not establish a connection with the server within the configured timeout of 5 ms.',
      ),
      false,
    );
    const perhaps = [
      { code: 'ECONNRESET' },
      { code: 'EPIPE' },
      { code: 'ETIMEDOUT', syscall: 'read' },
      { code: 'HPE_INVALID_CONSTANT' },
      { name: 'TimeoutError' },
    ];
    assert.deepEqual(
      perhaps.map((change) => onTheWay(change)),
      perhaps.map(() => true),
    );

    const refused = [
      answer(503, 'RequestLimitExceeded', 'slow down'),
      answer(400, 'UnauthorizedOperation', 'no'),
      answer(500, 'InsufficientInstanceCapacity', 'full'),
      answer(404, 'NotFound', 'no'),
    ];
    assert.deepEqual(
      refused.map((each) => refusal('RunInstances', each).mayHaveHappened),
      refused.map(() => false),
    );
    const unknown = [
      answer(500, 'InternalError', 'oops'),
      answer(503, 'Unknown', 'a proxy'),
      answer(504, 'Unknown', 'a proxy'),
      answer(200, 'Unknown', ''),
    ];
    assert.deepEqual(
      unknown.map((each) => refusal('RunInstances', each).mayHaveHappened),
      unknown.map(() => true),
    );
  });

  it('names cloud.ca where a certificate is not trusted', () => {
    for (const code of [
      'DEPTH_ZERO_SELF_SIGNED_CERT',
      'SELF_SIGNED_CERT_IN_CHAIN',
      'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
      'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
      'CERT_HAS_EXPIRED',
      'ERR_TLS_CERT_ALTNAME_INVALID',
    ]) {
      const failure = unreachable('A', { url: 'https://clc:8773/', service: EC2 }, broken(code));
      assert.deepEqual([failure?.code, /cloud\.ca/.test(failure?.message ?? '')], ['CLOUD_UNREACHABLE', true], code);
    }
  });
});
