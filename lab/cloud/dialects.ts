/** How the clouds differ, one row per release. Sources: docs/lab.md, and the source code of the releases. */

import type { Kind } from '../types';

export interface InstanceType {
  readonly cpu: number;
  /** MiB. */
  readonly memory: number;
  /** GiB. */
  readonly disk: number;
}

export interface ImageRow {
  readonly id: string;
  readonly name: string;
  readonly type: 'machine' | 'kernel' | 'ramdisk';
}

export interface Dialect {
  readonly kind: Kind;
  /** The region that clients see. */
  readonly region: string;
  /** The region in moto: one with subnets. */
  readonly motoRegion: string;
  readonly path: string;
  readonly eucalyptus: boolean;
  /** Third byte of its elastic IPs. */
  readonly pool: 1 | 2 | 3 | 4 | 5;
  readonly signatures: readonly ('2' | '4')[];
  /** Allowed clock skew of a signature, ms. */
  readonly clock: { readonly future: number; readonly past: number };
  /** Refuses a signature that was used before. */
  readonly refusesReplay: boolean;
  /** Newest API version that it supports. */
  readonly version: string;
  readonly requiresVersion: boolean;
  /** Addresses have allocation and association ids. */
  readonly vpc: boolean;
  /** Addresses show their domain, `standard` or `vpc`. */
  readonly showsDomain: boolean;
  readonly groupIds: boolean;
  /** Prefixes of the ids that can be tagged. */
  readonly taggable: readonly string[];
  readonly clientToken: 'ignored' | 'idempotent' | 'checked';
  /** Whether an address can be associated with a pending instance. */
  readonly associatesPending: boolean;
  /**
   * Whether it is an error to ask for the console output of an instance that does not run; and the response where there
   * is no output.
   */
  readonly console: { readonly runningOnly: boolean; readonly nothing: string | undefined };
  /** Whether asking for a name or id that does not exist is an error, rather than an empty result. */
  readonly missingIsError: boolean;
  readonly zones: readonly string[];
  /**
   * Zones show their state, and an unknown zone is an error. Older releases show the zone's controller, and ignore
   * unknown zones.
   */
  readonly showsZoneState: boolean;
  readonly types: Readonly<Record<string, InstanceType>>;
  readonly images: readonly ImageRow[];
  readonly registration: Registration;
  readonly store: S3Dialect;
}

/** What RegisterImage checks. Other mistakes show only when the image is used. */
export interface Registration {
  readonly prefixes: Readonly<Record<ImageRow['type'], string>>;
  /** Hexadecimal digits of an id. */
  readonly idLength: 8 | 17;
  /** The caller must own the bucket. */
  readonly ownBucket: boolean;
  /** The cloud reads the manifest, and later the parts, as `aws-exec-read`: their ACL must allow that. */
  readonly readsByAcl: boolean;
  /** `<user>` must be the caller. */
  readonly checksUser: boolean;
  readonly names: 'free' | 'unique' | 'needed and unique';
  /** The image type may also be given by `<type>`, not only by `true` instead of an id. */
  readonly readsType: boolean;
  readonly kernelsByAdmin: boolean;
  /** A paravirtual image, which is the default, needs a kernel and a ramdisk. */
  readonly needsKernel: boolean;
  /** All parts must exist. */
  readonly checksParts: boolean;
  /** The signature is verified when the image is cached, with the account's certificates. */
  readonly verifiesSignature: boolean;
  /**
   * The manifest's SHA-256 is stored, and an image is not launched if it changed (4.1 and later; Emis.java,
   * ImageManifests.java).
   */
  readonly hashesManifest: boolean;
  /** Archives are opened with tar, rather than with Python 2, which cannot read sparse files in the pax format. */
  readonly readsPaxSparse: boolean;
  /** An image is pending until it is cached. */
  readonly registersAsPending: boolean;
  /** Largest raw image, GiB. */
  readonly limit: number;
  /** DescribeImages lists deregistered images too. */
  readonly listsDeregistered: boolean;
}

/** The release's S3. */
export interface S3Dialect {
  readonly path: string;
  readonly signatures: readonly ('hmac' | '4')[];
  /** The HMAC signature covers the full path only; other releases also accept the path below the service's. */
  readonly fullPathOnly: boolean;
  readonly headsBuckets: boolean;
  /** Status of CreateBucket for a bucket that the caller already owns. */
  readonly ownBucketAgain: 200 | 409;
  /** HEAD and GET return the ETag without quotes. */
  readonly bareEtags: boolean;
  /** Largest bucket, bytes. */
  readonly bucketLimit: number;
}

const MINUTE = 60_000;
const EUCALYPTUS_CLOCK = { future: 20_000, past: 15 * MINUTE + 20_000 };

/**
 * The type names of Eucalyptus. The large and xlarge sizes are set as an administrator would who wants to run Stackato.
 */
const EUCALYPTUS_TYPES: Readonly<Record<string, InstanceType>> = {
  'm1.small': { cpu: 1, memory: 256, disk: 5 },
  'm1.medium': { cpu: 1, memory: 1024, disk: 10 },
  'c1.medium': { cpu: 2, memory: 2048, disk: 20 },
  'm1.large': { cpu: 2, memory: 4096, disk: 40 },
  'm1.xlarge': { cpu: 4, memory: 8192, disk: 60 },
  'c1.xlarge': { cpu: 4, memory: 4096, disk: 60 },
};

const AWS_TYPES: Readonly<Record<string, InstanceType>> = {
  't3.micro': { cpu: 2, memory: 1024, disk: 0 },
  't3.small': { cpu: 2, memory: 2048, disk: 0 },
  't3.medium': { cpu: 2, memory: 4096, disk: 0 },
  'm1.small': { cpu: 1, memory: 1740, disk: 160 },
  'm3.medium': { cpu: 1, memory: 3840, disk: 4 },
  'm1.large': { cpu: 2, memory: 7680, disk: 840 },
  'm5.large': { cpu: 2, memory: 8192, disk: 0 },
};

const EUCALYPTUS_IMAGES: readonly ImageRow[] = [
  { id: 'emi-5ca70266', name: 'stackato-v2.6.6', type: 'machine' },
  { id: 'eki-5ca70266', name: 'stackato-v2.6.6-kernel', type: 'kernel' },
  { id: 'eri-5ca70266', name: 'stackato-v2.6.6-ramdisk', type: 'ramdisk' },
];

const GIB = 1024 ** 3;
/** A space, in base64. */
const SPACE = 'IA==';
const EUCALYPTUS_PREFIXES = { machine: 'emi', kernel: 'eki', ramdisk: 'eri' } as const;

const REGISTRATION_3_2: Registration = {
  prefixes: EUCALYPTUS_PREFIXES,
  idLength: 8,
  ownBucket: true,
  readsByAcl: false,
  checksUser: false,
  names: 'free',
  readsType: false,
  kernelsByAdmin: true,
  needsKernel: false,
  checksParts: false,
  verifiesSignature: true,
  hashesManifest: false,
  readsPaxSparse: true,
  registersAsPending: false,
  limit: 30,
  listsDeregistered: true,
};
const REGISTRATION_3_4: Registration = {
  ...REGISTRATION_3_2,
  ownBucket: false,
  names: 'unique',
  registersAsPending: true,
  listsDeregistered: false,
};
const REGISTRATION_4: Registration = {
  ...REGISTRATION_3_4,
  readsByAcl: true,
  checksUser: true,
  names: 'needed and unique',
  readsType: true,
  needsKernel: true,
  verifiesSignature: false,
  registersAsPending: false,
  hashesManifest: true,
  readsPaxSparse: false,
};
const REGISTRATION_AWS: Registration = {
  ...REGISTRATION_4,
  prefixes: { machine: 'ami', kernel: 'aki', ramdisk: 'ari' },
  idLength: 17,
  kernelsByAdmin: false,
  needsKernel: false,
  checksParts: true,
  limit: 10,
  hashesManifest: false,
};

const STORE_3_2: S3Dialect = {
  path: '/services/Walrus',
  signatures: ['hmac'],
  fullPathOnly: true,
  headsBuckets: false,
  ownBucketAgain: 409,
  bareEtags: true,
  bucketLimit: 5 * GIB,
};
const STORE_3_4: S3Dialect = { ...STORE_3_2, fullPathOnly: false, headsBuckets: true, bareEtags: false };
const STORE_4: S3Dialect = {
  ...STORE_3_4,
  path: '/services/objectstorage',
  signatures: ['hmac', '4'],
  ownBucketAgain: 200,
  bucketLimit: Infinity,
};
const STORE_AWS: S3Dialect = { ...STORE_4, path: '', signatures: ['4'] };

export const DIALECTS: Readonly<Record<Kind, Dialect>> = {
  'eucalyptus-3.2': {
    kind: 'eucalyptus-3.2',
    region: 'eucalyptus',
    motoRegion: 'us-west-1',
    path: '/services/Eucalyptus',
    eucalyptus: true,
    pool: 1,
    signatures: ['2'],
    clock: EUCALYPTUS_CLOCK,
    refusesReplay: true,
    version: '2012-10-01',
    requiresVersion: true,
    vpc: false,
    showsDomain: false,
    groupIds: false,
    taggable: [],
    clientToken: 'ignored',
    associatesPending: true,
    console: { runningOnly: false, nothing: '' },
    missingIsError: false,
    zones: ['PARTI00'],
    showsZoneState: false,
    types: EUCALYPTUS_TYPES,
    images: EUCALYPTUS_IMAGES,
    registration: REGISTRATION_3_2,
    store: STORE_3_2,
  },
  'eucalyptus-3.4': {
    kind: 'eucalyptus-3.4',
    region: 'eucalyptus',
    motoRegion: 'eu-west-1',
    path: '/services/Eucalyptus',
    eucalyptus: true,
    pool: 4,
    signatures: ['2', '4'],
    clock: EUCALYPTUS_CLOCK,
    refusesReplay: true,
    version: '2013-08-15',
    requiresVersion: false,
    vpc: false,
    showsDomain: false,
    groupIds: true,
    taggable: ['i-', 'sg-', 'emi-', 'eki-', 'eri-', 'vol-', 'snap-'],
    clientToken: 'idempotent',
    associatesPending: true,
    console: { runningOnly: false, nothing: '' },
    missingIsError: true,
    zones: ['PARTI00'],
    showsZoneState: false,
    types: EUCALYPTUS_TYPES,
    images: EUCALYPTUS_IMAGES,
    registration: REGISTRATION_3_4,
    store: STORE_3_4,
  },
  // In EDGE network mode, with classic addresses.
  'eucalyptus-4.4': {
    kind: 'eucalyptus-4.4',
    region: 'eucalyptus',
    motoRegion: 'us-west-2',
    path: '/services/compute',
    eucalyptus: true,
    pool: 2,
    signatures: ['2', '4'],
    clock: EUCALYPTUS_CLOCK,
    refusesReplay: false,
    version: '2016-11-15',
    requiresVersion: false,
    vpc: false,
    showsDomain: true,
    groupIds: true,
    taggable: ['i-', 'sg-', 'emi-', 'eki-', 'eri-', 'vol-', 'snap-'],
    clientToken: 'idempotent',
    associatesPending: true,
    console: { runningOnly: true, nothing: SPACE },
    missingIsError: true,
    zones: ['one'],
    showsZoneState: true,
    types: EUCALYPTUS_TYPES,
    images: EUCALYPTUS_IMAGES,
    registration: REGISTRATION_4,
    store: STORE_4,
  },
  // In VPC network mode. Real endpoints are names below the cloud's domain, without a path.
  'eucalyptus-5.1': {
    kind: 'eucalyptus-5.1',
    region: 'eucalyptus',
    motoRegion: 'eu-central-1',
    path: '/',
    eucalyptus: true,
    pool: 5,
    signatures: ['2', '4'],
    clock: EUCALYPTUS_CLOCK,
    refusesReplay: false,
    version: '2016-11-15',
    requiresVersion: false,
    vpc: true,
    showsDomain: true,
    groupIds: true,
    taggable: ['i-', 'sg-', 'eipalloc-', 'emi-', 'eki-', 'eri-', 'vol-', 'snap-'],
    clientToken: 'idempotent',
    associatesPending: true,
    console: { runningOnly: true, nothing: SPACE },
    missingIsError: true,
    zones: ['one'],
    showsZoneState: true,
    types: EUCALYPTUS_TYPES,
    images: EUCALYPTUS_IMAGES,
    registration: REGISTRATION_4,
    store: { ...STORE_4, path: '' },
  },
  aws: {
    kind: 'aws',
    region: 'us-east-1',
    motoRegion: 'us-east-1',
    path: '/',
    eucalyptus: false,
    pool: 3,
    signatures: ['4'],
    clock: { future: 5 * MINUTE, past: 5 * MINUTE },
    refusesReplay: false,
    version: '2016-11-15',
    requiresVersion: true,
    vpc: true,
    showsDomain: true,
    groupIds: true,
    taggable: ['i-', 'sg-', 'eipalloc-', 'ami-', 'aki-', 'ari-', 'vol-', 'snap-'],
    clientToken: 'checked',
    associatesPending: false,
    console: { runningOnly: false, nothing: undefined },
    missingIsError: true,
    zones: ['us-east-1a', 'us-east-1b'],
    showsZoneState: true,
    types: AWS_TYPES,
    images: [{ id: 'ami-0266a5c0f2b14d7e9', name: 'stackato-v2.6.6', type: 'machine' }],
    registration: REGISTRATION_AWS,
    store: STORE_AWS,
  },
};
