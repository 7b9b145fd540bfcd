/** What the terminal and the locale can show. */

import { isatty } from 'node:tty';
import { ascii } from './render/text';

interface Sized {
  readonly fd: number;
  readonly columns?: number;
  readonly rows?: number;
}

const { env } = process;

function isDumb(): boolean {
  return env.TERM === 'dumb';
}

/** By the variable that counts. Where none is set (a container, cron) UTF-8 is what is read nearly everywhere. */
function isUtf8(): boolean {
  const locale = env.LC_ALL || env.LC_CTYPE || env.LANG || '';
  return locale === '' || /utf-?8/i.test(locale);
}

/** Letters, marks and colours of ASCII terminals only. */
export function isPlain(): boolean {
  return isDumb() || !isUtf8();
}

/** Text for people, in letters that can be shown. */
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
 * Whether what stands there can be drawn anew. Like git, it takes a terminal without a name for one that can do nothing; one may
 * also not tell its size. (Not `isTTY`, which is undefined where it is none.)
 */
export function canRedraw({ fd, columns = 0, rows = 0 }: Sized): boolean {
  return isatty(fd) && !isDumb() && (env.TERM ?? '') !== '' && columns > 0 && rows > 0;
}

/** Columns that a line may have. */
export function widthOf({ fd, columns = 0 }: Sized): number {
  return isatty(fd) && columns > 0 ? columns : Infinity;
}
