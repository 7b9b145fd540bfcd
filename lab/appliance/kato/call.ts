/** What a command of kato gets, and how it ends. */

import { say } from '../guest-rpc';
import type { GuestReply } from '../guest-rpc';
import type { State } from '../state';

export interface KatoCall {
  readonly state: State;
  /** Arguments after the words of the command. */
  readonly args: readonly string[];
}

/** Exits with the status, or always with 0 if the knob says so (bug 103719). */
export function exit({ knobs }: State, status: number, ...texts: readonly string[]): GuestReply {
  return { lines: [...texts.map(say), `exit ${knobs.exitAlwaysZero ? 0 : status}`] };
}

/** `starting mysql_node...               ok` */
export function progress(text: string): string {
  return `${`${text}...`.padEnd(36)}ok`;
}
