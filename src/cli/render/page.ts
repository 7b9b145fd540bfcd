/** One deployment on one page: what `status` prints once and the live view redraws. */

import type { StepState } from '../../deployment/messages';
import type { Snapshot } from '../../client/snapshot';
import { advice } from './advice';
import { fitted } from './fold';
import type { Item } from './fold';
import { stepLine, undoLine } from './step';
import { oneLine, span, STAGE_LOOK } from './text';
import type { Paint } from './text';

export interface PageOptions {
  readonly now: number;
  readonly paint: Paint;
  /** Columns; step lines are cut to it, addresses and advice never are. */
  readonly width: number;
  /** Rows there are; absent: any number. What goes on and what failed stays, the rest is folded. */
  readonly rows?: number;
}

export function page(snapshot: Snapshot, { now, paint, width, rows = Infinity }: PageOptions): string {
  const steps = snapshot.steps.map((step): Item => ({
    fold: FOLD[step.state],
    label: step.id,
    line: stepLine(step, now, paint, width),
  }));
  const [title, ...details] = head(snapshot, now, paint);
  return fitted(
    { title, details, items: [...steps, ...undoing(snapshot, { now, paint, width })], advice: advice(snapshot) },
    { rows, width, paint },
  );
}

const FOLD: Readonly<Record<StepState, Item['fold']>> = {
  waiting: 'waiting',
  running: undefined,
  attention: undefined,
  done: 'finished',
  unchanged: 'finished',
  skipped: 'finished',
  'not-needed': 'finished',
};

function head(snapshot: Snapshot, now: number, paint: Paint): [title: string, ...details: string[]] {
  const { name, release, cloud, stage, startedAt, closedAt, consoleUrl, workflowUrl, resources } = snapshot;
  const { words, colour } = STAGE_LOOK[stage];
  const { address, instance, dns } = resources;
  const rows: readonly (readonly [string, string | undefined])[] = [
    ['console', consoleUrl],
    ['workflow', workflowUrl],
    [
      'address',
      address === undefined
        ? undefined
        : `${address.publicIp}${dns === undefined ? '' : ` (${dns.target.type} ${dns.target.value}, from ${dns.target.from})`}`,
    ],
    ['instance', instance?.id],
  ];
  return [
    `${paint.bold(name)}  ${paint[colour](words)}  ${span((closedAt ?? now) - startedAt)}  Stackato ${release} on ${cloud}`,
    ...rows.flatMap(([key, value]) => (value === undefined ? [] : [`  ${key.padEnd(9)} ${value}`])),
  ];
}

function undoing({ undone, undoing: pending }: Snapshot, { now, paint, width }: PageOptions): Item[] {
  const notes = undone.map(({ what, ok, message }): Item => {
    const text = oneLine(what);
    return ok
      ? { fold: 'taken back', label: text, line: paint.green(`  ✓ taken back: ${text}`) }
      : {
          fold: undefined,
          label: text,
          line: paint.red(`  ✗ still there: ${text}${message === undefined ? '' : ` (${oneLine(message)})`}`),
        };
  });
  return [
    ...notes,
    ...pending.map((undo): Item => ({ fold: undefined, label: undo.step, line: undoLine(undo, now, paint, width) })),
  ];
}
