/** Helpers of the actions. */

import type { Cloud } from '../cloud';
import { Ec2Error } from '../ec2-errors';
import type { Ec2ErrorName } from '../ec2-errors';
import { listed } from '../parameters';
import type { Params } from '../parameters';
import type { Tag } from '../records';
import { list } from '../xml';
import type { Branch, Tree } from '../xml';

export function required(params: Params, name: string): string {
  const value = params[name];
  if (value === undefined || value === '') throw new Ec2Error('parameterMissing', name);
  return value;
}

const STATE_CODES: Readonly<Record<string, number>> = { pending: 0, running: 16, 'shutting-down': 32, terminated: 48 };

export function codeOf(state: string): number | undefined {
  return STATE_CODES[state];
}

export function stateOf(name: string): Branch {
  return { code: codeOf(name), name };
}

export function tagSet({ tags }: { readonly tags: readonly Tag[] }): Tree {
  return list(tags.map(({ key, value }) => ({ key, value })));
}

/**
 * The rows that the request names, or all rows. A name that does not exist is an error, or ignored, depending on the
 * cloud.
 */
export function selected<T>(
  { dialect }: Cloud,
  rows: readonly T[],
  params: Params,
  by: Readonly<Record<string, (row: T) => string>>,
  missing: Ec2ErrorName,
): T[] {
  let left = [...rows];
  for (const [parameter, keyOf] of Object.entries(by)) {
    const wanted = listed(params, parameter);
    if (wanted.length === 0) continue;
    const absent = wanted.find((name) => !rows.some((row) => keyOf(row) === name));
    if (absent !== undefined && dialect.missingIsError) throw new Ec2Error(missing, absent);
    left = left.filter((row) => wanted.includes(keyOf(row)));
  }
  return left;
}
