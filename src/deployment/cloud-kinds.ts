/**
 * What each kind of cloud understands, one row each. Binding is strict on all of them: one parameter that a release does not know
 * fails the whole request, so nothing is sent that its row does not allow.
 */

import type { CloudKindName } from './types';

export interface CloudKind {
  readonly signature: 2 | 4;
  /** `Version` of every request. 3.2 answers a version newer than its own in an internal layout. */
  readonly version: string;
  /** Where not, everything is listed and looked through here. */
  readonly filters: boolean;
  /** Entries a page of DescribeInstances; absent where there are no pages. */
  readonly page?: number;
  /** Whether an instance can be tagged, and how. */
  readonly instanceTags: 'none' | 'afterwards' | 'at launch';
  /** Only of addresses that have an allocation id. */
  readonly addressTags: 'none' | 'afterwards' | 'at once';
  /** Whether a launch that is asked for twice happens once. Where not, our security group is the only marker. */
  readonly clientToken: boolean;
  /** Whether two images may have one name. */
  readonly imageNames: 'free' | 'unique';
  /** How long after we gave a request up it may still take effect, ms. */
  readonly lateEffect: number;
  /** `Domain` of AllocateAddress. Where absent, an address has an allocation id only if the cloud gives it one. */
  readonly addressDomain?: 'vpc';
  /** Knows `AllowReassociation`: an address is then never taken away from another instance. */
  readonly refusesStealing: boolean;
  /** An administrator is shown every address of the cloud, with its owner behind the instance. */
  readonly listsForeignAddresses: boolean;
  /** Groups have ids, which name them better than names do. */
  readonly groupIds: boolean;
  /** How the memory of a type is learnt (cloud/instance-types.ts). */
  readonly typeMemory: 'verbose zones' | 'own list' | 'type list';
  /** What S3 takes. */
  readonly storeSignature: 'hmac-sha1' | 4;
  /** Knows HEAD of a bucket. */
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

/** Nobody promises anything; three times as long as we wait for an answer (cloud/ec2.ts). */
const LATE_EFFECT = 60_000;

export const CLOUD_KINDS: Readonly<Record<CloudKindName, CloudKind>> = {
  'eucalyptus-3.2': {
    signature: 2,
    version: '2012-10-01',
    filters: false,
    instanceTags: 'none',
    addressTags: 'none',
    clientToken: false,
    imageNames: 'free',
    lateEffect: LATE_EFFECT,
    refusesStealing: false,
    listsForeignAddresses: true,
    groupIds: false,
    typeMemory: 'verbose zones',
    storeSignature: 'hmac-sha1',
    headsBuckets: false,
    imagePrefixes: ['emi-'],
    sizeLimits: { image: 30 * GIB, bundle: 5 * GIB },
  },
  // Takes version 4 as well, but refuses a signature it has seen, and that one has no more than seconds in it.
  'eucalyptus-3.4': {
    signature: 2,
    version: '2013-08-15',
    filters: true,
    instanceTags: 'afterwards',
    addressTags: 'none',
    clientToken: true,
    imageNames: 'unique',
    lateEffect: LATE_EFFECT,
    refusesStealing: true,
    listsForeignAddresses: true,
    groupIds: true,
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
    addressTags: 'none',
    clientToken: true,
    imageNames: 'unique',
    lateEffect: LATE_EFFECT,
    refusesStealing: true,
    listsForeignAddresses: false,
    groupIds: true,
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
    addressTags: 'afterwards',
    clientToken: true,
    imageNames: 'unique',
    lateEffect: LATE_EFFECT,
    refusesStealing: true,
    listsForeignAddresses: false,
    groupIds: true,
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
    addressTags: 'at once',
    clientToken: true,
    imageNames: 'unique',
    lateEffect: LATE_EFFECT,
    addressDomain: 'vpc',
    refusesStealing: true,
    listsForeignAddresses: false,
    groupIds: true,
    typeMemory: 'type list',
    storeSignature: 4,
    headsBuckets: true,
    imagePrefixes: ['ami-'],
    sizeLimits: { image: 10 * GIB, bundle: Infinity },
  },
};

export const CLOUD_KIND_NAMES = Object.keys(CLOUD_KINDS) as readonly CloudKindName[];
