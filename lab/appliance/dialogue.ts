/**
 * The dialogues of `kato op static_ip`: dialogues/<name>.json. The real wording is known of no release, so there are several.
 *
 *     about     what is tried with it
 *     intro     lines printed first; optional
 *     prompts   what is asked, in this order:
 *       id        interface, address, netmask, gateway, nameservers, search or confirm
 *       text      printed as it is, escapes and all
 *       newline   whether a line ends after it, so that the answer stands on the next one; absent: no
 *       again     printed, with a line end, before it is asked again because the answer was no good; absent: the run is aborted
 *     summary   lines before `confirm`, `{address}` and so on standing for answers; optional
 *     written   lines printed once the file is written
 *
 * The first four ids must be answered (an interface is eth0, also if left empty), name servers and search may be left empty, and
 * anything but y or yes to `confirm` ends the run. The password is asked by sudo, after all of it.
 */

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { isIpv4 } from './network';
import { assets } from './place';

export const QUESTIONS = ['interface', 'address', 'netmask', 'gateway', 'nameservers', 'search', 'confirm'] as const;
export type Question = (typeof QUESTIONS)[number];
export type Answers = Partial<Readonly<Record<Question, string>>>;

export interface Prompt {
  readonly id: Question;
  readonly text: string;
  readonly newline?: boolean;
  readonly again?: string;
}

export interface Dialogue {
  readonly about: string;
  readonly intro?: readonly string[];
  readonly prompts: readonly Prompt[];
  readonly summary?: readonly string[];
  readonly written: readonly string[];
}

/** Whether kato takes the answer. Lists are not looked at: whoever types commas finds out at the next boot. */
export const ACCEPTS: Readonly<Record<Question, (answer: string) => boolean>> = {
  interface: (answer) => answer === '' || answer === 'eth0',
  address: isIpv4,
  netmask: isIpv4,
  gateway: isIpv4,
  nameservers: () => true,
  search: () => true,
  confirm: (answer) => /^y(es)?$/i.test(answer),
};

/** The names there are. */
export const DIALOGUES: readonly string[] = readdirSync(assets('dialogues')).map((file) => file.replace(/\.json$/, '')).sort();

export function readDialogue(name: string): Dialogue {
  return JSON.parse(readFileSync(join(assets('dialogues'), `${name}.json`), 'utf8')) as Dialogue;
}

export function filled(line: string, answers: Answers): string {
  return line.replace(/\{(\w+)\}/g, (_all, id: string) => answers[id as Question] ?? '');
}
