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
  readonly pool: 1 | 2 | 3;
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
  readonly groupIds: boolean;
  /** Prefixes of the ids that may bear tags. */
  readonly taggable: readonly string[];
  readonly clientToken: 'ignored' | 'idempotent' | 'checked';
  /** Whether an address may be associated with an instance that is pending. */
  readonly associatesPending: boolean;
  /** Names and ids asked for that do not exist: an error, or simply not in the answer. */
  readonly missingIsError: boolean;
  readonly zones: readonly string[];
  readonly types: Readonly<Record<string, TypeRow>>;
  readonly images: readonly ImageRow[];
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

export const DIALECTS: Readonly<Record<Kind, Dialect>> = {
  'eucalyptus-3.2': {
    kind: 'eucalyptus-3.2', region: 'eucalyptus', motoRegion: 'us-west-1', path: '/services/Eucalyptus', eucalyptus: true, pool: 1,
    signatures: ['2'], clock: EUCALYPTUS_CLOCK, refusesReplay: true, version: '2012-10-01', insistsOnVersion: true,
    vpc: false, groupIds: false, taggable: [], clientToken: 'ignored', associatesPending: true, missingIsError: false,
    zones: ['PARTI00'], types: EUCALYPTUS_TYPES, images: EUCALYPTUS_IMAGES,
  },
  // In EDGE network mode: addresses are classic.
  'eucalyptus-4.4': {
    kind: 'eucalyptus-4.4', region: 'eucalyptus', motoRegion: 'us-west-2', path: '/services/compute', eucalyptus: true, pool: 2,
    signatures: ['2', '4'], clock: EUCALYPTUS_CLOCK, refusesReplay: false, version: '2016-11-15', insistsOnVersion: false,
    vpc: false, groupIds: true, taggable: ['i-', 'sg-', 'emi-', 'eki-', 'eri-', 'vol-', 'snap-'],
    clientToken: 'idempotent', associatesPending: true, missingIsError: true,
    zones: ['one'], types: EUCALYPTUS_TYPES, images: EUCALYPTUS_IMAGES,
  },
  aws: {
    kind: 'aws', region: 'us-east-1', motoRegion: 'us-east-1', path: '/', eucalyptus: false, pool: 3,
    signatures: ['4'], clock: { future: 5 * MINUTE, past: 5 * MINUTE }, refusesReplay: false, version: '2016-11-15', insistsOnVersion: true,
    vpc: true, groupIds: true, taggable: ['i-', 'sg-', 'eipalloc-', 'ami-', 'vol-', 'snap-'],
    clientToken: 'checked', associatesPending: false, missingIsError: true,
    zones: ['us-east-1a', 'us-east-1b'], types: AWS_TYPES,
    images: [{ id: 'ami-0266a5c0f2b14d7e9', name: 'stackato-v2.6.6', type: 'machine' }],
  },
};
