/** YAML to plain data, and where in the file each part of it stands. The library's own messages quote the file, secrets and all: none is shown. */

import { LineCounter, isAlias, isMap, isScalar, isSeq, parseDocument, visit } from 'yaml';
import type { Document, Node, Pair, YAMLError } from 'yaml';
import type { Path } from './paths';
import { says } from './problems';

export interface Place {
  readonly line: number;
  readonly column: number;
}

export interface YamlFault extends Place {
  readonly text: string;
}

export interface YamlText {
  /** Absent where the file cannot be understood as YAML. */
  readonly data?: { readonly value: unknown };
  readonly faults: readonly YamlFault[];
  placeOf(path: Path, at: 'key' | 'value'): Place;
}

type ErrorCode = YAMLError['code'];

const REMEDY = 'check indentation, colons, brackets and quotes here and in the line before; quote text with special characters';

const WORDS: Partial<Record<ErrorCode, string>> = {
  DUPLICATE_KEY: says('this key is there twice', 'keep one of the two'),
  TAB_AS_INDENT: says('a tab is used for indentation', 'indent with spaces'),
  MULTIPLE_DOCS: says('there is more than one document in the file', 'keep one deployment per file: take out what follows ---'),
  TAG_RESOLVE_FAILED: says('this tag is not known', 'take the tag out, or quote text that begins with !'),
  BAD_DQ_ESCAPE: says('this escape is not known in double quotes', 'use single quotes, in which \\ means itself'),
  BAD_SCALAR_START: says('text cannot begin with this character', 'put it in quotes'),
  NON_STRING_KEY: says('a key must be plain text', 'write it as a word'),
  RESOURCE_EXHAUSTION: says('this is nested too deeply', 'a spec has three levels'),
};

const BAD_ALIAS = says('an alias has no anchor before it, or there are too many', 'quote text that begins with *, or define the anchor first');

/** These leave data behind that is worth checking. */
const HARMLESS: readonly ErrorCode[] = ['DUPLICATE_KEY', 'TAG_RESOLVE_FAILED'];

/** Plain YAML 1.2, even where the file begins with %YAML 1.1, in which `no` is false and a merge can fail with words from the file. */
const DIALECT = { schema: 'core', merge: false, resolveKnownTags: false, stringKeys: true, prettyErrors: false, logLevel: 'error' } as const;

export function readYaml(source: string): YamlText {
  const lines = new LineCounter();
  const place = (offset: number): Place => {
    const { line, col } = lines.linePos(offset);
    return { line: Math.max(line, 1), column: Math.max(col, 1) };
  };
  const document = parseDocument(source, { ...DIALECT, lineCounter: lines });
  const found = [...document.errors, ...document.warnings];
  const fatal = found.find(({ code }) => !HARMLESS.includes(code));
  // What follows a syntax error is mostly its echo.
  const told = fatal === undefined ? found : [...found.filter(({ code }) => HARMLESS.includes(code)), fatal];
  const faults = told.map(({ code, pos }) => ({ ...place(pos[0]), text: WORDS[code] ?? says('is not valid YAML here', REMEDY) }));
  const placeOf = (path: Path, at: 'key' | 'value'): Place => place(offsetOf(document, path, at));
  if (fatal !== undefined) return { faults, placeOf };
  const data = plain(document);
  if (data === undefined) return { faults: [...faults, { ...place(badAlias(document)), text: BAD_ALIAS }], placeOf };
  return { data, faults, placeOf };
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

/** Of what is not there: the key it should stand under. */
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
    offset = at === 'value' && i === path.length - 1 ? valueOffset(pair as Pair<Node, Node | null>) : ((pair.key as Node).range?.[0] ?? offset);
  }
  return offset;
}

/** A block begins in the line below its key and an empty value nowhere at all: for these, the key. */
function valueOffset({ key, value }: Pair<Node, Node | null>): number {
  const own = isAlias(value) || (isScalar(value) && value.value !== null) || ((isMap(value) || isSeq(value)) && value.flow === true);
  return (own ? value.range?.[0] : key.range?.[0]) ?? 0;
}
