/** Places in a spec: `['access', 'ssh', 0]`, for people `access.ssh[0]`. */

export type Path = readonly PropertyKey[];

export function pathText(path: Path): string {
  return path.map((part, i) => (typeof part === 'number' ? `[${part}]` : `${i === 0 ? '' : '.'}${String(part)}`)).join('');
}

export function valueAt(raw: unknown, path: Path): unknown {
  return path.reduce<unknown>((value, key) => (isMapping(value) && Object.hasOwn(value, key) ? value[String(key)] : undefined), raw);
}

export function isMapping(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
