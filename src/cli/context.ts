/** What every command is given: the options that hold for all of them, and the ways to say something. */

import { isatty } from 'node:tty';
import type { Command } from 'commander';
import { paintIf } from './render/text';
import type { Paint } from './render/text';
import { canRedraw, isPlain, shown, shownJson, widthOf } from './screen';

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
  /** Lines for people. */
  say(text: string): void;
  /** One JSON document on a line of its own, or the text. */
  show(document: unknown, text: () => string): void;
  /** Beside the result: on stderr, so that stdout stays what was asked for. */
  note(text: string): void;
}

export function contextOf(command: Command): Context {
  const { json = false, profile, color } = command.optsWithGlobals<GlobalOptions>();
  const { stdout, stderr, env } = process;
  return {
    json,
    ...(profile === undefined ? {} : { profile }),
    // Said, because picocolors left to itself would colour for CI=true.
    paint: paintIf(color && !env.NO_COLOR && isatty(stdout.fd) && !isPlain()),
    redraws: canRedraw(stdout),
    width: widthOf(stdout),
    say: (text) => void stdout.write(`${shown(text)}\n`),
    show: (document, text) => void stdout.write(`${json ? shownJson(document) : shown(text())}\n`),
    note: (text) => void stderr.write(`${shown(text)}\n`),
  };
}
