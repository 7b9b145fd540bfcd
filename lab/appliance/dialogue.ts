/**
 * The dialogues of `kato op static_ip`: dialogues/<name>.json, or any other file of that form. The real wording is known of no release,
 * so there are several. docs/lab.md ("Dialogue files") says what each field is. A machine of either kind does this, and nothing else:
 *
 *  1. Prints `intro`, a line each.
 *  2. Asks each of `prompts`, in order:
 *     a. before `confirm`: prints `summary`, a line each;
 *     b. prints `text` as it is, escapes and all, and a line end if `newline`; reads a line, and takes the spaces off its ends;
 *     c. where that is empty and there is a `default`: takes that, whatever it is;
 *     d. else, where the answer is not accepted (`accepts`): prints `again` and a line end, and asks once more; without `again` it prints
 *        `Aborted, nothing was changed.`, and ends with 1;
 *     e. with `more`, after an answer that is not empty: asks once more, with `more` for `text` and without `default`, until one is
 *        empty. The answer is all of them, with spaces between;
 *     f. prints `progress`, each as it is, with 0.2 s after each; then `after`, a line each.
 *  3. Has sudo ask for the password: in its own words, or with `-p` in those of `password`.
 *  4. Writes the file from the answers. What was not asked for stays what the machine has.
 *  5. Prints `written`, a line each; asks each of `closing` as in 2 (but an answer that is not accepted ends it with 1 and no words);
 *     ends with 0.
 *
 * In every text but `password`, `{interface}`, `{address}`, `{netmask}`, `{gateway}`, `{nameservers}` and `{search}` stand for the answer
 * that was given, or, as long as none was, for what the machine has now. Other braces stand for themselves.
 */

import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { isNetwork, parseDialogue } from './dialogue-file';
import type { Dialogue, NetworkId, Prompt, Question } from './dialogue-file';
import { isIpv4 } from './network';
import { assets } from './place';

export type { Dialogue, Prompt } from './dialogue-file';
export type Answers = Readonly<Record<NetworkId, string>>;

const YES = /^y(es)?$/i;

/** Whether kato takes the answer. Lists are not looked at: whoever types commas finds out at the next boot. */
const ACCEPTS: Readonly<Record<Question, (answer: string) => boolean>> = {
  interface: (answer) => answer === '' || answer === 'eth0',
  address: isIpv4,
  netmask: isIpv4,
  gateway: isIpv4,
  nameservers: () => true,
  search: () => true,
  confirm: (answer) => YES.test(answer),
  decline: (answer) => !YES.test(answer),
  enter: () => true,
};

/** One of a list is one word. */
export function accepts({ id, more, yes }: Prompt, answer: string): boolean {
  if (more !== undefined) return !/\s/.test(answer);
  return yes === undefined ? ACCEPTS[id](answer) : yes.includes(answer);
}

/** The names there are. */
export const DIALOGUES: readonly string[] = readdirSync(assets('dialogues'))
  .map((file) => file.replace(/\.json$/, ''))
  .sort();

/** By name, or by the path of a file: with a slash in it, or .json at its end. Throws with what is wrong with it, and what would be right. */
export function readDialogue(name: string): Dialogue {
  if (/\/|\.json$/.test(name)) return parseDialogue(name);
  if (DIALOGUES.includes(name)) return parseDialogue(join(assets('dialogues'), `${name}.json`));
  throw new Error(
    `There is no dialogue ${JSON.stringify(name)}: it is one of ${DIALOGUES.join(', ')}, or the path of a file (with a / or .json in it).`,
  );
}

export function filled(text: string, answers: Answers): string {
  return text.replace(/\{(\w+)\}/g, (all, id: string) => (isNetwork(id) ? answers[id] : all));
}
