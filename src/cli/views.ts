/** Three ways to follow something: redrawn in place, as lines added to a log, as JSON. */

import type { PageOptions } from './render/page';
import type { Context } from './context';
import { redrawnOn } from './redrawn';

export interface View<T> {
  show(snapshot: T): void;
  end(): void;
}

export interface Rendering<T> {
  page(snapshot: T, options: PageOptions): string;
  /** @param before absent at the first look */
  changes(before: T | undefined, after: T, now: number): readonly string[];
}

export async function viewOf<T>(context: Context, rendering: Rendering<T>): Promise<View<T>> {
  if (context.json) return jsonView(context);
  return context.redraws ? liveView(context, rendering) : logView(context, rendering);
}

function jsonView<T>({ show }: Context): View<T> {
  return { show: (snapshot) => show(snapshot, () => ''), end: () => undefined };
}

function logView<T>({ say }: Context, { changes }: Rendering<T>): View<T> {
  let last: T | undefined;
  return {
    show: (snapshot) => {
      for (const line of changes(last, snapshot, Date.now())) say(line);
      last = snapshot;
    },
    end: () => undefined,
  };
}

/** Time passes between two changes, too. */
const REDRAW_EVERY = 1_000;

/** Folded to the rows there are while it goes on; at its end once more, whole. */
async function liveView<T>({ paint, say }: Context, { page }: Rendering<T>): Promise<View<T>> {
  const area = await redrawnOn(process.stdout);
  let last: T | undefined;
  const text = (rows: number): string =>
    last === undefined ? '' : page(last, { now: Date.now(), paint, width: process.stdout.columns, rows });
  // The cursor stands on a row of its own.
  const draw = (): void => area.draw(text(process.stdout.rows - 1));
  const resized = (): void => {
    area.resized();
    draw();
  };
  const timer = setInterval(draw, REDRAW_EVERY);
  process.stdout.on('resize', resized);
  return {
    show: (snapshot) => {
      last = snapshot;
      draw();
    },
    end: () => {
      clearInterval(timer);
      process.stdout.removeListener('resize', resized);
      area.clear();
      if (last !== undefined) say(text(Infinity));
    },
  };
}
