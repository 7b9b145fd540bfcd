/** Makes a page fit the rows of a terminal: what goes on and what failed stays, what is over or has not begun is folded into a line. */

import { stripVTControlCharacters } from 'node:util';
import { clip, rowsOf } from './text';
import type { Colour, Paint } from './text';

export interface Item {
  /** Together with which others it may become one line; undefined: with none. */
  readonly fold: 'finished' | 'waiting' | 'taken back' | undefined;
  readonly label: string;
  readonly line: string;
}

export interface Parts {
  readonly title: string;
  readonly details: readonly string[];
  readonly items: readonly Item[];
  readonly advice: readonly string[];
}

export interface Room {
  readonly rows: number;
  readonly width: number;
  readonly paint: Paint;
}

type Fold = NonNullable<Item['fold']>;

/** In the order in which they are folded. */
const FOLDS: readonly Fold[] = ['finished', 'taken back', 'waiting'];
const LOOK: Readonly<Record<Fold, { readonly mark: string; readonly colour: Colour }>> = {
  finished: { mark: '✓', colour: 'green' },
  'taken back': { mark: '✓', colour: 'green' },
  waiting: { mark: '·', colour: 'dim' },
};

export function fitted(parts: Parts, room: Room): string {
  const { title, details, items, advice } = parts;
  // The most important details come first.
  for (let kept = details.length; kept >= 0; kept--) {
    const before = [title, ...details.slice(0, kept), ...(kept === 0 ? [] : [''])];
    const after = advice.length === 0 ? [] : [...(kept === 0 ? [] : ['']), ...advice];
    const lines = folded(items, room.rows - rowsOf([...before, ...after], room.width), room);
    if (lines !== undefined) return [...before, ...lines, ...after].join('\n');
  }
  return cut(parts, room);
}

/** @returns undefined where they do not fit, however they are folded */
function folded(items: readonly Item[], rows: number, { width, paint }: Room): readonly string[] | undefined {
  let left = items;
  for (const fold of FOLDS) {
    const surplus =
      rowsOf(
        left.map(({ line }) => line),
        width,
      ) - rows;
    if (surplus <= 0) break;
    left = foldedOf(left, fold, surplus, { width, paint });
  }
  const lines = left.map(({ line }) => line);
  return rowsOf(lines, width) <= rows ? lines : undefined;
}

/** What is over is folded from the first, what has not begun from the last: what stays is next to what goes on. */
function foldedOf(
  items: readonly Item[],
  fold: Fold,
  surplus: number,
  { width, paint }: Pick<Room, 'width' | 'paint'>,
): readonly Item[] {
  const all = items.filter((item) => item.fold === fold);
  const chosen = fold === 'waiting' ? all.slice(-(surplus + 1)) : all.slice(0, surplus + 1);
  if (chosen.length < 2) return items;
  const { mark, colour } = LOOK[fold];
  const text = clip(
    `  ${mark} ${`${chosen.length} ${fold}`.padEnd(15)} ${chosen.map(({ label }) => label).join(', ')}`,
    width,
  );
  const summary: Item = { fold: undefined, label: fold, line: paint[colour](text) };
  return items.flatMap((item) => (item === chosen[0] ? [summary] : chosen.includes(item) ? [] : [item]));
}

/** The terminal is too small for all that goes on: as much of it as there is room for, below the title. */
function cut({ title, items, advice }: Parts, { rows, width }: Room): string {
  const kept = [rowsOf([title], width) === 1 ? title : clip(stripVTControlCharacters(title), width)];
  for (const line of [...items.filter(({ fold }) => fold === undefined).map(({ line: text }) => text), ...advice]) {
    if (rowsOf([...kept, line], width) > rows) break;
    kept.push(line);
  }
  return kept.join('\n');
}
