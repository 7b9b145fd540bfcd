/** YAML to plain data, and where in the file each part of it stands. The library's own messages quote the file, secrets and all: none is shown. */

import { LineCounter, isScalar, parseAllDocuments, visit } from 'yaml';
import type { Document, YAMLError } from 'yaml';
import { isShowableKey, removeAt } from './paths';
import type { Path } from './paths';
import { says } from './problems';
import { keyAround, keysIn, offsetOf } from './yaml-places';
import type { Keyed } from './yaml-places';

export interface Place {
  readonly line: number;
  readonly column: number;
}

export interface YamlFault extends Place {
  readonly text: string;
  /** Of the key that is wrong, as far as it may be told. */
  readonly path: Path;
}

export interface YamlText {
  /** Absent where the file cannot be understood as YAML. */
  readonly data?: { readonly value: unknown };
  readonly faults: readonly YamlFault[];
  /** Mappings of which a part stands elsewhere: what they lack may be there. */
  readonly merged: readonly Path[];
  placeOf(path: Path, at: 'key' | 'value'): Place;
}

type ErrorCode = YAMLError['code'];

const REMEDY =
  'check indentation, colons, brackets and quotes here and in the line before; quote text with special characters';

const WORDS: Partial<Record<ErrorCode, string>> = {
  DUPLICATE_KEY: says('this key is there twice', 'keep one of the two'),
  TAB_AS_INDENT: says('a tab is used for indentation', 'indent with spaces'),
  MULTIPLE_DOCS: says(
    'there is more than one document in the file',
    'keep one deployment per file: take out what follows ---',
  ),
  TAG_RESOLVE_FAILED: says('this tag is not known', 'take the tag out, or quote text that begins with !'),
  BAD_DQ_ESCAPE: says('this escape is not known in double quotes', 'use single quotes, in which \\ means itself'),
  BAD_SCALAR_START: says('text cannot begin with this character', 'put it in quotes'),
  NON_STRING_KEY: says('a key must be plain text', 'write it as a word'),
  RESOURCE_EXHAUSTION: says('this is nested too deeply', 'a spec has three levels'),
};

const MERGE = says('merge keys are not known', 'write it out: put what << stands for here itself');
const BRACE = says(
  'a value that begins with { must be quoted',
  'put it in quotes; if it is a template, fill it in first',
);
const BAD_ALIAS = says(
  'an alias has no anchor before it, or there are too many',
  'quote text that begins with *, or define the anchor first',
);

/** These leave data behind that is worth checking. */
const HARMLESS: readonly ErrorCode[] = ['DUPLICATE_KEY', 'TAG_RESOLVE_FAILED'];

/** Plain YAML 1.2, even where the file begins with %YAML 1.1, in which `no` is false and a merge can fail with words from the file. */
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
  const place = (offset: number): Place => {
    const { line, col } = lines.linePos(offset);
    return { line: Math.max(line, 1), column: Math.max(col, 1) };
  };
  const { document, second } = documentsIn(source, lines);
  if (document === undefined) return { data: { value: null }, faults: [], merged: [], placeOf: () => place(0) };
  const found = [...document.errors, ...document.warnings];
  const keys = keysIn(document);
  const fatal = found.find(({ code }) => !HARMLESS.includes(code));
  const placeOf = (path: Path, at: 'key' | 'value'): Place => place(offsetOf(document, path, at));
  // What follows a syntax error is mostly its echo.
  const faults = found
    .filter(({ code }) => HARMLESS.includes(code))
    .map(({ code, pos: [offset] }): YamlFault => ({
      ...place(offset),
      text: wordsFor(code),
      path: pathAt(keys, offset),
    }));
  const refused = (offset: number, text: string, path: Path = []): YamlText => ({
    faults: [...faults, { ...place(offset), text, path }],
    merged: [],
    placeOf,
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
  // Its place is told; what it stands for is not looked at.
  for (const { path } of merges) removeAt(data.value, path);
  return {
    data,
    faults: [...faults, ...merges.map(({ path, offset }) => ({ ...place(offset), text: MERGE, path }))],
    merged: merges.map(({ path }) => path.slice(0, -1)),
    placeOf,
  };
}

function wordsFor(code: ErrorCode): string {
  return WORDS[code] ?? says('is not valid YAML here', REMEDY);
}

/** The one that says something. A line --- at an end of the file makes another, in which there is nothing. */
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

/** The key that begins there, unless it may be a secret in the wrong place. */
function pathAt(keys: readonly Keyed[], offset: number): Path {
  const key = keys.find((each) => each.offset === offset);
  if (key === undefined) return [];
  return isShowableKey(String(key.path.at(-1)), key.hasValue) ? key.path : key.path.slice(0, -1);
}

/** `{{ name }}` and `{% if %}` are mappings to YAML, and no right ones: nothing that is right begins so. */
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
