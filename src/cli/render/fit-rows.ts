/** Fits a page into the rows of a terminal: what runs and what failed stays; what is finished or has not begun is folded into one line. */

import { stripVTControlCharacters } from 'node:util';
import { clip, rowsOf } from './text';
import type { Colour, Paint } from './text';

export interface PageItem {
  /** Items that may be folded into one line together; undefined: never folded. */
  readonly fold: 'finished' | 'waiting' | 'taken back' | undefined;
  readonly label: string;
  readonly line: string;
}

export interface PageParts {
  readonly title: string;
  readonly details: readonly string[];
  /** The same items told at different length, the longest first. The first version that fits is taken. */
  readonly versions: readonly (readonly PageItem[])[];
  readonly nextSteps: readonly string[];
}

export interface PageSize {
  readonly rows: number;
  readonly width: number;
  readonly paint: Paint;
}

type Fold = NonNullable<PageItem['fold']>;

/** In the order in which they are folded. */
const FOLDS: readonly Fold[] = ['finished', 'taken back', 'waiting'];
const STYLE: Readonly<Record<Fold, { readonly mark: string; readonly colour: Colour }>> = {
  finished: { mark: '✓', colour: 'green' },
  'taken back': { mark: '✓', colour: 'green' },
  waiting: { mark: '·', colour: 'dim' },
};

export function fitToRows(parts: PageParts, size: PageSize): string {
  for (const items of parts.versions) {
    const page = fitted(parts, items, size);
    if (page !== undefined) return page;
  }
  return cut(parts, parts.versions.at(-1) ?? [], size);
}

/** @returns undefined if they do not fit, whatever is left out */
function fitted(
  { title, details, nextSteps }: PageParts,
  items: readonly PageItem[],
  size: PageSize,
): string | undefined {
  // The most important details come first.
  for (let kept = details.length; kept >= 0; kept--) {
    const before = [title, ...details.slice(0, kept), ...(kept === 0 ? [] : [''])];
    const after = nextSteps.length === 0 ? [] : [...(kept === 0 ? [] : ['']), ...nextSteps];
    const lines = folded(items, size.rows - rowsOf([...before, ...after], size.width), size);
    if (lines !== undefined) return [...before, ...lines, ...after].join('\n');
  }
  return undefined;
}

/** @returns undefined if they do not fit, however they are folded */
function folded(items: readonly PageItem[], rows: number, { width, paint }: PageSize): readonly string[] | undefined {
  let left = items;
  for (const fold of FOLDS) {
    const surplus =
      rowsOf(
        left.map(({ line }) => line),
        width,
      ) - rows;
    if (surplus <= 0) break;
    left = withFolded(left, fold, surplus, { width, paint });
  }
  const lines = left.map(({ line }) => line);
  return rowsOf(lines, width) <= rows ? lines : undefined;
}

/** Finished items are folded from the first, waiting ones from the last: those next to the running ones stay. */
function withFolded(
  items: readonly PageItem[],
  fold: Fold,
  surplus: number,
  { width, paint }: Pick<PageSize, 'width' | 'paint'>,
): readonly PageItem[] {
  const all = items.filter((item) => item.fold === fold);
  const chosen = fold === 'waiting' ? all.slice(-(surplus + 1)) : all.slice(0, surplus + 1);
  if (chosen.length < 2) return items;
  const { mark, colour } = STYLE[fold];
  const text = clip(
    `  ${mark} ${`${chosen.length} ${fold}`.padEnd(15)} ${chosen.map(({ label }) => label).join(', ')}`,
    width,
  );
  const summary: PageItem = { fold: undefined, label: fold, line: paint[colour](text) };
  return items.flatMap((item) => (item === chosen[0] ? [summary] : chosen.includes(item) ? [] : [item]));
}

/** Even folded it is too long: the title, and as many running items as there is room for. */
function cut({ title, nextSteps }: PageParts, items: readonly PageItem[], { rows, width }: PageSize): string {
  const kept = [rowsOf([title], width) === 1 ? title : clip(stripVTControlCharacters(title), width)];
  for (const line of [...items.filter(({ fold }) => fold === undefined).map(({ line: text }) => text), ...nextSteps]) {
    if (rowsOf([...kept, line], width) > rows) break;
    kept.push(line);
  }
  return kept.join('\n');
}
