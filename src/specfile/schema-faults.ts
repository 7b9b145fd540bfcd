/** Faults of a spec, from the issues that zod found in it. */

import type { z } from 'zod';
import { CORE } from '../deployment/facts';
import { nearest } from './nearest';
import { isShowableKey, pathText, SEPARATOR, valueAt, withHint } from './problems';
import type { Fault, Path } from './problems';

type Issue = z.core.$ZodIssue;

export function faultsOfIssues(issues: readonly Issue[], raw: unknown): Fault[] {
  return issues.flatMap((issue) => faultsOf(issue, [], raw));
}

/**
 * Without those that follow from another fault: a misspelt key is also missing, a merge key that is refused may have brought it, and what
 * a group with a bad name has does not matter.
 */
export function withoutConsequences(faults: readonly Fault[], merged: readonly Path[], raw: unknown): Fault[] {
  const misspelt = new Set(faults.flatMap(({ meant }) => (meant === undefined ? [] : [pathText(meant)])));
  const incomplete = new Set(merged.map(pathText));
  return faults.filter(({ path, at, meant }) => {
    if (
      incomplete.has(pathText(path)) ||
      (incomplete.has(pathText(path.slice(0, -1))) && valueAt(raw, path) === undefined)
    )
      return false;
    if (faults.some((other) => other.refused === true && isAt(other.path, path, at))) return false;
    return at === 'value' || meant !== undefined || !misspelt.has(pathText(path));
  });
}

/** Whether this place is the value of that key, or inside of it. */
function isAt(key: Path, path: Path, at: Fault['at']): boolean {
  const inside = key.length < path.length || (key.length === path.length && at === 'value');
  return inside && key.every((part, i) => part === path[i]);
}

function faultsOf(issue: Issue, above: Path, raw: unknown): Fault[] {
  const path = [...above, ...issue.path];
  if (issue.code === 'unrecognized_keys') return unknownKeys(issue, path, raw);
  if (issue.code === 'invalid_union') {
    const matching = issue.errors.filter((branch) =>
      branch.every((inner) => !isOfAnotherType(inner, valueAt(raw, path))),
    );
    // At most one, because the branches of each union differ in type. If there is none, the union has its own message.
    const [branch] = matching;
    if (branch !== undefined) return branch.flatMap((inner) => faultsOf(inner, path, raw));
  }
  const value = valueAt(raw, path);
  const hidden = isNameOfGroup(path) && !isShowableKey(String(path.at(-1)), value !== null);
  return [
    { path, text: issue.message, at: value === undefined ? 'key' : 'value', ...(hidden ? { hidden: true } : {}) },
  ];
}

/** The only keys that are the user's own words. */
function isNameOfGroup([section, name, ...rest]: Path): boolean {
  return section === 'nodes' && name !== undefined && name !== CORE && rest.length === 0;
}

function isOfAnotherType(issue: Issue, value: unknown): boolean {
  return (
    issue.path.length === 0 &&
    (issue.code === 'invalid_type' || (issue.code === 'invalid_value' && typeof value !== 'string'))
  );
}

/** The message of such an issue is the list of known keys (see `mapping`), or a sentence if the key may be a secret. */
function unknownKeys(issue: z.core.$ZodIssueUnrecognizedKeys, path: Path, raw: unknown): Fault[] {
  if (issue.message.includes(SEPARATOR)) return [{ path, text: issue.message, at: 'value' }];
  const known = issue.message.split(' ');
  return issue.keys.map((key) => {
    const suggestion = nearest(key, known);
    const hint = suggestion === undefined ? `known here: ${known.join(', ')}` : `did you mean ${suggestion}?`;
    const shown = suggestion !== undefined || isShowableKey(key, valueAt(raw, [...path, key]) !== null);
    return {
      path: [...path, key],
      text: withHint(shown ? `unknown key ${key}` : 'unknown key', hint),
      at: 'key',
      ...(shown ? {} : { hidden: true }),
      ...(suggestion === undefined ? {} : { meant: [...path, suggestion] }),
    };
  });
}
