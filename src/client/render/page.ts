/** One deployment on one page: what `status` prints once and the live view redraws. */

import type { Snapshot } from '../../client/snapshot';
import { advice } from './advice';
import { stepLine, undoLine } from './step';
import { oneLine, span, STAGE_LOOK } from './text';
import type { Paint } from './text';

export interface PageOptions {
  readonly now: number;
  readonly paint: Paint;
  /** Columns; step lines are cut to it, addresses and advice never are. */
  readonly width: number;
}

export function page(snapshot: Snapshot, { now, paint, width }: PageOptions): string {
  return [
    ...head(snapshot, now, paint),
    '',
    ...snapshot.steps.map((step) => stepLine(step, now, paint, width)),
    ...undoing(snapshot, { now, paint, width }),
    ...paragraph(advice(snapshot)),
  ].join('\n');
}

function head(snapshot: Snapshot, now: number, paint: Paint): string[] {
  const { name, release, cloud, stage, startedAt, closedAt, consoleUrl, workflowUrl, resources } = snapshot;
  const { words, colour } = STAGE_LOOK[stage];
  const { address, instance, dns } = resources;
  const rows: readonly (readonly [string, string | undefined])[] = [
    ['console', consoleUrl],
    ['workflow', workflowUrl],
    ['address', address === undefined ? undefined : `${address.publicIp}${dns === undefined ? '' : ` (${dns.target.type} ${dns.target.value}, from ${dns.target.from})`}`],
    ['instance', instance?.id],
  ];
  return [
    `${paint.bold(name)}  ${paint[colour](words)}  ${span((closedAt ?? now) - startedAt)}  Stackato ${release} on ${cloud}`,
    ...rows.flatMap(([key, value]) => (value === undefined ? [] : [`  ${key.padEnd(9)} ${value}`])),
  ];
}

function undoing({ undone, undoing: pending }: Snapshot, { now, paint, width }: PageOptions): string[] {
  const notes = undone.map(({ what, ok, message }) =>
    ok ? paint.green(`  ✓ taken back: ${oneLine(what)}`) : paint.red(`  ✗ still there: ${oneLine(what)}${message === undefined ? '' : ` (${oneLine(message)})`}`),
  );
  return [...notes, ...pending.map((undo) => undoLine(undo, now, paint, width))];
}

function paragraph(lines: readonly string[]): string[] {
  return lines.length === 0 ? [] : ['', ...lines];
}
