/** The trials of the campaign: every call that changes something outside, with every mishap, on every kind of cloud. */

import type { Kind } from '../../lab/types';

export const KINDS: readonly Kind[] = ['eucalyptus-3.2', 'eucalyptus-4.4', 'aws'];

/** `CAMPAIGN='aws: RunInstances'` runs only the trials whose titles match this regular expression. */
const SELECTED = new RegExp(process.env.CAMPAIGN ?? '');

export interface CallRow {
  /** An action of EC2 or S3, or `nsupdate`, which changes the zone. */
  readonly call: string;
  /** When the call is made: during `up`, by `abort`, or by `down --images`. */
  readonly at: 'up' | 'abort' | 'down';
  readonly kinds?: readonly Kind[];
  /** The deployment publishes an image of its own, to a new bucket or to one where others have objects. */
  readonly bucket?: 'new' | 'shared';
  /** Tried once, whatever the outcome: an instance without a tag is found by its group. */
  readonly once?: true;
  /** Nobody else may allocate meanwhile: without tags, that alone proves whose a new address is. */
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
 * `abort`: the deployment is aborted while the call is held; during an undo, the workflow is cancelled instead.
 * `kill`: the worker is killed while the call is held; the call takes effect before the next worker starts.
 * `busy`: the call is throttled, then gets a server error.
 * `refused`: the call gets a permanent error.
 * `lost`: the call takes effect, but its response is lost.
 */
export const MISHAPS = ['abort', 'kill', 'busy', 'refused', 'lost'] as const;
export type Mishap = (typeof MISHAPS)[number];

export interface Trial {
  readonly kind: Kind;
  readonly row: CallRow;
  readonly mishap: Mishap;
  readonly title: string;
  /** The name of its deployment, its bucket and its user. */
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
).filter(({ title }) => SELECTED.test(title));
