/** Three ways to follow a deployment: redrawn in place, as lines added to a log, as JSON. */

import type { Snapshot } from '../../client/snapshot';
import { changes } from '../../client/render/log';
import { page } from '../../client/render/page';
import type { Context } from './context';

export interface View {
  show(snapshot: Snapshot): void;
  end(): void;
}

export async function viewFor(context: Context): Promise<View> {
  if (context.json) return jsonView(context);
  return context.redraws ? liveView(context) : logView();
}

function jsonView({ show }: Context): View {
  return { show: (snapshot) => show(snapshot, () => ''), end: () => undefined };
}

function logView(): View {
  let last: Snapshot | undefined;
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

async function liveView({ paint }: Context): Promise<View> {
  // An ES module, and of no use to the other two.
  const { createLogUpdate } = await import('log-update');
  const screen = createLogUpdate(process.stdout);
  let last: Snapshot | undefined;
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
