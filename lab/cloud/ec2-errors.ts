/** EC2 errors, with each release's codes and messages. */

import type { Dialect } from './dialects';
import { write } from './xml';

interface Row {
  /** Error code of AWS, and that of Eucalyptus 4.4 where it differs. */
  readonly aws: string;
  readonly euca44?: string;
  /** HTTP status; absent: 400. */
  readonly status?: number;
  /** HTTP status on 4.4 where it differs: exceptions without an error code become internal failures. */
  readonly status44?: number;
  readonly message: (subject: string) => string;
  /** Message of 3.2, whose error code is the request's class and whose status is 406. */
  readonly euca32?: (subject: string) => string;
}

const ACCOUNT = 'arn:aws:euare::000123456789:user/lab';

const ERRORS = {
  imageMissing: {
    aws: 'InvalidAMIID.NotFound',
    message: (id) => `The image id '[${id}]' does not exist`,
    euca32: (id) => `Failed to lookup image named: ${id}`,
  },
  imageUnavailable: {
    aws: 'InvalidAMIID.Unavailable',
    message: (id) => `The image ID '${id}' is no longer available`,
    euca32: (id) => `Image is not available: ${id}`,
  },
  imageDuplicate: {
    aws: 'InvalidAMIName.Duplicate',
    message: (nameAndId) => `AMI name ${nameAndId.replace(' ', ' is already in use by EMI ')}`,
  },
  imageName: {
    aws: 'InvalidAMIName.Malformed',
    message: () =>
      "AMI names must be between 3 and 128 characters long, and may contain letters, numbers, '(', ')', '.', '-', '/' and '_'",
  },
  imageTooLarge: {
    aws: 'InvalidManifest',
    euca44: 'InternalFailure',
    status44: 500,
    message: (size) =>
      `Cannot register image of size ${size} bytes because it exceeds the configured maximum instance-store image size. Please contact your administrator`,
  },
  manifestHidden: {
    aws: 'AuthFailure',
    message: () => 'Manifest is not accessible',
    euca32: (location) => `Failed to read manifest file: ${location}`,
  },
  manifestInvalid: {
    aws: 'InvalidManifest',
    euca44: 'InternalFailure',
    status44: 500,
    message: (location) => `The specified manifest is not valid: ${location}`,
    euca32: (location) => `Failed to read manifest file: ${location}`,
  },
  bucketForeign: {
    aws: 'AuthFailure',
    message: () => 'Manifest is not accessible',
    euca32: () => 'Image registration failed: you must own the bucket containing the image.',
  },
  kernelAdmin: {
    aws: 'OperationNotPermitted',
    euca44: 'InternalFailure',
    status44: 500,
    message: (type) => `Only administrators can register ${type} images.`,
    euca32: (type) => `Only administrators can register ${type} images.`,
  },
  kernelNeeded: { aws: 'MissingParameter', message: (what) => `${what} ID must be specified` },
  keyMissing: {
    aws: 'InvalidKeyPair.NotFound',
    message: (name) => `The key pair '${name}' does not exist`,
    euca32: (name) => `Failed to find key pair: ${name} for ${ACCOUNT}`,
  },
  typeMissing: {
    aws: 'InvalidParameterValue',
    message: (type) => `Invalid value '${type}' for InstanceType.`,
    euca32: (type) => `No such instance type: ${type}`,
  },
  typesMissing: {
    aws: 'InvalidInstanceType',
    message: (types) => `The following supplied instance types do not exist: [${types}]`,
  },
  zoneMissing: {
    aws: 'InvalidParameterValue',
    message: (zone) => `Invalid availability zone: [${zone}]`,
    euca32: () => 'Not enough resources: no cluster controller is currently available to run instances.',
  },
  regionMissing: { aws: 'InvalidParameterValue', message: (name) => `Invalid region '[${name}]'` },
  groupMissing: {
    aws: 'InvalidGroup.NotFound',
    message: (name) => `The security group '${name}' does not exist`,
    euca32: (name) => `Failed to find security group: ${name} for ${ACCOUNT}`,
  },
  groupDuplicate: {
    aws: 'InvalidGroup.Duplicate',
    message: (name) => `The security group '${name}' already exists`,
    euca32: (name) =>
      `CreateSecurityGroup failed because: DuplicateMetadataException: Failed to create group: ${name} for ${ACCOUNT}`,
  },
  groupInUse: {
    aws: 'DependencyViolation',
    euca44: 'InvalidGroup.InUse',
    message: (name) => `resource ${name} has a dependent object`,
    euca32: (name) =>
      `Failed to delete security group: ${name} for ${ACCOUNT} because of: ConstraintViolationException: could not execute statement`,
  },
  groupReserved: {
    aws: 'CannotDelete',
    euca44: 'InvalidGroup.Reserved',
    message: (name) => `the specified group: "${name}" name: "default" cannot be deleted by a user`,
  },
  ruleDuplicate: {
    aws: 'InvalidPermission.Duplicate',
    message: (rule) => `the specified rule "peer: ${rule}, ALLOW" already exists`,
  },
  ruleCombination: {
    aws: 'InvalidParameterCombination',
    euca44: 'InternalFailure',
    status44: 500,
    message: (names) => `The parameters ${names} must not be used together.`,
  },
  ruleIncomplete: {
    aws: 'MissingParameter',
    euca44: 'InternalFailure',
    status44: 500,
    message: (name) => `MissingParameter: ${name}`,
  },
  ruleMissing: {
    aws: 'InvalidPermission.NotFound',
    message: () => 'The specified rule does not exist in this security group.',
  },
  addressMissing: {
    aws: 'InvalidAddress.NotFound',
    euca44: 'InternalFailure',
    status44: 500,
    message: (ip) => `Address '${ip}' not found.`,
    euca32: (ip) => `Failed to find address: ${ip}`,
  },
  allocationMissing: {
    aws: 'InvalidAllocationID.NotFound',
    euca44: 'InvalidAddressID.NotFound',
    message: (id) => `The allocation ID '${id}' does not exist`,
  },
  associationMissing: {
    aws: 'InvalidAssociationID.NotFound',
    message: (id) => `The association ID '${id}' does not exist`,
  },
  addressAssociated: {
    aws: 'Resource.AlreadyAssociated',
    message: (ip) => `resource ${ip} is already associated with another resource`,
  },
  addressInUse: { aws: 'InvalidIPAddress.InUse', message: (ip) => `Address ${ip} is in use.` },
  addressLimit: {
    aws: 'AddressLimitExceeded',
    euca44: 'InsufficientAddressCapacity',
    message: () => 'The maximum number of addresses has been reached.',
    euca32: () => 'com.eucalyptus.cloud.util.NotEnoughResourcesException: InsufficientAddressCapacity',
  },
  instanceLimit: {
    aws: 'InstanceLimitExceeded',
    euca44: 'InternalFailure',
    status44: 500,
    message: (limit) =>
      `You have requested more instances than your current instance limit of ${limit} allows for the specified instance type.`,
    euca32: () => `Quota exceeded while trying to create: vminstance by user: ${ACCOUNT}`,
  },
  capacity: {
    aws: 'InsufficientInstanceCapacity',
    status: 500,
    status44: 503,
    message: (numbers) => `Not enough resources (${numbers}): vm instances.`,
    euca32: (numbers) => `Not enough resources (${numbers}): vm instances.`,
  },
  instanceMissing: {
    aws: 'InvalidInstanceID.NotFound',
    message: (id) => `The instance ID '${id}' does not exist`,
    euca32: (id) => `Failed to find vm instance: ${id}`,
  },
  consoleMissing: {
    aws: 'InvalidInstanceID.NotFound',
    message: (id) => `The instance ID '${id}' does not exist`,
    euca32: (id) => `No such instance: ${id}`,
  },
  notRunning: {
    aws: 'IncorrectInstanceState',
    euca44: 'InternalFailure',
    status44: 500,
    message: (id) => `Instance ${id} is not in a running state.`,
  },
  instanceState: {
    aws: 'InvalidInstanceID',
    message: (id) => `The instance '${id}' is not in a valid state for this operation.`,
    euca32: (id) => `Terminated instance: ${id}`,
  },
  userDataEncoding: {
    aws: 'InvalidParameterValue',
    message: () => 'Invalid BASE64 encoding of user data.',
    euca32: () => 'Invalid BASE64 encoding of user data.',
  },
  userDataTooBig: {
    aws: 'InvalidParameterValue',
    message: (bytes) => `User data is limited to 16384 bytes: ${bytes}`,
    euca32: () => 'User data may not exceed 16 KB',
  },
  volumeMissing: {
    aws: 'InvalidVolume.NotFound',
    message: (id) => `The volume '${id}' does not exist`,
    euca32: (id) => `Failed to find volume: ${id}`,
  },
  volumeInUse: {
    aws: 'VolumeInUse',
    message: (id) => `Volume is not available: ${id}`,
    euca32: (id) => `Volume is not available: ${id}`,
  },
  volumeNotAttached: {
    aws: 'IncorrectState',
    message: (id) => `Volume is not attached: ${id}`,
    euca32: (id) => `Volume is not attached: ${id}`,
  },
  volumeZone: {
    aws: 'InvalidVolume.ZoneMismatch',
    message: (id) => `Can only attach volumes in the same zone: ${id}`,
    euca32: (id) => `Can only attach volumes in the same cluster: ${id}`,
  },
  volumeSize: { aws: 'InvalidParameterValue', message: (size) => `Invalid volume size: ${size}` },
  deviceInvalid: {
    aws: 'InvalidParameterValue',
    message: (device) => `Value (${device}) for parameter device is invalid.`,
    euca32: (device) => `Invalid device name specified: ${device}`,
  },
  deviceInUse: {
    aws: 'InvalidParameterValue',
    message: (device) => `Attachment point ${device} is already in use`,
    euca32: (device) => `Already have a device attached to: ${device}`,
  },
  tokenMismatch: {
    aws: 'IdempotentParameterMismatch',
    message: () => 'Arguments on this idempotent request are inconsistent with arguments used in previous request(s).',
  },
  tokenTerminated: {
    aws: 'IdempotentInstanceTerminated',
    message: (id) => `The instance ${id} that was launched with this client token is terminated.`,
  },
  filterUnknown: { aws: 'InvalidParameterValue', message: (name) => `The filter '${name}' is invalid` },
  tagRefused: {
    aws: 'InvalidID',
    euca44: 'InvalidParameterValue',
    message: (id) => `The ID '${id}' is not valid for tags`,
  },
  parameterMissing: {
    aws: 'MissingParameter',
    message: (name) => `The request must contain the parameter ${name}`,
    euca32: (name) => `Missing parameter: ${name}`,
  },
  dryRun: {
    aws: 'DryRunOperation',
    status: 412,
    message: () => 'Request would have succeeded, but DryRun flag is set.',
  },
  throttled: { aws: 'RequestLimitExceeded', status: 503, message: () => 'Request limit exceeded.' },
  broken: { aws: 'InternalError', status: 500, message: () => 'An internal error has occurred' },
  injected: { aws: 'OperationNotPermitted', message: (action) => `${action} is refused by a fault of the lab` },
  notSimulated: { aws: 'UnsupportedOperation', status: 501, message: (what) => `The lab does not simulate ${what}.` },
} as const satisfies Record<string, Row>;

export type Ec2ErrorName = keyof typeof ERRORS;

/** Thrown by actions. The caller turns it into the release's own code and message. */
export class Ec2Error extends Error {
  constructor(
    readonly why: Ec2ErrorName,
    readonly subject = '',
  ) {
    super(ERRORS[why].message(subject));
  }
}

/** An error response, whichever part of the front made it. */
export interface ErrorResponse {
  readonly status: number;
  readonly code: string;
  readonly message: string;
}

export function responseOf({ why, subject }: Ec2Error, { kind, eucalyptus }: Dialect, action: string): ErrorResponse {
  const row: Row = ERRORS[why];
  const message = row.message(subject);
  if (!eucalyptus || (row.status !== undefined && row.euca32 === undefined))
    return { status: row.status ?? 400, code: row.aws, message };
  if (kind === 'eucalyptus-3.2')
    return { status: 406, code: `${action}Type`, message: row.euca32?.(subject) ?? message };
  return { status: row.status44 ?? 400, code: row.euca44 ?? row.aws, message };
}

export function errorXml({ code, message }: ErrorResponse, requestId: string): string {
  return write('Response', undefined, { Errors: { Error: { Code: code, Message: message } }, RequestID: requestId });
}
