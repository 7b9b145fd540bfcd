/** What is wrong with a spec: where, what, and what to write instead. A value from the file is never repeated: it may be a secret. */

import type { Path } from './paths';

export interface Problem {
  readonly file: string;
  /** From 1. */
  readonly line: number;
  readonly column: number;
  /** `dns.zone`, `access.ssh[0]`; empty for the file as a whole. */
  readonly path: string;
  readonly message: string;
  readonly hint: string;
}

/** A problem that has not been looked up in the file yet. */
export interface Fault {
  readonly path: Path;
  readonly text: string;
  /** Whether the key or the value is wrong. */
  readonly at: 'key' | 'value';
  /** The last part of the path is the user's own word, and may be a secret in the wrong place. */
  readonly hidden?: true;
  /** Where the key is a known one misspelt: that one. */
  readonly meant?: Path;
}

export const BETWEEN = ' — ';

/** Both halves as one text, because that is all a zod message can carry. */
export function says(message: string, hint: string): string {
  return message + BETWEEN + hint;
}

export function halves(text: string): { message: string; hint: string } {
  const cut = text.indexOf(BETWEEN);
  if (cut < 0) throw new Error(`a message without a hint: ${text}`);
  return { message: text.slice(0, cut), hint: text.slice(cut + BETWEEN.length) };
}

/** By place, and each only once: two checks may say the same of one value. */
export function inOrder(problems: readonly Problem[]): Problem[] {
  const unique = new Map(problems.map((problem) => [JSON.stringify(problem), problem]));
  return [...unique.values()].sort((a, b) => a.line - b.line || a.column - b.column);
}

export function formatProblems(problems: readonly Problem[]): string {
  return problems
    .map(
      ({ file, line, column, path, message, hint }) =>
        `${file}:${line}:${column}  ${path === '' ? '' : `${path}: `}${message}${BETWEEN}${hint}`,
    )
    .join('\n');
}
