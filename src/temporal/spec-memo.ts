/** The spec travels in the memo, so that `down`, `resume` and a second `up` need no file. It holds references, no secrets. */

import { createHash } from 'node:crypto';
import type { DeploymentSpec } from '../deployment/types';

/** Memo key beside MEMO_VIEW. */
export const MEMO_SPEC = 'stackatoSpec';

export interface SpecMemo {
  readonly digest: string;
  readonly spec: DeploymentSpec;
  /** Of the `up` or `down` that started the run: tells the one of two at once that came first. */
  readonly start: string;
}

/** Equal for equal specs, whatever the order of their keys. */
export function digestOf(spec: DeploymentSpec): string {
  return createHash('sha256').update(JSON.stringify(spec, sorted)).digest('hex');
}

export function specMemoOf(memo: Record<string, unknown> | undefined): SpecMemo | undefined {
  const value = memo?.[MEMO_SPEC];
  return typeof value === 'object' && value !== null && 'digest' in value && 'spec' in value
    ? (value as SpecMemo)
    : undefined;
}

function sorted(_key: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
}
