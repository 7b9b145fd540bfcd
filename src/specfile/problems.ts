/** Problems of a spec: where, what is wrong, and what to write instead. Values from the file are never repeated: they may be secrets. */

/** A place in a spec, such as `['access', 'ssh', 0]`; for people `access.ssh[0]`. */
export type Path = readonly PropertyKey[];

export function pathText(path: Path): string {
  return path
    .map((part, i) => (typeof part === 'number' ? `[${part}]` : `${i === 0 ? '' : '.'}${String(part)}`))
    .join('');
}

export function valueAt(raw: unknown, path: Path): unknown {
  return path.reduce<unknown>(
    (value, key) => (isMapping(value) && Object.hasOwn(value, key) ? value[String(key)] : undefined),
    raw,
  );
}

export function removeAt(raw: unknown, path: Path): void {
  const parent = valueAt(raw, path.slice(0, -1));
  const key = path.at(-1);
  if (isMapping(parent) && key !== undefined) delete parent[String(key)];
}

export function isMapping(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

/** `{ hunter2 }` is a mapping with a key and no value. Such a key, and one that does not look like a key, may be a secret in the wrong place. */
export function isShowableKey(key: string, hasValue: boolean): boolean {
  return hasValue && /^[A-Za-z_][A-Za-z0-9_-]{0,39}$/.test(key);
}

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

/** A problem whose line in the file is not known yet. */
export interface Fault {
  readonly path: Path;
  readonly text: string;
  /** Whether the key or the value is wrong. */
  readonly at: 'key' | 'value';
  /** The last part of the path is the user's own word, and may be a secret in the wrong place. */
  readonly hidden?: true;
  /** It is a bad name: nothing is said about its value. */
  readonly refused?: true;
  /** The known key, if this is a misspelling of one. */
  readonly meant?: Path;
}

export const SEPARATOR = ' — ';

/** Message and hint as one text, because a zod message cannot hold more. */
export function withHint(message: string, hint: string): string {
  return message + SEPARATOR + hint;
}

export function splitHint(text: string): { message: string; hint: string } {
  const cut = text.indexOf(SEPARATOR);
  if (cut < 0) throw new Error(`this message has no hint: ${text}`);
  return { message: text.slice(0, cut), hint: text.slice(cut + SEPARATOR.length) };
}

/** By their place in the file, each once: two checks may find the same problem. */
export function sortProblems(problems: readonly Problem[]): Problem[] {
  const unique = new Map(problems.map((problem) => [JSON.stringify(problem), problem]));
  return [...unique.values()].sort((a, b) => a.line - b.line || a.column - b.column);
}

export function formatProblems(problems: readonly Problem[]): string {
  return problems
    .map(
      ({ file, line, column, path, message, hint }) =>
        `${file}:${line}:${column}  ${path === '' ? '' : `${path}: `}${message}${SEPARATOR}${hint}`,
    )
    .join('\n');
}
