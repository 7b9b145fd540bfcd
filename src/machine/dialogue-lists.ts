/** Lists (name servers, search domains) that a program may ask for one item at a time: which item it wants now. */

import { isYesNo } from './dialogue-topics';
import type { PromptId } from './dialogue-topics';

/** A question about the list that was answered, and what was printed before that answer. */
export interface AskedBefore {
  readonly prompt: string;
  readonly before: string;
}

const ITEM_WORD = String.raw`(?:(?:upstream|search|dns) )?(?:dns|name\s*-?server|server|search|domain|resolver|one)`;
const ASKS_FOR_MORE = new RegExp(
  String.raw`\b(?:another|next|additional|second(?:ary)?|third|tertiary|alternat(?:e|ive)|(?<!or )more) ${ITEM_WORD}|^\W*(?:another|next|more|any more)\b|\b(?:dns|name\s*-?server|domain)(?: server)?\s*(?:#|no\.? ?)?[2-9]\b`,
  'i',
);
const ONE_AT_A_TIME = new RegExp(
  String.raw`\b(?:first|primary) ${ITEM_WORD}|\b(?:dns|name\s*-?server|domain)(?: server)?\s*(?:#|no\.? ?)?1\b|\bone (?:\w+ )?(?:at a time|by one|after the other|per (?:line|prompt))\b|\b(?:empty|blank|nothing)\b.*\b(?:finish|end|stop|done|no more|last)`,
  'i',
);
const COMPLAINT =
  /\b(invalid|illegal|error|bad|wrong|unreachable|again|once more|sorry|cannot|must|incorrect|fail\w*|no such|not)\b/i;

/** Whether the prompt asks for another item. It need not say of which list. */
export function asksForMore(prompt: string): boolean {
  return ASKS_FOR_MORE.test(prompt);
}

export type ListItem =
  /** An index from 0; past the end there is nothing left to give. */
  number | 'all' | 'asked again';

/**
 * @param text everything printed since the last answer
 * @param before the questions about this list that were answered
 */
export function nextItem(id: PromptId, prompt: string, text: string, before: readonly AskedBefore[]): ListItem {
  if (id !== 'nameservers' && id !== 'search') return before.length === 0 ? 'all' : 'asked again';
  const given = before.filter((asked) => !isYesNo(asked.prompt));
  const asksMore = ASKS_FOR_MORE.test(prompt);
  if (given.length === 0) return asksMore || isYesNo(prompt) || ONE_AT_A_TIME.test(text) ? 0 : 'all';
  // A complaint means that it wants the same item again.
  if (COMPLAINT.test(text.replace(prompt, ' '))) return 'asked again';
  const oneByOne =
    given.some((asked) => ONE_AT_A_TIME.test(asked.before) || ASKS_FOR_MORE.test(asked.prompt)) ||
    before.length > given.length;
  if (oneByOne) return given.length;
  return asksMore ? Infinity : 'asked again';
}
