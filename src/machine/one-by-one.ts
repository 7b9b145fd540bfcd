/** Lists that a program asks for one by one: which of them it wants now. */

import { isChoice } from './prompts';
import type { PromptId } from './prompts';

/** An answer that was given to a question about the list: what was asked, and all that was printed before it. */
export interface Asked {
  readonly prompt: string;
  readonly before: string;
}

const TOPIC = String.raw`(?:(?:upstream|search|dns) )?(?:dns|name\s*-?server|server|search|domain|resolver|one)`;
const FURTHER = new RegExp(
  String.raw`\b(?:another|next|additional|second(?:ary)?|third|tertiary|alternat(?:e|ive)|(?<!or )more) ${TOPIC}|^\W*(?:another|next|more|any more)\b|\b(?:dns|name\s*-?server|domain)(?: server)?\s*(?:#|no\.? ?)?[2-9]\b`,
  'i',
);
const SINGLE = new RegExp(
  String.raw`\b(?:first|primary) ${TOPIC}|\b(?:dns|name\s*-?server|domain)(?: server)?\s*(?:#|no\.? ?)?1\b|\bone (?:\w+ )?(?:at a time|by one|after the other|per (?:line|prompt))\b|\b(?:empty|blank|nothing)\b.*\b(?:finish|end|stop|done|no more|last)`,
  'i',
);
const COMPLAINT =
  /\b(invalid|illegal|error|bad|wrong|unreachable|again|once more|sorry|cannot|must|incorrect|fail\w*|no such|not)\b/i;

/** Whether it may be about the list that was asked for last, though it does not say which. */
export function goesOn(prompt: string): boolean {
  return FURTHER.test(prompt);
}

export type Part =
  /** The n-th of them, from 0; past the last: nothing. */
  number | 'all' | 'asked again';

/** `before`: the answers given so far to questions about this list; `text`: all that was printed since the last. */
export function partOf(id: PromptId, prompt: string, text: string, before: readonly Asked[]): Part {
  if (id !== 'nameservers' && id !== 'search') return before.length === 0 ? 'all' : 'asked again';
  const given = before.filter((asked) => !isChoice(asked.prompt));
  const further = FURTHER.test(prompt);
  if (given.length === 0) return further || isChoice(prompt) || SINGLE.test(text) ? 0 : 'all';
  // The same, because it was not content, or the next one?
  if (COMPLAINT.test(text.replace(prompt, ' '))) return 'asked again';
  const oneByOne =
    given.some((asked) => SINGLE.test(asked.before) || FURTHER.test(asked.prompt)) || before.length > given.length;
  if (oneByOne) return given.length;
  return further ? Infinity : 'asked again';
}
