/** Which volumes of the account are this deployment's. */

import type { CloudVolume } from '../ports';
import type { Context } from '../step';

const GONE: ReadonlySet<string> = new Set(['gone', 'deleting']);

export function isLost({ state }: CloudVolume): boolean {
  return GONE.has(state);
}

/** Those with our mark, and the one that is remembered as made by us, unless another has tagged it. */
export function oursOf(
  listed: readonly CloudVolume[],
  { mark, known }: Pick<Context, 'mark' | 'known'>,
): readonly CloudVolume[] {
  const { volume } = known;
  return listed.filter(
    ({ id, owner }) => owner === mark || (owner === undefined && volume?.made === true && volume.id === id),
  );
}

/** It was adopted, and nothing shows that it is ours. */
export function isUnproved({ id, owner }: CloudVolume, { known: { volume } }: Pick<Context, 'known'>): boolean {
  return owner === undefined && volume?.id === id && volume.unproved === true;
}

/**
 * What a creation whose end is unknown may have made: a volume that was not there before, of our size, in our zone, blank, and that nobody
 * has attached or tagged since. Somebody else may have made it in the same minute.
 */
export function candidatesOf(
  listed: readonly CloudVolume[],
  { known }: Pick<Context, 'known'>,
  wanted: { readonly size: number; readonly zone?: string },
): readonly CloudVolume[] {
  const { volumesBefore } = known;
  if (volumesBefore === undefined) return [];
  return listed.filter(
    (volume) =>
      !isLost(volume) &&
      !volumesBefore.includes(volume.id) &&
      !volume.fromSnapshot &&
      volume.size === wanted.size &&
      (wanted.zone === undefined || volume.zone === wanted.zone) &&
      volume.attachment === undefined &&
      volume.owner === undefined,
  );
}
