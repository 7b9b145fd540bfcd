/** Follows something until it ends: redrawn in place on a terminal, as lines added to a log, or as JSON. Ctrl-C only ends the following. */

import { EXIT } from '../client/errors';
import type { Context } from './context';
import type { PageOptions } from './render/status-page';
import { liveArea } from './terminal';

/** What is followed, in words. */
export interface Rendering<T> {
  page(status: T, options: PageOptions): string;
  /** @param before absent the first time */
  changes(before: T | undefined, after: T, now: number): readonly string[];
}

/** @param until ends the following although more could come */
export async function follow<T>(
  context: Context,
  watch: (signal: AbortSignal) => AsyncIterable<T>,
  rendering: Rendering<T>,
  until: (status: T) => boolean = () => false,
): Promise<{ readonly last?: T; readonly detached: boolean }> {
  const { signal, dispose } = detachOnInterrupt();
  const view = await viewFor(context, rendering);
  let last: T | undefined;
  try {
    for await (const status of watch(signal)) {
      last = status;
      view.show(status);
      if (until(status)) break;
    }
  } finally {
    view.end();
    dispose();
  }
  return { ...(last === undefined ? {} : { last }), detached: signal.aborted };
}

/** The signal of the first Ctrl-C; a second one ends the process. `dispose`: Ctrl-C ends the process again, as by default. */
export function detachOnInterrupt(): { readonly signal: AbortSignal; dispose(): void } {
  const controller = new AbortController();
  // Not once(): with no listener left, others (signal-exit) would end the process on the spot.
  const onInterrupt = (): void => {
    if (controller.signal.aborted) process.exit(EXIT.detached);
    controller.abort();
  };
  process.on('SIGINT', onInterrupt);
  return { signal: controller.signal, dispose: () => void process.removeListener('SIGINT', onInterrupt) };
}

interface View<T> {
  show(status: T): void;
  end(): void;
}

async function viewFor<T>(context: Context, rendering: Rendering<T>): Promise<View<T>> {
  if (context.json) return jsonView(context);
  return context.redraws ? liveView(context, rendering) : logView(context, rendering);
}

function jsonView<T>({ show }: Context): View<T> {
  return { show: (status) => show(status, () => ''), end: () => undefined };
}

function logView<T>({ say }: Context, { changes }: Rendering<T>): View<T> {
  let last: T | undefined;
  return {
    show: (status) => {
      for (const line of changes(last, status, Date.now())) say(line);
      last = status;
    },
    end: () => undefined,
  };
}

/** The times shown change between two changes of the status, too. */
const REDRAW_INTERVAL = 1_000;

/** Folded to the rows of the terminal while it lasts; printed whole at its end. */
async function liveView<T>({ paint, say }: Context, { page }: Rendering<T>): Promise<View<T>> {
  const area = await liveArea(process.stdout);
  let last: T | undefined;
  const text = (rows: number): string =>
    last === undefined ? '' : page(last, { now: Date.now(), paint, width: process.stdout.columns, rows });
  // One row is left for the cursor.
  const draw = (): void => area.draw(text(process.stdout.rows - 1));
  const onResize = (): void => {
    area.resized();
    draw();
  };
  const timer = setInterval(draw, REDRAW_INTERVAL);
  process.stdout.on('resize', onResize);
  return {
    show: (status) => {
      last = status;
      draw();
    },
    end: () => {
      clearInterval(timer);
      process.stdout.removeListener('resize', onResize);
      area.clear();
      if (last !== undefined) say(text(Infinity));
    },
  };
}
