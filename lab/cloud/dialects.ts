/** How the clouds differ, one row each. Sources: docs/lab.md and the clouds' own code. */

import type { Kind } from '../types';

export interface TypeRow {
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
  /** What clients are told. */
  readonly region: string;
  /** Where moto keeps it: a region that moto gives subnets. */
  readonly motoRegion: string;
  readonly path: string;
  readonly eucalyptus: boolean;
  /** Third byte of its elastic IPs. */
  readonly pool: 1 | 2 | 3 | 4 | 5;
  readonly signatures: readonly ('2' | '4')[];
  /** How far a signature's time may be off, ms. */
  readonly clock: { readonly future: number; readonly past: number };
  /** Refuses a signature it has seen within its lifetime. */
  readonly refusesReplay: boolean;
  /** Newest API version it answers in its own layout; newer ones: see `checkVersion`. */
  readonly version: string;
  readonly insistsOnVersion: boolean;
  /** Addresses have an allocation id and associations an id (VPC). */
  readonly vpc: boolean;
  /** Says of an address whether it is a classic one. */
  readonly tellsDomain: boolean;
  readonly groupIds: boolean;
  /** Prefixes of the ids that may bear tags. */
  readonly taggable: readonly string[];
  readonly clientToken: 'ignored' | 'idempotent' | 'checked';
  /** Whether an address may be associated with an instance that is pending. */
  readonly associatesPending: boolean;
  /** Of an instance that does not run: an error, or what was kept. What is sent for nothing. */
  readonly console: { readonly runningOnly: boolean; readonly nothing: string | undefined };
  /** Names and ids asked for that do not exist: an error, or simply not in the answer. */
  readonly missingIsError: boolean;
  readonly zones: readonly string[];
  /** Of a zone, its state, and that one is not there; those before tell where its controller is, and pass over what is not there. */
  readonly tellsZoneState: boolean;
  readonly types: Readonly<Record<string, TypeRow>>;
  readonly images: readonly ImageRow[];
  readonly registration: Registration;
  readonly store: StoreDialect;
}

/** What RegisterImage looks at. What it does not is found out when the image is used. */
export interface Registration {
  readonly prefixes: Readonly<Record<ImageRow['type'], string>>;
  /** Hexadecimal digits of an id. */
  readonly idLength: 8 | 17;
  /** The bucket must be the caller's. */
  readonly ownBucket: boolean;
  /** The manifest, and later the parts, are read by the account `aws-exec-read`: their ACL must let it. */
  readonly readsByAcl: boolean;
  /** `<user>` must be the caller. */
  readonly checksUser: boolean;
  readonly names: 'free' | 'unique' | 'needed and unique';
  /** Type by `<type>` too, not only by `true` in place of an id. */
  readonly readsType: boolean;
  readonly kernelsByAdmin: boolean;
  /** A paravirtual image (that is each that says nothing else) needs kernel and ramdisk. */
  readonly needsKernel: boolean;
  /** Looks for the parts. */
  readonly checksParts: boolean;
  /** The signature is verified, with the certificates of the account, when the image is cached. */
  readonly verifiesSignature: boolean;
  /** Its SHA-256 is kept, and what was changed since is not launched (4.1 and later; Emis.java, ImageManifests.java). */
  readonly hashesManifest: boolean;
  /** Whether archives are opened with tar, or with Python 2, which does not know holes in the pax format. */
  readonly readsPaxSparse: boolean;
  /** Pending until it is cached. */
  readonly pends: boolean;
  /** GiB of the raw image. */
  readonly limit: number;
  /** A plain list shows those that were deregistered. */
  readonly listsDeregistered: boolean;
}

/** S3 of that release. */
export interface StoreDialect {
  readonly path: string;
  readonly signatures: readonly ('hmac' | '4')[];
  /** HMAC is over the full path only, not over the path below that of the service. */
  readonly fullPathOnly: boolean;
  readonly headsBuckets: boolean;
  /** Status for making a bucket that one has. */
  readonly ownBucketAgain: 200 | 409;
  /** HEAD and GET give the ETag without quotes. */
  readonly bareEtags: boolean;
  /** Of a bucket, bytes. */
  readonly bucketLimit: number;
}

const MINUTE = 60_000;
const EUCALYPTUS_CLOCK = { future: 20_000, past: 15 * MINUTE + 20_000 };

/** Eucalyptus' own names; large and xlarge as an administrator who means to run Stackato would have set them. */
const EUCALYPTUS_TYPES: Readonly<Record<string, TypeRow>> = {
  'm1.small': { cpu: 1, memory: 256, disk: 5 },
  'm1.medium': { cpu: 1, memory: 1024, disk: 10 },
  'c1.medium': { cpu: 2, memory: 2048, disk: 20 },
  'm1.large': { cpu: 2, memory: 4096, disk: 40 },
  'm1.xlarge': { cpu: 4, memory: 8192, disk: 60 },
  'c1.xlarge': { cpu: 4, memory: 4096, disk: 60 },
};

const AWS_TYPES: Readonly<Record<string, TypeRow>> = {
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
/** In base64. */
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
  pends: false,
  limit: 30,
  listsDeregistered: true,
};
const REGISTRATION_3_4: Registration = {
  ...REGISTRATION_3_2,
  ownBucket: false,
  names: 'unique',
  pends: true,
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
  pends: false,
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

const STORE_3_2: StoreDialect = {
  path: '/services/Walrus',
  signatures: ['hmac'],
  fullPathOnly: true,
  headsBuckets: false,
  ownBucketAgain: 409,
  bareEtags: true,
  bucketLimit: 5 * GIB,
};
const STORE_3_4: StoreDialect = { ...STORE_3_2, fullPathOnly: false, headsBuckets: true, bareEtags: false };
const STORE_4: StoreDialect = {
  ...STORE_3_4,
  path: '/services/objectstorage',
  signatures: ['hmac', '4'],
  ownBucketAgain: 200,
  bucketLimit: Infinity,
};
const STORE_AWS: StoreDialect = { ...STORE_4, path: '', signatures: ['4'] };

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
    insistsOnVersion: true,
    vpc: false,
    tellsDomain: false,
    groupIds: false,
    taggable: [],
    clientToken: 'ignored',
    associatesPending: true,
    console: { runningOnly: false, nothing: '' },
    missingIsError: false,
    zones: ['PARTI00'],
    tellsZoneState: false,
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
    insistsOnVersion: false,
    vpc: false,
    tellsDomain: false,
    groupIds: true,
    taggable: ['i-', 'sg-', 'emi-', 'eki-', 'eri-', 'vol-', 'snap-'],
    clientToken: 'idempotent',
    associatesPending: true,
    console: { runningOnly: false, nothing: '' },
    missingIsError: true,
    zones: ['PARTI00'],
    tellsZoneState: false,
    types: EUCALYPTUS_TYPES,
    images: EUCALYPTUS_IMAGES,
    registration: REGISTRATION_3_4,
    store: STORE_3_4,
  },
  // In EDGE network mode: addresses are classic.
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
    insistsOnVersion: false,
    vpc: false,
    tellsDomain: true,
    groupIds: true,
    taggable: ['i-', 'sg-', 'emi-', 'eki-', 'eri-', 'vol-', 'snap-'],
    clientToken: 'idempotent',
    associatesPending: true,
    console: { runningOnly: true, nothing: SPACE },
    missingIsError: true,
    zones: ['one'],
    tellsZoneState: true,
    types: EUCALYPTUS_TYPES,
    images: EUCALYPTUS_IMAGES,
    registration: REGISTRATION_4,
    store: STORE_4,
  },
  // In VPC network mode. Its endpoints are names below the cloud's domain, without a path.
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
    insistsOnVersion: false,
    vpc: true,
    tellsDomain: true,
    groupIds: true,
    taggable: ['i-', 'sg-', 'eipalloc-', 'emi-', 'eki-', 'eri-', 'vol-', 'snap-'],
    clientToken: 'idempotent',
    associatesPending: true,
    console: { runningOnly: true, nothing: SPACE },
    missingIsError: true,
    zones: ['one'],
    tellsZoneState: true,
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
    insistsOnVersion: true,
    vpc: true,
    tellsDomain: true,
    groupIds: true,
    taggable: ['i-', 'sg-', 'eipalloc-', 'ami-', 'aki-', 'ari-', 'vol-', 'snap-'],
    clientToken: 'checked',
    associatesPending: false,
    console: { runningOnly: false, nothing: undefined },
    missingIsError: true,
    zones: ['us-east-1a', 'us-east-1b'],
    tellsZoneState: true,
    types: AWS_TYPES,
    images: [{ id: 'ami-0266a5c0f2b14d7e9', name: 'stackato-v2.6.6', type: 'machine' }],
    registration: REGISTRATION_AWS,
    store: STORE_AWS,
  },
};
