/**
 * The dialogues of `kato op static_ip`: dialogues/<name>.json, or any other file in that format. There are several,
 * because the real wording is not known for any release. docs/lab.md ("Dialogue files") describes each field. Simulated
 * and real machines do exactly this:
 *
 *  1. Print each line of `intro`.
 *  2. Ask each of `prompts`, in order:
 *     a. before a `confirm`, print each line of `summary`;
 *     b. print `text` as it is, with a newline if `newline`; read a line and trim it;
 *     c. if the line is empty and there is a `default`, take that without checking it;
 *     d. otherwise, if the answer is not accepted (`accepts`), print `again` and ask again; without `again`, print
 *        `Aborted, nothing was changed.` and exit with 1;
 *     e. with `more`, after a non-empty answer, ask again with `more` as the text and no default, until an answer is
 *        empty. The result is all answers, separated by spaces;
 *     f. print each of `progress` as it is, waiting 0.2 s after each; then each line of `after`.
 *  3. Run sudo, which asks for the password with its own prompt, or with `password` (`-p`).
 *  4. Write the file from the answers. What was not asked keeps the machine's current value.
 *  5. Print each line of `written`; ask each of `closing` as in 2, but exit with 1 without a message if an answer is
 *     not accepted; exit with 0.
 *
 * In every text but `password`, `{interface}`, `{address}`, `{netmask}`, `{gateway}`, `{nameservers}` and `{search}`
 * are replaced by the answer or, before it is given, by the machine's current value. Other braces are printed as they
 * are.
 */

import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { isNetwork, parseDialogue } from './dialogue-file';
import type { Dialogue, NetworkId, Prompt, Question } from './dialogue-file';
import { assetFolder } from './machine-files';
import { isIpv4 } from './network';

export type { Dialogue, Prompt } from './dialogue-file';
export type Answers = Readonly<Record<NetworkId, string>>;

const YES = /^y(es)?$/i;

/** Whether kato accepts the answer. Lists are not checked: commas break the resolver only at the next boot. */
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

/** With `more`, each answer is a single word. */
export function accepts({ id, more, yes }: Prompt, answer: string): boolean {
  if (more !== undefined) return !/\s/.test(answer);
  return yes === undefined ? ACCEPTS[id](answer) : yes.includes(answer);
}

/** Names of the bundled dialogues. */
export const DIALOGUES: readonly string[] = readdirSync(assetFolder('dialogues'))
  .map((file) => file.replace(/\.json$/, ''))
  .sort();

/** @param name of a bundled dialogue, or the path of a file: it contains a slash or ends in .json */
export function readDialogue(name: string): Dialogue {
  if (/\/|\.json$/.test(name)) return parseDialogue(name);
  if (DIALOGUES.includes(name)) return parseDialogue(join(assetFolder('dialogues'), `${name}.json`));
  throw new Error(
    `There is no dialogue ${JSON.stringify(name)}: it must be one of ${DIALOGUES.join(', ')}, or the path of a file (with a / or ending in .json).`,
  );
}

export function filled(text: string, answers: Answers): string {
  return text.replace(/\{(\w+)\}/g, (all, id: string) => (isNetwork(id) ? answers[id] : all));
}
