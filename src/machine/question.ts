/** Where, in what a program printed, a question stands that it waits at. */

import { isChoice, promptOf } from './prompts';
import { plainText } from './terminal';

export interface Question {
  readonly prompt: string;
  /** The cursor stands behind it. */
  readonly open: boolean;
  /** Asks; else it may as well be the beginning of news ("Gateway   ... ok"). */
  readonly sure: boolean;
}

/** The end of a line that waits for something. A line that already ended needs a clearer sign than one the cursor stands in. */
const OPEN_END = /[?:>\]|)=#»›❯→]$/;
const CLOSED_END = /[?:>\]]$/;
const IMPERATIVE = /^\W*(\w+[.,]? )?(please\s+)?(enter|type|input|provide|specify|give|press|hit)\b/i;
const ASKING = /^\W*(please|what|which|choose|select|new|static)\b/i;
/** "Checking the IP address:", "Using gateway ...": told, not asked. */
const TELLING = /^\W*(\w+ing|done|warning|error|note|\[?info\]?|ok|please (wait|stand by|be patient))\b|(\.\.\.|…)$/i;
const PRESS = /\b(press|hit|strike)\b.*\b(enter|return|key)\b/i;
const RULE = /^[-=_*~#+.·─━═\s]+$/;
const BARE_SIGN = /^[-=]*[>:?»›❯→]+$/;
const HINT = /^(separate|leave|press|use|multiple|several|default|example|for example|e\.g)\b/i;
const BARE_WORDS = /^[\p{L}\s()'’,/-]{1,40}$/u;
const MOST_LINES = 3;

export function questionIn(output: string): Question | undefined {
  const text = plainText(output);
  const prompt = questionText(text);
  if (prompt === '') return undefined;
  const open = text.slice(text.lastIndexOf('\n') + 1).trim() !== '';
  const command = IMPERATIVE.test(prompt) && !/^\W*(press|hit)\b/i.test(prompt);
  // What asks for a key often ends in dots, and a warning may end in a question.
  const asks =
    isChoice(prompt) ||
    (/\?$/.test(prompt) && open) ||
    (PRESS.test(prompt) && promptOf(prompt) === 'enter') ||
    (command && open);
  if (!asks && TELLING.test(lastSentence(prompt))) return undefined;
  if (asks) return { prompt, open, sure: true };
  const sure = open ? OPEN_END.test(prompt) || ASKING.test(prompt) : CLOSED_END.test(prompt) || command;
  return sure || BARE_WORDS.test(prompt) ? { prompt, open, sure } : undefined;
}

/** The last line, or as many above it as the question needs. Rules, and the blanks that are to be filled in, are ornament. */
function questionText(text: string): string {
  const lines = text
    .split('\n')
    .map((line) => line.trim().replace(/\s*_[_.\s]*$/, ''))
    .filter((line) => line !== '' && !RULE.test(line));
  let prompt = lines.at(-1) ?? '';
  for (const above of lines.slice(-MOST_LINES, -1).reverse()) {
    if (!leansOn(above, prompt)) break;
    prompt = `${above} ${prompt}`;
  }
  return prompt;
}

/** Whether the line says nothing without the one above it: a lone `>`, the end of a sentence, an example. */
function leansOn(above: string, line: string): boolean {
  if (BARE_SIGN.test(line)) return true;
  if (promptOf(line) !== undefined || isChoice(line)) return false;
  if (HINT.test(line)) return true;
  return /^\p{Ll}/u.test(line) ? /[\p{L},]$/u.test(above) : /^[([]/.test(line);
}

/** "Note: it may be left empty. Name servers:" asks. */
function lastSentence(prompt: string): string {
  return prompt.replace(/^.*(?<!\b(?:e\.g|i\.e))[.!]\s+(?=\S)/, '');
}
