/** Three ways to follow something: redrawn in place, as lines added to a log, as JSON. */

import type { PageOptions } from '../../client/render/page';
import type { Context } from './context';

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
  return context.redraws ? liveView(context, rendering) : logView(rendering);
}

function jsonView<T>({ show }: Context): View<T> {
  return { show: (snapshot) => show(snapshot, () => ''), end: () => undefined };
}

function logView<T>({ changes }: Rendering<T>): View<T> {
  let last: T | undefined;
  return {
    show: (snapshot) => {
      for (const line of changes(last, snapshot, Date.now())) process.stdout.write(`${line}\n`);
      last = snapshot;
    },
    end: () => undefined,
  };
}

/** Time passes between two changes, too. */
const REDRAW_EVERY = 1_000;

async function liveView<T>({ paint }: Context, { page }: Rendering<T>): Promise<View<T>> {
  // An ES module, and of no use to the other two.
  const { createLogUpdate } = await import('log-update');
  const screen = createLogUpdate(process.stdout);
  let last: T | undefined;
  const draw = (): void => {
    if (last !== undefined) screen(page(last, { now: Date.now(), paint, width: process.stdout.columns }));
  };
  const timer = setInterval(draw, REDRAW_EVERY);
  return {
    show: (snapshot) => {
      last = snapshot;
      draw();
    },
    end: () => {
      clearInterval(timer);
      draw();
      screen.done();
    },
  };
}
