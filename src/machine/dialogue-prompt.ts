/** Finds the question that a program waits at, in what it has printed. */

import { isYesNo, topicOf } from './dialogue-topics';
import { plainText } from './output';

export interface FoundPrompt {
  readonly prompt: string;
  /** The cursor is in the same line. */
  readonly open: boolean;
  /** Certainly a question; otherwise it may be the beginning of a message ("Gateway   ... ok"). */
  readonly sure: boolean;
}

/** Ends of prompts. A finished line needs a clearer sign than one that the cursor is in. */
const OPEN_END = /[?:>\]|)=#»›❯→]$/;
const CLOSED_END = /[?:>\]]$/;
const IMPERATIVE = /^\W*(\w+[.,]? )?(please\s+)?(enter|type|input|provide|specify|give|press|hit)\b/i;
const ASKING = /^\W*(please|what|which|choose|select|new|static)\b/i;
/** Messages: "Checking the IP address:", "Using gateway ...". */
const MESSAGE = /^\W*(\w+ing|done|warning|error|note|\[?info\]?|ok|please (wait|stand by|be patient))\b|(\.\.\.|…)$/i;
const PRESS = /\b(press|hit|strike)\b.*\b(enter|return|key)\b/i;
const SEPARATOR = /^[-=_*~#+.·─━═\s]+$/;
const SIGN_ONLY = /^[-=]*[>:?»›❯→]+$/;
const HINT = /^(separate|leave|press|use|multiple|several|default|example|for example|e\.g)\b/i;
const BARE_WORDS = /^[\p{L}\s()'’,/-]{1,40}$/u;
const MAX_LINES = 3;

export function findPrompt(output: string): FoundPrompt | undefined {
  const text = plainText(output);
  const prompt = questionText(text);
  if (prompt === '') return undefined;
  const open = text.slice(text.lastIndexOf('\n') + 1).trim() !== '';
  const command = IMPERATIVE.test(prompt) && !/^\W*(press|hit)\b/i.test(prompt);
  // Requests to press a key often end in dots, and a warning may end in a question.
  const asks =
    isYesNo(prompt) ||
    (/\?$/.test(prompt) && open) ||
    (PRESS.test(prompt) && topicOf(prompt) === 'enter') ||
    (command && open);
  if (!asks && MESSAGE.test(lastSentence(prompt))) return undefined;
  if (asks) return { prompt, open, sure: true };
  const sure = open ? OPEN_END.test(prompt) || ASKING.test(prompt) : CLOSED_END.test(prompt) || command;
  return sure || BARE_WORDS.test(prompt) ? { prompt, open, sure } : undefined;
}

/** The last line, with the lines above that it continues. Separators, and blanks to fill in (`____`), are left out. */
function questionText(text: string): string {
  const lines = text
    .split('\n')
    .map((line) => line.trim().replace(/\s*_[_.\s]*$/, ''))
    .filter((line) => line !== '' && !SEPARATOR.test(line));
  let prompt = lines.at(-1) ?? '';
  for (const above of lines.slice(-MAX_LINES, -1).reverse()) {
    if (!continues(above, prompt)) break;
    prompt = `${above} ${prompt}`;
  }
  return prompt;
}

/** Whether the line only makes sense with the one above it: a lone `>`, the end of a sentence, an example. */
function continues(above: string, line: string): boolean {
  if (SIGN_ONLY.test(line)) return true;
  if (topicOf(line) !== undefined || isYesNo(line)) return false;
  if (HINT.test(line)) return true;
  return /^\p{Ll}/u.test(line) ? /[\p{L},]$/u.test(above) : /^[([]/.test(line);
}

/** "Note: it may be left empty. Name servers:" is a question. */
function lastSentence(prompt: string): string {
  return prompt.replace(/^.*(?<!\b(?:e\.g|i\.e))[.!]\s+(?=\S)/, '');
}
