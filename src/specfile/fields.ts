/** What every key of the schema is made of: a type, rules, and words for each way of getting it wrong. */

import { closest, distance } from 'fastest-levenshtein';
import { z } from 'zod';
import { DURATION_PATTERN, NO_UNIT, durationFault } from './durations';
import { says } from './problems';

interface Wording {
  /** For the JSON Schema and the reference. */
  readonly about: string;
  /** Completes "give …". */
  readonly expects: string;
  /** As it is written in YAML. */
  readonly example: string;
}

interface TextField extends Wording {
  /** What is wrong with a (tidied) value. */
  readonly fault: (value: string) => string | undefined;
  readonly tidy?: (value: string) => string;
  /** For editors; at most as strict as `fault`. */
  readonly pattern?: string;
  /** What to say of a bare number, if not that it needs quotes. */
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

/** A text of one pattern, where one sentence says all that can be wrong. */
export function shaped({ shape, refusal, ...words }: Wording & { readonly shape: RegExp; readonly refusal: string }) {
  const fault = (value: string): string | undefined =>
    shape.test(value) ? undefined : says(refusal, `give ${words.expects}, such as ${words.example}`);
  return text({ ...words, fault, ...(shape.flags === '' ? { pattern: shape.source } : {}) });
}

export function choice<const T extends string>(values: readonly T[], words: Omit<Wording, 'expects' | 'example'>) {
  const expects = `one of ${values.join(', ')}`;
  const wrong = wrongType({ expects, example: values[0] ?? expects }, 'text');
  return z
    .enum(values, {
      error: (issue) =>
        typeof issue.input === 'string'
          ? says('is not a value known here', meant(issue.input, values) ?? `give ${expects}`)
          : wrong(issue),
    })
    .meta({ description: words.about });
}

export function whole(range: { readonly least: number; readonly most: number }, words: Wording) {
  const outside = says(
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

/** Stays text: `normalize` makes milliseconds of it. */
export function duration(about: string, [least, most]: readonly [least: string, most: string], example: string) {
  return text({
    about,
    expects: 'a duration with its unit',
    example,
    fault: (value) => durationFault(value, least, most),
    pattern: DURATION_PATTERN,
    ofNumber: NO_UNIT,
  });
}

export function list<T extends z.ZodType>(item: T, { most, ...words }: Wording & { readonly most: number }) {
  const wrong = wrongType(words);
  return (
    z
      .array(item, {
        error: (issue) =>
          typeof issue.input === 'string'
            ? says('must be a list', `put it into brackets: ${words.example}`)
            : wrong(issue),
      })
      // Not `min` and `max`: zod asks a text for its length, too.
      .superRefine((values, context) => {
        if (values.length === 0)
          context.addIssue({
            code: 'custom',
            message: says('is an empty list', `give ${words.expects}, such as ${words.example}, or leave the key out`),
          });
        if (values.length > most)
          context.addIssue({ code: 'custom', message: says(`has more than ${most} entries`, 'leave some out') });
        values.forEach((value, i) => {
          if (values.indexOf(value) < i)
            context.addIssue({
              code: 'custom',
              path: [i],
              message: says('is listed twice', 'leave one of the two out'),
            });
        });
      })
      .meta({ description: words.about, minItems: 1, maxItems: most })
  );
}

/** A mapping with exactly these keys. For unknown ones the message is the list of known ones; `explain` makes a sentence of each. */
export function mapping<S extends z.ZodRawShape>(shape: S, words: Wording) {
  const wrong = wrongType(words);
  return z
    .strictObject(shape, {
      error: (issue) => (issue.code === 'unrecognized_keys' ? Object.keys(shape).join(' ') : wrong(issue)),
    })
    .meta({ description: words.about });
}

/** The nearest known word, if it is near enough to have been meant. */
export function nearest(word: string, known: readonly string[]): string | undefined {
  const plain = (key: string): string => key.toLowerCase().replace(/[^a-z0-9]/g, '');
  const same = known.find((key) => plain(key) === plain(word));
  if (same !== undefined || known.length === 0) return same;
  const candidate = closest(word, known);
  return distance(word, candidate) <= Math.max(1, Math.floor(candidate.length / 3)) ? candidate : undefined;
}

function meant(word: string, known: readonly string[]): string | undefined {
  const candidate = nearest(word, known);
  return candidate === undefined ? undefined : `did you mean ${candidate}? Known are ${known.join(', ')}`;
}

/** What to say of a value of another type, or of none. */
export function wrongType(
  { expects, example }: Pick<Wording, 'expects' | 'example'>,
  wanted?: 'text',
): (issue: RawIssue) => string {
  return ({ input }) => {
    if (input === undefined) return says('is missing', `give ${expects}, such as ${example}`);
    if (input === null) return says('has no value', `give ${expects}, such as ${example}`);
    if (typeof input === 'number' && wanted === 'text')
      return says('is read as a number by YAML, and must be text', `quote it, as in "${example}"`);
    return says(`must be ${expects}, not ${kindOf(input)}`, `write it like ${example}`);
  };
}

const KINDS: Readonly<Record<string, string>> = { string: 'text', number: 'a number', object: 'a mapping' };

function kindOf(input: unknown): string {
  if (Array.isArray(input)) return 'a list';
  if (typeof input === 'boolean') return 'true or false';
  return KINDS[typeof input] ?? 'this';
}
