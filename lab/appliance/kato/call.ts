/** What a command of kato gets, and how it ends. */

import { say } from '../guest-rpc';
import type { GuestReply } from '../guest-rpc';
import type { State } from '../state';
import type { Usage } from './releases';

export interface KatoCall {
  readonly state: State;
  /** By name, with the value; '' for a switch. */
  readonly options: Readonly<Record<string, string>>;
  /** Words that are not options. */
  readonly words: readonly string[];
}

/** Reads the arguments as the release allows them. @returns an error message for others */
export function readArguments(
  { options: allowed, words: [least, most] }: Usage,
  args: readonly string[],
): Pick<KatoCall, 'options' | 'words'> | string {
  const options: Record<string, string> = {};
  const words: string[] = [];
  for (let index = 0; index < args.length; index += 1) {
    const arg = args[index] ?? '';
    if (!arg.startsWith('-')) {
      words.push(arg);
      continue;
    }
    const [, name = '', value] = /^([^=]+)(?:=(.*))?$/s.exec(arg) ?? [];
    const kind = allowed[name];
    if (kind === undefined || (kind === 'switch' && value !== undefined)) return `There is no option ${arg}.`;
    if (kind === 'value' && value === undefined && index + 1 >= args.length) return `${name} needs a value.`;
    options[name] = kind === 'switch' ? '' : (value ?? args[++index] ?? '');
  }
  if (words.length < least) return 'There are words missing.';
  return words.length > most ? `What is ${words[most] ?? ''}?` : { options, words };
}

/** Exits with the status, or always with 0 if the knob says so (bug 103719). */
export function exit({ knobs }: State, status: number, ...texts: readonly string[]): GuestReply {
  return { lines: [...texts.map(say), `exit ${knobs.exitAlwaysZero ? 0 : status}`] };
}

/** `starting mysql_node...               ok` */
export function progress(text: string): string {
  return `${`${text}...`.padEnd(36)}ok`;
}
