/** What the terminal and the locale can show, and an area at the end of the screen that is redrawn. */

import { isatty } from 'node:tty';
import type { WriteStream } from 'node:tty';
import { ascii, columnsOf } from './render/text';

interface Stream {
  readonly fd: number;
  readonly columns?: number;
  readonly rows?: number;
}

const { env } = process;

function isDumb(): boolean {
  return env.TERM === 'dumb';
}

/** By the locale variable that counts. Where none is set (a container, cron), UTF-8 is the best guess. */
function isUtf8(): boolean {
  const locale = env.LC_ALL || env.LC_CTYPE || env.LANG || '';
  return locale === '' || /utf-?8/i.test(locale);
}

/** ASCII only, and no colours. */
export function isPlain(): boolean {
  return isDumb() || !isUtf8();
}

/** Text for people, in characters that can be shown. */
export function shown(text: string): string {
  return isPlain() ? ascii(text) : text;
}

/** The same document, in ASCII where nothing else can be shown. */
export function shownJson(document: unknown): string {
  const json = JSON.stringify(document);
  return isPlain()
    ? json.replace(/[^\u0000-\u007f]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
    : json;
}

/**
 * As for git, a terminal without TERM cannot redraw; some do not tell their size either. (Not `isTTY`, which is undefined if it is not a
 * terminal.)
 */
export function canRedraw({ fd, columns = 0, rows = 0 }: Stream): boolean {
  return isatty(fd) && !isDumb() && (env.TERM ?? '') !== '' && columns > 0 && rows > 0;
}

/** Columns that a line may have. */
export function widthOf({ fd, columns = 0 }: Stream): number {
  return isatty(fd) && columns > 0 ? columns : Infinity;
}

export interface LiveArea {
  draw(text: string): void;
  /** Call it after the terminal's size has changed, before the next `draw`. */
  resized(): void;
  clear(): void;
  /** Leaves the last drawing where it is. */
  keep(): void;
}

const UP_AND_ERASE = '\u001b[1A\u001b[2K';

export async function liveArea(stream: WriteStream): Promise<LiveArea> {
  // An ES module; only commands that redraw load it.
  const { createLogUpdate } = await import('log-update');
  // The cursor stays visible: whatever ends this process, there is nothing to restore.
  const screen = createLogUpdate(stream, { showCursor: true });
  let drawn: readonly string[] = [];
  let width = stream.columns;
  return {
    draw: (text) => {
      width = stream.columns;
      drawn = shown(text).split('\n');
      screen(drawn.join('\n'));
    },
    resized: () => {
      // A narrower terminal has wrapped the lines: they take more rows than were drawn.
      stream.write(UP_AND_ERASE.repeat(addedRows(drawn, width, stream.columns)));
    },
    clear: () => {
      drawn = [];
      screen.clear();
    },
    keep: () => screen.done(),
  };
}

/** Lines longer than the old width were drawn as several rows. */
function addedRows(lines: readonly string[], before: number, after: number): number {
  return lines.reduce((sum, line) => {
    const columns = columnsOf(line);
    const whole = Math.floor(columns / before);
    const rest = columns % before;
    return sum + whole * (Math.ceil(before / after) - 1) + Math.max(0, Math.ceil(rest / after) - 1);
  }, 0);
}
