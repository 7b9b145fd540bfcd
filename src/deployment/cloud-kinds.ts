/**
 * What each kind of cloud understands, one row each. All of them reject a request with a parameter that the release does not know, so
 * nothing is sent that its row does not allow.
 */

import type { CloudKindName } from './spec';

export interface CloudKind {
  readonly signature: 2 | 4;
  /** `Version` of every request. 3.2 answers newer versions in an internal layout. */
  readonly version: string;
  /** Whether calls take filters. Otherwise everything is listed and filtered on our side. */
  readonly filters: boolean;
  /** Page size of DescribeInstances; absent if there are no pages. */
  readonly page?: number;
  /** Whether and when instances can be tagged. */
  readonly instanceTags: 'none' | 'afterwards' | 'at launch';
  /** Whether and when addresses can be tagged. Only those with an allocation id. */
  readonly addressTags: 'none' | 'afterwards' | 'at once';
  /** Whether and when volumes can be tagged. 5.x knows TagSpecification of CreateVolume (CreateVolumeType.java). */
  readonly volumeTags: 'none' | 'afterwards' | 'at once';
  /** Whether a launch that is requested twice happens once. Otherwise our security group is the only owner mark. */
  readonly clientToken: boolean;
  /** Whether two images may have one name. */
  readonly imageNames: 'free' | 'unique';
  /** How long a request may still take effect after we gave it up, ms. */
  readonly lateEffect: number;
  /** `Domain` of AllocateAddress. If absent, an address has an allocation id only if the cloud gives it one. */
  readonly addressDomain?: 'vpc';
  /** Whether AssociateAddress knows `AllowReassociation`, by which an address is never taken from another instance. */
  readonly refusesStealing: boolean;
  /** Whether an administrator sees every address of the cloud, with its owner appended to the instance. */
  readonly listsForeignAddresses: boolean;
  /** Whether security groups have ids, which are then used instead of names. */
  readonly groupIds: boolean;
  /**
   * How a rule is sent that lets in the members of a group. 3.2 binds no `IpPermissions.N`; from 3.4 on the flat parameters open UDP and
   * ICMP, too, and are refused together with a protocol (NetworkGroupManager.java of 3.2.0, 3.4.0 and 4.4.6).
   */
  readonly groupRules: 'flat' | 'permissions';
  /**
   * Where it tells how much more may be made (cloud/room.ts). Eucalyptus' DescribeAccountAttributes holds no quotas (ComputeService.java of
   * 4.4.6), and its verbose zones are shown to the administrator only.
   */
  readonly room: 'account attributes' | 'verbose zones';
  /** How to get the memory of an instance type (cloud/instance-types.ts). */
  readonly typeMemory: 'verbose zones' | 'own list' | 'type list';
  /** Signature version that the cloud's S3 accepts. */
  readonly storeSignature: 'hmac-sha1' | 4;
  /** Whether the cloud's S3 supports HEAD of a bucket. */
  readonly headsBuckets: boolean;
  /** What ids of images begin with. Eucalyptus has `ami-` from 5.1 on, unless it was upgraded from an earlier release. */
  readonly imagePrefixes: readonly ('ami-' | 'emi-')[];
  /** The defaults of the release; an administrator may have changed them. */
  readonly sizeLimits: SizeLimits;
}

/** Bytes. */
export interface SizeLimits {
  /** Of the raw image. */
  readonly image: number;
  /** Of all parts of a bundle together. */
  readonly bundle: number;
}

const GIB = 1024 ** 3;

/** There is no documented limit. Three times our own request timeout (cloud/ec2.ts). */
const LATE_EFFECT = 60_000;

export const CLOUD_KINDS: Readonly<Record<CloudKindName, CloudKind>> = {
  'eucalyptus-3.2': {
    signature: 2,
    version: '2012-10-01',
    filters: false,
    instanceTags: 'none',
    volumeTags: 'none',
    addressTags: 'none',
    clientToken: false,
    imageNames: 'free',
    lateEffect: LATE_EFFECT,
    refusesStealing: false,
    listsForeignAddresses: true,
    groupIds: false,
    groupRules: 'flat',
    room: 'verbose zones',
    typeMemory: 'verbose zones',
    storeSignature: 'hmac-sha1',
    headsBuckets: false,
    imagePrefixes: ['emi-'],
    sizeLimits: { image: 30 * GIB, bundle: 5 * GIB },
  },
  // Accepts version 4 too, but rejects a signature that it has seen before, and those of one second are the same.
  'eucalyptus-3.4': {
    signature: 2,
    version: '2013-08-15',
    filters: true,
    instanceTags: 'afterwards',
    volumeTags: 'afterwards',
    addressTags: 'none',
    clientToken: true,
    imageNames: 'unique',
    lateEffect: LATE_EFFECT,
    refusesStealing: true,
    listsForeignAddresses: true,
    groupIds: true,
    groupRules: 'permissions',
    room: 'verbose zones',
    typeMemory: 'own list',
    storeSignature: 'hmac-sha1',
    headsBuckets: true,
    imagePrefixes: ['emi-'],
    sizeLimits: { image: 30 * GIB, bundle: 5 * GIB },
  },
  'eucalyptus-4.4': {
    signature: 4,
    version: '2016-11-15',
    filters: true,
    page: 1000,
    instanceTags: 'afterwards',
    volumeTags: 'afterwards',
    addressTags: 'none',
    clientToken: true,
    imageNames: 'unique',
    lateEffect: LATE_EFFECT,
    refusesStealing: true,
    listsForeignAddresses: false,
    groupIds: true,
    groupRules: 'permissions',
    room: 'verbose zones',
    typeMemory: 'own list',
    storeSignature: 4,
    headsBuckets: true,
    imagePrefixes: ['emi-'],
    sizeLimits: { image: 30 * GIB, bundle: Infinity },
  },
  'eucalyptus-5.1': {
    signature: 4,
    version: '2016-11-15',
    filters: true,
    page: 1000,
    instanceTags: 'at launch',
    volumeTags: 'at once',
    addressTags: 'afterwards',
    clientToken: true,
    imageNames: 'unique',
    lateEffect: LATE_EFFECT,
    refusesStealing: true,
    listsForeignAddresses: false,
    groupIds: true,
    groupRules: 'permissions',
    room: 'verbose zones',
    typeMemory: 'own list',
    storeSignature: 4,
    headsBuckets: true,
    imagePrefixes: ['ami-', 'emi-'],
    sizeLimits: { image: 30 * GIB, bundle: Infinity },
  },
  aws: {
    signature: 4,
    version: '2016-11-15',
    filters: true,
    page: 1000,
    instanceTags: 'at launch',
    volumeTags: 'at once',
    addressTags: 'at once',
    clientToken: true,
    imageNames: 'unique',
    lateEffect: LATE_EFFECT,
    addressDomain: 'vpc',
    refusesStealing: true,
    listsForeignAddresses: false,
    groupIds: true,
    groupRules: 'permissions',
    room: 'account attributes',
    typeMemory: 'type list',
    storeSignature: 4,
    headsBuckets: true,
    imagePrefixes: ['ami-'],
    sizeLimits: { image: 10 * GIB, bundle: Infinity },
  },
};

export const CLOUD_KIND_NAMES = Object.keys(CLOUD_KINDS) as readonly CloudKindName[];
