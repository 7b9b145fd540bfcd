/**
 * Decides what to answer to a program that asks questions on its terminal, from what it has printed. The exact words of `kato` are not
 * known for any release, so prompts are matched loosely (dialogue-topics.ts), each question is answered once, and a question that is asked
 * again ends the dialogue.
 */

import { asksForMore, nextItem } from './dialogue-lists';
import type { AskedBefore } from './dialogue-lists';
import { findPrompt } from './dialogue-prompt';
import { isYesNo, subjectOf, topicOf, yesNoWord } from './dialogue-topics';
import type { PromptId } from './dialogue-topics';
import { plainText } from './output';

export { PROMPT_IDS } from './dialogue-topics';
export type { PromptId } from './dialogue-topics';

export interface Conversation {
  /** Answers given so far, each with what was printed between the previous answer and it. */
  readonly answered: readonly { readonly id: string; readonly before: string }[];
  /** Printed since the last answer. */
  readonly output: string;
}

export type StuckReason = 'asked again' | 'refused' | 'no answer';

export type Verdict =
  | { readonly kind: 'wait' }
  | {
      readonly kind: 'answer';
      readonly id: PromptId;
      readonly prompt: string;
      /** Which item of the answer's list to type, if the program asks for one at a time. */
      readonly item?: number;
      /** It may turn out to be no question, if more output follows soon. */
      readonly doubtful?: true;
    }
  /** Looks like a question and matches no topic: it is one if nothing is printed for long. */
  | { readonly kind: 'unknown'; readonly prompt: string }
  | { readonly kind: 'stuck'; readonly prompt: string; readonly reason: StuckReason; readonly id: PromptId };

/** Ends like a question, even one without a topic. Not a progress bar, not `[3/5]`. */
const QUESTION_END = /[?:>]$|\[[a-z/ ]*\]$|\((?:[a-z/ ]+)\)$/i;
const REFUSAL = /\bsorry\b|\btry again\b|\bincorrect\b|\bwrong\b|\bauthentication fail/i;
const ADDRESS = /\b\d+\.\d+\.\d+\.\d+\b/g;
/** A wrong value of these is seen in the interfaces file afterwards, before it does harm. */
const SETTINGS: ReadonlySet<PromptId> = new Set([
  'nameservers',
  'search',
  'gateway',
  'netmask',
  'interface',
  'address',
]);
/** For questions that may come more than once. */
const MAX_REPEATS = 12;

/**
 * @param answers the questions there is an answer for
 * @param words the words of the answers, if they are known here: a yes to addresses that are not among them would be a guess
 */
export function decide(
  { answered, output }: Conversation,
  answers: ReadonlySet<PromptId>,
  words?: readonly string[],
): Verdict {
  const found = findPrompt(output);
  if (found === undefined) return { kind: 'wait' };
  const { prompt, open, sure } = found;
  const id = promptIdOf(prompt, answered);
  if (id === undefined || (id === 'confirm' && namesOtherAddresses(prompt, words))) {
    return open && QUESTION_END.test(prompt) ? { kind: 'unknown', prompt } : { kind: 'wait' };
  }
  // A finished line is often a heading ("Roles on this router:"): it is taken for one, unless there is an answer to give.
  if (!open && !answers.has(id)) return { kind: 'wait' };
  if (!sure) return doubtfulVerdict(id, prompt, open, answered, answers);
  if (!answers.has(id)) return { kind: 'stuck', prompt, reason: 'no answer', id };
  return id === 'password' ? passwordVerdict(prompt, answered, output) : answerVerdict(id, prompt, answered, output);
}

/** What to type. */
export function answerText(id: PromptId, prompt: string, answer: string, item?: number): string {
  const items = answer.split(' ').filter((word) => word !== '');
  if (item !== undefined)
    return isYesNo(prompt) ? yesNoWord(prompt, item < items.length ? 'yes' : 'no') : (items[item] ?? '');
  return id === 'confirm' || id === 'decline' ? yesNoWord(prompt, answer) : answer;
}

function answerVerdict(id: PromptId, prompt: string, answered: Conversation['answered'], output: string): Verdict {
  const before: AskedBefore[] = answered
    .filter((answer) => answer.id === id)
    .map((answer) => ({ prompt: findPrompt(answer.before)?.prompt ?? '', before: plainText(answer.before) }));
  const stuck: Verdict = { kind: 'stuck', prompt, reason: 'asked again', id };
  if (before.length >= MAX_REPEATS) return stuck;
  if (id === 'enter') return { kind: 'answer', id, prompt };
  // Two different questions may both want a yes; the same one twice means that the answer was not accepted.
  if (id === 'confirm' || id === 'decline')
    return before.some((asked) => asked.prompt === prompt) ? stuck : { kind: 'answer', id, prompt };
  const item = nextItem(id, prompt, plainText(output), before);
  if (item === 'asked again') return stuck;
  return item === 'all' ? { kind: 'answer', id, prompt } : { kind: 'answer', id, prompt, item };
}

/** Bare words: a program that prints "Netmask" and then nothing for long is waiting for it. Only settings are answered so. */
function doubtfulVerdict(
  id: PromptId,
  prompt: string,
  open: boolean,
  answered: Conversation['answered'],
  answers: ReadonlySet<PromptId>,
): Verdict {
  const isNew = SETTINGS.has(id) && answers.has(id) && !answered.some((answer) => answer.id === id);
  if (isNew) return { kind: 'answer', id, prompt, doubtful: true };
  return open && answers.has(id) ? { kind: 'unknown', prompt } : { kind: 'wait' };
}

/** "Another name server? [y/n]" names its list; "Another?" is about the list that was asked for last. */
function promptIdOf(prompt: string, answered: Conversation['answered']): PromptId | undefined {
  if (!asksForMore(prompt)) return topicOf(prompt);
  const subject = subjectOf(prompt);
  if (isList(subject)) return subject;
  const last = answered.at(-1)?.id;
  return topicOf(prompt) ?? (subject === undefined && isList(last) ? last : undefined);
}

function isList(id: string | undefined): id is 'nameservers' | 'search' {
  return id === 'nameservers' || id === 'search';
}

function namesOtherAddresses(prompt: string, words: readonly string[] | undefined): boolean {
  return words !== undefined && (prompt.match(ADDRESS) ?? []).some((address) => !words.includes(address));
}

/** Every sudo inside a kato command may ask. If it asks again at once, or says so, the password was refused. */
function passwordVerdict(prompt: string, answered: Conversation['answered'], output: string): Verdict {
  const times = answered.filter(({ id }) => id === 'password').length;
  const between = plainText(output).replace(prompt, '').trim();
  const refused = times > 0 && (between === '' || REFUSAL.test(between) || times >= MAX_REPEATS);
  return refused
    ? { kind: 'stuck', prompt, reason: 'refused', id: 'password' }
    : { kind: 'answer', id: 'password', prompt };
}
