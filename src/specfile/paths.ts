/** Places in a spec: `['access', 'ssh', 0]`, for people `access.ssh[0]`. */

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

/** `{ hunter2 }` is a mapping with a key and no value: such a key, and whatever does not look like one, may be a secret gone astray. */
export function isShowableKey(key: string, hasValue: boolean): boolean {
  return hasValue && /^[A-Za-z_][A-Za-z0-9_-]{0,39}$/.test(key);
}
