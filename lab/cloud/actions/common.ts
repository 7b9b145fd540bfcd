/** Small things every action needs. */

import { listed } from '../parameters';
import type { Params } from '../parameters';
import type { Tag } from '../records';
import { Refusal } from '../refusals';
import type { RefusalName } from '../refusals';
import type { World } from '../world';
import { list } from '../xml';
import type { Branch, Tree } from '../xml';

export function needed(params: Params, name: string): string {
  const value = params[name];
  if (value === undefined || value === '') throw new Refusal('parameterMissing', name);
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

/** Those rows the request names, or all; what it names and is not there is an error on clouds that make it one. */
export function named<T>(
  { dialect }: World,
  rows: readonly T[],
  params: Params,
  by: Readonly<Record<string, (row: T) => string>>,
  missing: RefusalName,
): T[] {
  let left = [...rows];
  for (const [parameter, keyOf] of Object.entries(by)) {
    const wanted = listed(params, parameter);
    if (wanted.length === 0) continue;
    const absent = wanted.find((name) => !rows.some((row) => keyOf(row) === name));
    if (absent !== undefined && dialect.missingIsError) throw new Refusal(missing, absent);
    left = left.filter((row) => wanted.includes(keyOf(row)));
  }
  return left;
}
