/** From what zod found to what a person is told. */

import type { z } from 'zod';
import { nearest } from './fields';
import { isShowableKey, pathText, valueAt } from './paths';
import type { Path } from './paths';
import { BETWEEN, says } from './problems';
import type { Fault } from './problems';

type Issue = z.core.$ZodIssue;

export function explain(issues: readonly Issue[], raw: unknown): Fault[] {
  return issues.flatMap((issue) => faultsOf(issue, [], raw));
}

/** Of a misspelt key it need not be said, too, that it is missing; nor of what a merge key may have brought. */
export function withoutEchoes(faults: readonly Fault[], merged: readonly Path[], raw: unknown): Fault[] {
  const misspelt = new Set(faults.flatMap(({ meant }) => (meant === undefined ? [] : [pathText(meant)])));
  const open = new Set(merged.map(pathText));
  return faults.filter(({ path, at, meant }) => {
    if (open.has(pathText(path)) || (open.has(pathText(path.slice(0, -1))) && valueAt(raw, path) === undefined))
      return false;
    return at === 'value' || meant !== undefined || !misspelt.has(pathText(path));
  });
}

function faultsOf(issue: Issue, above: Path, raw: unknown): Fault[] {
  const path = [...above, ...issue.path];
  if (issue.code === 'unrecognized_keys') return unknownKeys(issue, path, raw);
  if (issue.code === 'invalid_union') {
    const meant = issue.errors.filter((branch) => branch.every((inner) => !isOfAnotherType(inner, valueAt(raw, path))));
    // None: the union's own words. Two never happen: the branches of each union differ in type.
    const [branch] = meant;
    if (branch !== undefined) return branch.flatMap((inner) => faultsOf(inner, path, raw));
  }
  return [{ path, text: issue.message, at: valueAt(raw, path) === undefined ? 'key' : 'value' }];
}

function isOfAnotherType(issue: Issue, value: unknown): boolean {
  return (
    issue.path.length === 0 &&
    (issue.code === 'invalid_type' || (issue.code === 'invalid_value' && typeof value !== 'string'))
  );
}

/** The message of such an issue is the list of known keys (see `mapping`), or a sentence where no key may be repeated. */
function unknownKeys(issue: z.core.$ZodIssueUnrecognizedKeys, path: Path, raw: unknown): Fault[] {
  if (issue.message.includes(BETWEEN)) return [{ path, text: issue.message, at: 'value' }];
  const known = issue.message.split(' ');
  return issue.keys.map((key) => {
    const suggestion = nearest(key, known);
    const hint = suggestion === undefined ? `known here: ${known.join(', ')}` : `did you mean ${suggestion}?`;
    const shown = suggestion !== undefined || isShowableKey(key, valueAt(raw, [...path, key]) !== null);
    return {
      path: [...path, key],
      text: says(shown ? `unknown key ${key}` : 'unknown key', hint),
      at: 'key',
      ...(shown ? {} : { hidden: true }),
      ...(suggestion === undefined ? {} : { meant: [...path, suggestion] }),
    };
  });
}
