/** What every command is given: the options that hold for all of them, and the ways to say something. */

import { isatty } from 'node:tty';
import type { Command } from 'commander';
import { paintIf } from '../../client/render/text';
import type { Paint } from '../../client/render/text';

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
  /** Whether what stands on the screen can be drawn anew. */
  readonly redraws: boolean;
  /** Columns that a line may have. */
  readonly width: number;
  /** One JSON document on a line of its own, or the text. */
  show(document: unknown, text: () => string): void;
  /** Beside the result: on stderr, so that stdout stays what was asked for. */
  note(text: string): void;
}

export function contextOf(command: Command): Context {
  const { json = false, profile, color } = command.optsWithGlobals<GlobalOptions>();
  const { stdout, stderr, env } = process;
  // Not stdout.isTTY, which is undefined where it is none: left to decide itself, picocolors would colour for CI=true.
  const isTerminal = isatty(stdout.fd);
  return {
    json,
    ...(profile === undefined ? {} : { profile }),
    paint: paintIf(color && !env.NO_COLOR && isTerminal),
    redraws: isTerminal && env.TERM !== 'dumb',
    width: isTerminal ? stdout.columns : Infinity,
    show: (document, text) => void stdout.write(`${json ? JSON.stringify(document) : text()}\n`),
    note: (text) => void stderr.write(`${text}\n`),
  };
}
