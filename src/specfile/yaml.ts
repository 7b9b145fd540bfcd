/**
 * Turns YAML into plain data, and finds the line of each part of it. The library's own messages are never shown, because they quote the
 * file, and with it secrets.
 */

import {
  LineCounter,
  isAlias,
  isCollection,
  isMap,
  isNode,
  isPair,
  isScalar,
  isSeq,
  parseAllDocuments,
  visit,
} from 'yaml';
import type { Document, Node, Pair, YAMLError } from 'yaml';
import { isShowableKey, removeAt, withHint } from './problems';
import type { Path } from './problems';

export interface Position {
  readonly line: number;
  readonly column: number;
}

export interface YamlFault extends Position {
  readonly text: string;
  /** The key that is wrong, as far as it may be shown. */
  readonly path: Path;
}

export interface YamlText {
  /** Absent if the file is not valid YAML. */
  readonly data?: { readonly value: unknown };
  readonly faults: readonly YamlFault[];
  /** Mappings with a merge key: what they lack may have been in what it merges. */
  readonly merged: readonly Path[];
  positionOf(path: Path, at: 'key' | 'value'): Position;
}

type ErrorCode = YAMLError['code'];

const REMEDY =
  'check indentation, colons, brackets and quotes here and in the line before; quote text with special characters';

const WORDS: Partial<Record<ErrorCode, string>> = {
  DUPLICATE_KEY: withHint('this key is there twice', 'keep one of them'),
  TAB_AS_INDENT: withHint('a tab is used for indentation', 'indent with spaces'),
  MULTIPLE_DOCS: withHint(
    'there is more than one document in the file',
    'keep one deployment per file: take out what follows ---',
  ),
  TAG_RESOLVE_FAILED: withHint('this tag is not known', 'take the tag out, or quote text that begins with !'),
  BAD_DQ_ESCAPE: withHint('this escape is not known in double quotes', 'use single quotes, in which \\ means itself'),
  BAD_SCALAR_START: withHint('text cannot begin with this character', 'put it in quotes'),
  NON_STRING_KEY: withHint('a key must be plain text', 'write it as a word'),
  RESOURCE_EXHAUSTION: withHint('this is nested too deeply', 'a spec has three levels'),
};

const MERGE = withHint('merge keys are not known', 'write it out: put what << stands for here itself');
const BRACE = withHint(
  'a value that begins with { must be quoted',
  'put it in quotes; if it is a template, fill it in first',
);
const BAD_ALIAS = withHint(
  'an alias has no anchor before it, or there are too many',
  'quote text that begins with *, or define the anchor first',
);

/** The rest of the file can still be checked after these. */
const RECOVERABLE: readonly ErrorCode[] = ['DUPLICATE_KEY', 'TAG_RESOLVE_FAILED'];

/** YAML 1.2 even if the file begins with %YAML 1.1, in which `no` is false and a failing merge quotes the file. */
const DIALECT = {
  schema: 'core',
  merge: false,
  resolveKnownTags: false,
  stringKeys: true,
  prettyErrors: false,
  logLevel: 'error',
} as const;

export function readYaml(source: string): YamlText {
  const lines = new LineCounter();
  const positionAt = (offset: number): Position => {
    const { line, col } = lines.linePos(offset);
    return { line: Math.max(line, 1), column: Math.max(col, 1) };
  };
  const { document, second } = documentsIn(source, lines);
  if (document === undefined) return { data: { value: null }, faults: [], merged: [], positionOf: () => positionAt(0) };
  const found = [...document.errors, ...document.warnings];
  const keys = keysIn(document);
  const fatal = found.find(({ code }) => !RECOVERABLE.includes(code));
  const positionOf = (path: Path, at: 'key' | 'value'): Position => positionAt(offsetOf(document, path, at));
  // After a syntax error, most further errors are consequences of it.
  const faults = found
    .filter(({ code }) => RECOVERABLE.includes(code))
    .map(({ code, pos: [offset] }): YamlFault => ({
      ...positionAt(offset),
      text: wordsFor(code),
      path: pathAt(keys, offset),
    }));
  const refused = (offset: number, text: string, path: Path = []): YamlText => ({
    faults: [...faults, { ...positionAt(offset), text, path }],
    merged: [],
    positionOf,
  });
  if (fatal !== undefined) {
    const brace = templateIn(source, fatal.pos[0]);
    return brace === undefined
      ? refused(fatal.pos[0], wordsFor(fatal.code))
      : refused(brace, BRACE, keyAround(document, brace));
  }
  if (second !== undefined) return refused(second, wordsFor('MULTIPLE_DOCS'));
  const merges = keys.filter(({ path }) => path.at(-1) === '<<');
  const data = plain(document);
  if (data === undefined) return refused(badAlias(document), BAD_ALIAS);
  // Merge keys are reported, and what they stand for is not checked.
  for (const { path } of merges) removeAt(data.value, path);
  return {
    data,
    faults: [...faults, ...merges.map(({ path, offset }) => ({ ...positionAt(offset), text: MERGE, path }))],
    merged: merges.map(({ path }) => path.slice(0, -1)),
    positionOf,
  };
}

function wordsFor(code: ErrorCode): string {
  return WORDS[code] ?? withHint('is not valid YAML here', REMEDY);
}

/** Documents that are not empty: a line --- at the beginning or end of the file makes an empty one. */
function documentsIn(
  source: string,
  lineCounter: LineCounter,
): { readonly document?: Document; readonly second?: number } {
  const all: readonly Document[] = parseAllDocuments(source, { ...DIALECT, lineCounter });
  const isEmpty = ({ contents, errors }: Document): boolean =>
    errors.length === 0 && (contents === null || (isScalar(contents) && contents.value === null));
  const [document, second] = all.filter((each) => !isEmpty(each));
  return {
    ...(document === undefined ? {} : { document }),
    ...(second === undefined ? {} : { second: second.range?.[0] ?? 0 }),
  };
}

/** The key at that offset, without its own name if that may be a secret in the wrong place. */
function pathAt(keys: readonly KeyInFile[], offset: number): Path {
  const key = keys.find((each) => each.offset === offset);
  if (key === undefined) return [];
  return isShowableKey(String(key.path.at(-1)), key.hasValue) ? key.path : key.path.slice(0, -1);
}

/** YAML takes the templates `{{ name }}` and `{% if %}` for broken mappings. No valid value begins like that. */
function templateIn(source: string, offset: number): number | undefined {
  const start = source.lastIndexOf('\n', offset - 1) + 1;
  const line = source.slice(start).split('\n', 1)[0] ?? '';
  const at = line.search(/(?<=^|[\s,[{])\{[{%]/);
  return at < 0 ? undefined : start + at;
}

function plain(document: Document): { value: unknown } | undefined {
  try {
    return { value: document.toJS({ maxAliasCount: 100 }) };
  } catch (error) {
    if (error instanceof ReferenceError) return undefined;
    throw error;
  }
}

function badAlias(document: Document): number {
  let offset = 0;
  visit(document, {
    Alias: (_key, node) => {
      offset = node.range?.[0] ?? 0;
      return node.resolve(document) === undefined ? visit.BREAK : undefined;
    },
  });
  return offset;
}

/** If it is not there: the key it should be under. */
function offsetOf(document: Document, path: Path, at: 'key' | 'value'): number {
  let node: Node | null = document.contents;
  let offset = node?.range?.[0] ?? 0;
  for (const [i, part] of path.entries()) {
    const inside = isAlias(node) ? node.resolve(document) : node;
    if (isSeq(inside)) {
      node = (inside.items[Number(part)] as Node | undefined) ?? null;
      offset = node?.range?.[0] ?? offset;
      continue;
    }
    const pair = isMap(inside) ? inside.items.find(({ key }) => isScalar(key) && key.value === part) : undefined;
    if (pair === undefined) break;
    node = pair.value as Node | null;
    offset =
      at === 'value' && i === path.length - 1
        ? valueOffset(pair as Pair<Node, Node | null>)
        : ((pair.key as Node).range?.[0] ?? offset);
  }
  return offset;
}

/** Of a block, which begins in the line below its key, and of an empty value: the key. */
function valueOffset({ key, value }: Pair<Node, Node | null>): number {
  const own =
    isAlias(value) ||
    (isScalar(value) && value.value !== null) ||
    ((isMap(value) || isSeq(value)) && value.flow === true);
  return (own ? value.range?.[0] : key.range?.[0]) ?? 0;
}

interface KeyInFile {
  readonly path: Path;
  readonly offset: number;
  /** Whether there is anything after the colon. */
  readonly hasValue: boolean;
}

/** Every text key, in the order of the file. */
function keysIn(document: Document): readonly KeyInFile[] {
  const keys: KeyInFile[] = [];
  visit(document, {
    Pair: (_index, pair, above) => {
      if (!isScalar(pair.key)) return;
      const hasValue = isNode(pair.value) && !(isScalar(pair.value) && pair.value.value === null);
      keys.push({ path: [...pathTo(above, pair), String(pair.key.value)], offset: pair.key.range?.[0] ?? 0, hasValue });
    },
  });
  return keys;
}

/** The innermost key whose value contains the offset. */
function keyAround(document: Document, offset: number): Path {
  let found: Path = [];
  visit(document, {
    Pair: (_index, pair, above) => {
      const [from, , to] = (isNode(pair.value) ? pair.value.range : undefined) ?? [Infinity, 0, 0];
      if (isScalar(pair.key) && from <= offset && offset < to) found = [...pathTo(above, pair), String(pair.key.value)];
    },
  });
  return found;
}

/** @param above the nodes from the document down to the parent of `last`, as `visit` gives them */
function pathTo(above: readonly unknown[], last: Pair): Path {
  return above.flatMap((node, i): PropertyKey[] => {
    if (isPair(node)) return isScalar(node.key) ? [String(node.key.value)] : [];
    const next = above[i + 1] ?? last;
    return isCollection(node) && isSeq(node) ? [node.items.indexOf(next)] : [];
  });
}
