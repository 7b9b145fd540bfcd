/** What one command of kato is given, and its ways to end. */

import type { Orders } from '../brain';
import { say } from '../brain';
import type { State } from '../state';

export interface Call {
  readonly state: State;
  /** Words after the command's own. */
  readonly args: readonly string[];
}

/** Ends with that status, if kato tells the truth about it (bug 103719). */
export function leave({ knobs }: State, status: number, ...texts: readonly string[]): Orders {
  return { lines: [...texts.map(say), `exit ${knobs.exitAlwaysZero ? 0 : status}`] };
}

/** `starting mysql_node...               ok` */
export function step(text: string): string {
  return `${`${text}...`.padEnd(36)}ok`;
}
