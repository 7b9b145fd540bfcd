/** How rules about several keys read a spec and report what is wrong. */

import { isMapping, valueAt } from './problems';
import type { Fault, Path } from './problems';

/** How a rule reads the spec: only values that are right by themselves, as text. */
export interface SpecReader {
  /** The value, or the default if the key is left out; undefined if there is neither, or if the value is wrong. */
  get(path: string, fallback?: string): string | undefined;
  has(path: string): boolean;
  /** It is true. */
  isOn(path: string): boolean;
  /** Left out, and nothing is wrong with the mapping it belongs in. */
  lacks(path: string): boolean;
  /** The keys of a mapping in the order of the file, or the indices of a list, if nothing is wrong with it. */
  keys(path: string): readonly string[];
}

export type Rule = (spec: SpecReader) => readonly (Fault | undefined)[];

export function readerOf(raw: unknown, known: readonly Fault[]): SpecReader {
  // A fault of the value itself, or of a mapping around it. Unknown keys beside it do not matter.
  const isWrong = (path: Path): boolean =>
    known.some((fault) => fault.at === 'value' && fault.path.every((part, i) => part === path[i]));
  const read = (path: string): unknown => (isWrong(pathOf(path)) ? undefined : valueAt(raw, pathOf(path)));
  return {
    get: (path, fallback) => {
      const value = read(path);
      if (typeof value === 'string' || typeof value === 'number') return String(value);
      return isWrong(pathOf(path)) ? undefined : fallback;
    },
    has: (path) => read(path) !== undefined,
    isOn: (path) => read(path) === true,
    lacks: (path) => !isWrong(pathOf(path)) && read(path) === undefined,
    keys: (path) => {
      const value = read(path);
      return isMapping(value) ? Object.keys(value) : [];
    },
  };
}

export function wrong(path: string, text: string, at: Fault['at'] = 'value'): Fault {
  return { path: pathOf(path), text, at };
}

function pathOf(path: string): Path {
  return path.split('.').map((part) => (/^\d+$/.test(part) ? Number(part) : part));
}
