/**
 * What a program that talks to a person wants to know now, judged by what it printed. The exact words of `kato` are not known for any
 * release, so they are matched loosely (prompts.ts), each question is answered once, and a question asked again ends the dialogue.
 */

import { goesOn, partOf } from './one-by-one';
import type { Asked } from './one-by-one';
import { choiceWord, isChoice, promptOf, topicOf } from './prompts';
import type { PromptId } from './prompts';
import { questionIn } from './question';
import { plainText } from './terminal';

export { PROMPT_IDS } from './prompts';
export type { PromptId } from './prompts';

export interface Conversation {
  /** Answers given so far, each with what was printed between the answer before it and it. */
  readonly said: readonly { readonly id: string; readonly before: string }[];
  /** Printed since the last answer. */
  readonly output: string;
}

export type StuckReason = 'asked again' | 'refused' | 'no answer';

export type Verdict =
  | { readonly kind: 'wait' }
  /** `part`: which of the answer's words is wanted, where they are asked for one by one. `doubtful`: it may be news, if more follows soon. */
  | {
      readonly kind: 'answer';
      readonly id: PromptId;
      readonly prompt: string;
      readonly part?: number;
      readonly doubtful?: true;
    }
  /** Looks like a question, matches none: if nothing is printed for long, it is one. */
  | { readonly kind: 'unknown'; readonly prompt: string }
  | { readonly kind: 'stuck'; readonly prompt: string; readonly reason: StuckReason; readonly id: PromptId };

/** A question for sure, even one that matches no row; not a progress bar, not `[3/5]`. */
const UNKNOWN_END = /[?:>]$|\[[a-z/ ]*\]$|\((?:[a-z/ ]+)\)$/i;
const REFUSAL = /\bsorry\b|\btry again\b|\bincorrect\b|\bwrong\b|\bauthentication fail/i;
const ADDRESS = /\b\d+\.\d+\.\d+\.\d+\b/g;
/** A wrong one is seen in the file afterwards, before it does harm. */
const SETTINGS: ReadonlySet<PromptId> = new Set([
  'nameservers',
  'search',
  'gateway',
  'netmask',
  'interface',
  'address',
]);
/** Of questions that may come more than once. */
const MANY = 12;

/** `words`: of the answers, where they are at hand. A yes to addresses that are not among them would be a guess. */
export function decide(
  { said, output }: Conversation,
  answers: ReadonlySet<PromptId>,
  words?: readonly string[],
): Verdict {
  const line = questionIn(output);
  if (line === undefined) return { kind: 'wait' };
  const { prompt, open, sure } = line;
  const id = idOf(prompt, said);
  if (id === undefined || (id === 'confirm' && namesOthers(prompt, words))) {
    return open && UNKNOWN_END.test(prompt) ? { kind: 'unknown', prompt } : { kind: 'wait' };
  }
  // A closed line is often news with a colon ("Roles on this router:"): without an answer to give, that is how it is taken.
  if (!open && !answers.has(id)) return { kind: 'wait' };
  if (!sure) return doubtfulVerdict(id, prompt, open, said, answers);
  if (!answers.has(id)) return { kind: 'stuck', prompt, reason: 'no answer', id };
  return id === 'password' ? passwordVerdict(prompt, said, output) : answerVerdict(id, prompt, said, output);
}

/** What to type. */
export function wording(id: PromptId, prompt: string, answer: string, part?: number): string {
  const items = answer.split(' ').filter((item) => item !== '');
  if (part !== undefined)
    return isChoice(prompt) ? choiceWord(prompt, part < items.length ? 'yes' : 'no') : (items[part] ?? '');
  return id === 'confirm' || id === 'decline' ? choiceWord(prompt, answer) : answer;
}

function answerVerdict(id: PromptId, prompt: string, said: Conversation['said'], output: string): Verdict {
  const before: Asked[] = said
    .filter((answer) => answer.id === id)
    .map((answer) => ({ prompt: questionIn(answer.before)?.prompt ?? '', before: plainText(answer.before) }));
  const stuck: Verdict = { kind: 'stuck', prompt, reason: 'asked again', id };
  if (before.length >= MANY) return stuck;
  if (id === 'enter') return { kind: 'answer', id, prompt };
  // Two different questions may both want a yes; the same one twice was not content with the answer.
  if (id === 'confirm' || id === 'decline')
    return before.some((asked) => asked.prompt === prompt) ? stuck : { kind: 'answer', id, prompt };
  const part = partOf(id, prompt, plainText(output), before);
  if (part === 'asked again') return stuck;
  return part === 'all' ? { kind: 'answer', id, prompt } : { kind: 'answer', id, prompt, part };
}

/** Bare words: whoever prints "Netmask" and no more for long waits for it, but for what is known to need better words. */
function doubtfulVerdict(
  id: PromptId,
  prompt: string,
  open: boolean,
  said: Conversation['said'],
  answers: ReadonlySet<PromptId>,
): Verdict {
  const fresh = SETTINGS.has(id) && answers.has(id) && !said.some((answer) => answer.id === id);
  if (fresh) return { kind: 'answer', id, prompt, doubtful: true };
  return open && answers.has(id) ? { kind: 'unknown', prompt } : { kind: 'wait' };
}

/** "Another name server? [y/n]" is about the list, and "Another?" about the one before. */
function idOf(prompt: string, said: Conversation['said']): PromptId | undefined {
  if (!goesOn(prompt)) return promptOf(prompt);
  const topic = topicOf(prompt);
  if (isList(topic)) return topic;
  const last = said.at(-1)?.id;
  return promptOf(prompt) ?? (topic === undefined && isList(last) ? last : undefined);
}

function isList(id: string | undefined): id is 'nameservers' | 'search' {
  return id === 'nameservers' || id === 'search';
}

function namesOthers(prompt: string, words: readonly string[] | undefined): boolean {
  return words !== undefined && (prompt.match(ADDRESS) ?? []).some((address) => !words.includes(address));
}

/** Every sudo under a kato command may ask; the one that asks again at once, or says so, has refused. */
function passwordVerdict(prompt: string, said: Conversation['said'], output: string): Verdict {
  const times = said.filter(({ id }) => id === 'password').length;
  const between = plainText(output).replace(prompt, '').trim();
  const refused = times > 0 && (between === '' || REFUSAL.test(between) || times >= MANY);
  return refused
    ? { kind: 'stuck', prompt, reason: 'refused', id: 'password' }
    : { kind: 'answer', id: 'password', prompt };
}
