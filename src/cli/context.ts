/** What every command is given: the global options, and ways to print. */

import { isatty } from 'node:tty';
import type { Command } from 'commander';
import { paintIf } from './render/text';
import type { Paint } from './render/text';
import { canRedraw, isPlain, shown, shownJson, widthOf } from './terminal';

export interface GlobalOptions {
  readonly json?: boolean;
  readonly profile?: string;
  /** False with --no-color. */
  readonly color: boolean;
}

export interface Context {
  readonly json: boolean;
  readonly profile?: string;
  readonly paint: Paint;
  /** Whether the output is a terminal that can be redrawn. */
  readonly redraws: boolean;
  /** Columns that a line may have. */
  readonly width: number;
  /** Prints lines for people. */
  say(text: string): void;
  /** Prints a JSON document on one line, or the text. */
  show(document: unknown, text: () => string): void;
  /** Prints on stderr, beside the result. */
  note(text: string): void;
}

export function contextOf(command: Command): Context {
  const { json = false, profile, color } = command.optsWithGlobals<GlobalOptions>();
  const { stdout, stderr, env } = process;
  return {
    json,
    ...(profile === undefined ? {} : { profile }),
    // Decided here, because picocolors by itself would use colours for CI=true.
    paint: paintIf(color && !env.NO_COLOR && isatty(stdout.fd) && !isPlain()),
    redraws: canRedraw(stdout),
    width: widthOf(stdout),
    say: (text) => void stdout.write(`${shown(text)}\n`),
    show: (document, text) => void stdout.write(`${json ? shownJson(document) : shown(text())}\n`),
    note: (text) => void stderr.write(`${shown(text)}\n`),
  };
}
