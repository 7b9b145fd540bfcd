/** Building blocks of the schema: a type, its rules, and a message for everything that can be wrong with a value. */

import { z } from 'zod';
import { nearest } from './nearest';
import { withHint } from './problems';

interface Wording {
  /** For the JSON Schema and the reference. */
  readonly about: string;
  /** Completes "give …". */
  readonly expects: string;
  /** As written in YAML. */
  readonly example: string;
}

interface TextField extends Wording {
  /** What is wrong with a value, after `tidy`. */
  readonly fault: (value: string) => string | undefined;
  readonly tidy?: (value: string) => string;
  /** For editors; at most as strict as `fault`. */
  readonly pattern?: string;
  /** The message for a bare number, if not that it needs quotes. */
  readonly ofNumber?: string;
}

interface RawIssue {
  readonly code?: string;
  readonly input?: unknown;
}

export function text({ fault, tidy = (value) => value, pattern, ofNumber, ...words }: TextField) {
  const wrong = wrongType(words, 'text');
  return z
    .string({ error: (issue) => (typeof issue.input === 'number' && ofNumber !== undefined ? ofNumber : wrong(issue)) })
    .overwrite(tidy)
    .superRefine((value, context) => {
      const message = fault(value);
      if (message !== undefined) context.addIssue({ code: 'custom', message });
    })
    .meta({ description: words.about, examples: [words.example], ...(pattern === undefined ? {} : { pattern }) });
}

/** A text that must match a pattern, with one message for all that do not. */
export function shaped({ shape, refusal, ...words }: Wording & { readonly shape: RegExp; readonly refusal: string }) {
  const fault = (value: string): string | undefined =>
    shape.test(value) ? undefined : withHint(refusal, `give ${words.expects}, such as ${words.example}`);
  return text({ ...words, fault, ...(shape.flags === '' ? { pattern: shape.source } : {}) });
}

export function choice<const T extends string>(values: readonly T[], words: Omit<Wording, 'expects' | 'example'>) {
  const expects = `one of ${values.join(', ')}`;
  const wrong = wrongType({ expects, example: values[0] ?? expects }, 'text');
  return z
    .enum(values, {
      error: (issue) =>
        typeof issue.input === 'string'
          ? withHint('is not a value known here', meant(issue.input, values) ?? `give ${expects}`)
          : wrong(issue),
    })
    .meta({ description: words.about });
}

export function whole(range: { readonly least: number; readonly most: number }, words: Wording) {
  const outside = withHint(
    `must be a whole number from ${range.least} to ${range.most}`,
    `give ${words.expects}, such as ${words.example}`,
  );
  const wrong = wrongType(words);
  return z
    .int({ error: (issue) => (typeof issue.input === 'number' ? outside : wrong(issue)) })
    .min(range.least, outside)
    .max(range.most, outside)
    .meta({ description: words.about, examples: [Number(words.example)] });
}

export function port(about: string, example: string) {
  return whole({ least: 1, most: 65_535 }, { about, expects: 'a port number', example });
}

export function flag(about: string) {
  return z.boolean({ error: wrongType({ expects: 'true or false', example: 'true' }) }).meta({ description: about });
}

export function list<T extends z.ZodType>(item: T, { most, ...words }: Wording & { readonly most: number }) {
  const wrong = wrongType(words);
  return (
    z
      .array(item, {
        error: (issue) =>
          typeof issue.input === 'string'
            ? withHint('must be a list', `put it in brackets: ${words.example}`)
            : wrong(issue),
      })
      // Not `min` and `max`: zod would check the length of a text too.
      .superRefine((values, context) => {
        if (values.length === 0)
          context.addIssue({
            code: 'custom',
            message: withHint(
              'is an empty list',
              `give ${words.expects}, such as ${words.example}, or leave the key out`,
            ),
          });
        if (values.length > most)
          context.addIssue({ code: 'custom', message: withHint(`has more than ${most} entries`, 'leave some out') });
        values.forEach((value, i) => {
          if (values.indexOf(value) < i)
            context.addIssue({
              code: 'custom',
              path: [i],
              message: withHint('is listed twice', 'leave one of the two out'),
            });
        });
      })
      .meta({ description: words.about, minItems: 1, maxItems: most })
  );
}

/** A mapping with these keys only. If there are others, the message is the list of known keys, of which schema-faults.ts makes one for each. */
export function mapping<S extends z.ZodRawShape>(shape: S, words: Wording) {
  const wrong = wrongType(words);
  return z
    .strictObject(shape, {
      error: (issue) => (issue.code === 'unrecognized_keys' ? Object.keys(shape).join(' ') : wrong(issue)),
    })
    .meta({ description: words.about });
}

function meant(word: string, known: readonly string[]): string | undefined {
  const candidate = nearest(word, known);
  return candidate === undefined ? undefined : `did you mean ${candidate}? Known are ${known.join(', ')}`;
}

/** The message for a value of another type, or for no value. */
export function wrongType(
  { expects, example }: Pick<Wording, 'expects' | 'example'>,
  wanted?: 'text',
): (issue: RawIssue) => string {
  return ({ input }) => {
    if (input === undefined) return withHint('is missing', `give ${expects}, such as ${example}`);
    if (input === null) return withHint('has no value', `give ${expects}, such as ${example}`);
    if (typeof input === 'number' && wanted === 'text')
      return withHint('is read as a number by YAML, and must be text', `quote it, as in "${example}"`);
    return withHint(`must be ${expects}, not ${kindOf(input)}`, `write it like ${example}`);
  };
}

const KINDS: Readonly<Record<string, string>> = { string: 'text', number: 'a number', object: 'a mapping' };

function kindOf(input: unknown): string {
  if (Array.isArray(input)) return 'a list';
  if (typeof input === 'boolean') return 'true or false';
  return KINDS[typeof input] ?? 'this';
}
