/** What the campaign goes over: every call that changes something outside, and everything that can befall it. */

import type { Kind } from '../../lab/types';

export const KINDS: readonly Kind[] = ['eucalyptus-3.2', 'eucalyptus-4.4', 'aws'];

/** `CAMPAIGN='aws: RunInstances'` tries a part of it again: a regular expression over the titles. */
const PART = new RegExp(process.env.CAMPAIGN ?? '');

export interface CallRow {
  /** Of EC2 or S3, or the program that changes the zone. */
  readonly call: string;
  /** When it is made: while it is brought up, by `abort`, or by `down --images`. */
  readonly at: 'up' | 'abort' | 'down';
  readonly kinds?: readonly Kind[];
  /** Publishes an image of its own, to a bucket that is new or that others have objects in. */
  readonly bucket?: 'new' | 'shared';
  /** Asked for once, whatever comes of it: an instance that bears no tag is found by its group. */
  readonly once?: true;
  /** Nobody else allocates meanwhile: where addresses bear no tags, that alone proves whose one is. */
  readonly alone?: true;
}

export const CALLS: readonly CallRow[] = [
  { call: 'CreateSecurityGroup', at: 'up' },
  { call: 'AuthorizeSecurityGroupIngress', at: 'up' },
  { call: 'RunInstances', at: 'up' },
  { call: 'CreateTags', at: 'up', kinds: ['eucalyptus-4.4'], once: true },
  { call: 'AssociateAddress', at: 'up' },
  { call: 'nsupdate', at: 'up' },
  { call: 'CreateBucket', at: 'up', bucket: 'new' },
  { call: 'PutObject', at: 'up', bucket: 'shared' },
  { call: 'RegisterImage', at: 'up', bucket: 'shared' },
  { call: 'DisassociateAddress', at: 'abort' },
  { call: 'TerminateInstances', at: 'abort' },
  { call: 'nsupdate', at: 'abort' },
  { call: 'DeleteSecurityGroup', at: 'abort' },
  { call: 'ReleaseAddress', at: 'abort' },
  { call: 'DeregisterImage', at: 'down', bucket: 'shared' },
  { call: 'DeleteObject', at: 'down', bucket: 'shared' },
  { call: 'AllocateAddress', at: 'up', alone: true },
];

/**
 * `abort`: while it is held (of a call that takes back: cancelled from outside). `kill`: the worker, while it is held; it takes effect before the next
 * worker comes. `busy`: throttled, then a server error. `refused`: for good. `lost`: done, and the answer is lost.
 */
export const MISHAPS = ['abort', 'kill', 'busy', 'refused', 'lost'] as const;
export type Mishap = (typeof MISHAPS)[number];

export interface Trial {
  readonly kind: Kind;
  readonly row: CallRow;
  readonly mishap: Mishap;
  readonly title: string;
  /** Of its deployment, its bucket and its user. */
  readonly name: string;
}

const SHORT: Partial<Record<Kind, string>> = { 'eucalyptus-3.2': 'e32', 'eucalyptus-4.4': 'e44' };

export const TRIALS: readonly Trial[] = KINDS.flatMap((kind) =>
  MISHAPS.flatMap((mishap) =>
    CALLS.filter(({ kinds }) => kinds?.includes(kind) !== false).map((row) => ({
      kind,
      row,
      mishap,
      title: `${kind}: ${row.call}${row.at === 'up' ? '' : ` of ${row.at}`} × ${mishap}`,
      name: `${SHORT[kind] ?? kind}-${row.at}-${row.call.toLowerCase().slice(0, 16)}-${mishap}`,
    })),
  ),
).filter(({ title }) => PART.test(title));
