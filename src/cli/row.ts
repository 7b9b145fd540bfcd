/** What a command of the command line is. */

import type { Option } from 'commander';
import type { Context } from './context';

interface Named {
  readonly name: string;
  readonly description: string;
}

export interface CommandRow extends Named {
  readonly argument?: readonly [name: string, description: string];
  readonly options?: readonly Option[];
  /** Everything after the command is the program's own. */
  readonly passesOn?: true;
  /** @returns the exit code */
  readonly run: (
    context: Context,
    argument: string,
    options: Readonly<Record<string, unknown>>,
    all: readonly string[],
  ) => Promise<number>;
}

/** A command of commands. */
export interface GroupRow extends Named {
  readonly rows: readonly CommandRow[];
}

export type Row = CommandRow | GroupRow;
