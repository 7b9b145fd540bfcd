/** Reads dialogue files strictly. An error names the field, what is wrong with it, and what would be right. */

import { readFileSync } from 'node:fs';
import { z } from 'zod';

/** Questions about the network. */
export const NETWORK = ['interface', 'address', 'netmask', 'gateway', 'nameservers', 'search'] as const;
/** Questions that can still be asked after the file was written. */
const CLOSING = ['decline', 'enter'] as const;
const QUESTIONS = [...NETWORK, 'confirm', ...CLOSING] as const;
export type NetworkId = (typeof NETWORK)[number];
export type Question = (typeof QUESTIONS)[number];

export interface Prompt {
  readonly id: Question;
  readonly text: string;
  readonly newline?: boolean | undefined;
  readonly default?: string | undefined;
  readonly again?: string | undefined;
  readonly more?: string | undefined;
  readonly yes?: readonly string[] | undefined;
  readonly progress?: readonly string[] | undefined;
  readonly after?: readonly string[] | undefined;
}

export interface Dialogue {
  readonly about?: string | undefined;
  readonly intro?: readonly string[] | undefined;
  readonly prompts: readonly Prompt[];
  readonly summary?: readonly string[] | undefined;
  readonly password?: string | undefined;
  readonly written?: readonly string[] | undefined;
  readonly closing?: readonly Prompt[] | undefined;
}

const MAX_LENGTH = 2000;
const text = z.string().max(MAX_LENGTH);
const lines = z.array(text);
const question = text.min(1, 'is empty: must be the text of the question');

const FIELDS = {
  text: question,
  newline: z.boolean().optional(),
  default: text.optional(),
  again: text.optional(),
  more: question.optional(),
  yes: z
    .array(z.string().min(1, 'is empty: must be an answer'))
    .min(1, 'is empty: must be the answers that confirm')
    .optional(),
  progress: lines.optional(),
  after: lines.optional(),
};

function promptOf(ids: readonly Question[]): z.ZodType<Prompt> {
  return z.strictObject({ id: z.enum(ids), ...FIELDS }).superRefine(({ id, more, yes }, context) => {
    const refuse = (field: string, only: string): void =>
      context.addIssue({ code: 'custom', path: [field], message: `is for ${only} only` });
    if (more !== undefined && id !== 'nameservers' && id !== 'search') refuse('more', 'the ids nameservers and search');
    if (yes !== undefined && id !== 'confirm') refuse('yes', 'the id confirm');
  });
}

const PROMPTS = z
  .array(promptOf(QUESTIONS))
  .min(1, 'is empty: must list the questions')
  .superRefine((prompts, context) => {
    prompts.forEach(({ id }, index) => {
      if (!isNetwork(id) || prompts.findIndex((prompt) => prompt.id === id) === index) return;
      context.addIssue({
        code: 'custom',
        path: [index, 'id'],
        message: `is "${id}" again: each of ${NETWORK.join(', ')} may be asked only once`,
      });
    });
  });

const DIALOGUE = z.strictObject({
  about: text.optional(),
  intro: lines.optional(),
  prompts: PROMPTS,
  summary: lines.optional(),
  password: question.optional(),
  written: lines.optional(),
  closing: z.array(promptOf(CLOSING)).optional(),
});

export function isNetwork(id: string): id is NetworkId {
  return (NETWORK as readonly string[]).includes(id);
}

export function parseDialogue(path: string): Dialogue {
  const parsed = DIALOGUE.safeParse(jsonOf(path), { reportInput: true });
  if (parsed.success) return parsed.data;
  throw new Error(
    `${path} is not a valid dialogue (see "Dialogue files" in docs/lab.md):\n${parsed.error.issues.map((issue) => `  ${describeIssue(issue)}`).join('\n')}`,
  );
}

function jsonOf(path: string): unknown {
  const content = read(path);
  try {
    return JSON.parse(content.replace(/^\uFEFF/, ''));
  } catch (error) {
    throw new Error(
      `${path} is not JSON: ${(error as Error).message}. It must be one JSON object (see "Dialogue files" in docs/lab.md).`,
    );
  }
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new Error(`The dialogue file ${path} cannot be read: ${(error as Error).message}.`);
  }
}

const TYPES: Readonly<Record<string, string>> = {
  string: 'a text',
  array: 'a list',
  object: 'an object',
  boolean: 'true or false',
};

function describeIssue(issue: z.core.$ZodIssue): string {
  const files = issue.path
    .map((part, index) => (typeof part === 'number' ? `[${part}]` : `${index === 0 ? '' : '.'}${String(part)}`))
    .join('');
  const where = files === '' ? 'the file' : files;
  const given = issue.input === undefined ? 'is missing' : `is ${JSON.stringify(issue.input).slice(0, 80)}`;
  if (issue.code === 'unrecognized_keys') {
    const known = files === '' ? Object.keys(DIALOGUE.shape) : ['id', ...Object.keys(FIELDS)];
    return `${where} has the unknown field ${issue.keys.join(', ')}: there are ${known.join(', ')}`;
  }
  if (issue.code === 'invalid_value') return `${where} ${given}: must be one of ${issue.values.map(String).join(', ')}`;
  if (issue.code === 'invalid_type') return `${where} ${given}: must be ${TYPES[issue.expected] ?? issue.expected}`;
  return issue.code === 'too_big' ? `${where} is longer than ${MAX_LENGTH} characters` : `${where} ${issue.message}`;
}
