/** What somebody meant who misspelt a word. */

import { closest, distance } from 'fastest-levenshtein';

/** The most similar known word, if it is similar enough to be what was meant. */
export function nearest(word: string, known: readonly string[]): string | undefined {
  const plain = (key: string): string => key.toLowerCase().replace(/[^a-z0-9]/g, '');
  const same = known.find((key) => plain(key) === plain(word));
  if (same !== undefined || known.length === 0) return same;
  const candidate = closest(word, known);
  return distance(word, candidate) <= Math.max(1, Math.floor(candidate.length / 3)) ? candidate : undefined;
}
