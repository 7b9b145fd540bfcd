/** A deployment on one page: `status` prints it once, the live view redraws it. */

import type { StepState } from '../../deployment/messages';
import type { DeploymentStatus, StepStatus, UndoStatus } from '../../client/status';
import type { PendingAttempt } from '../../temporal/pending';
import { fitToRows } from './fit-rows';
import type { PageItem } from './fit-rows';
import { nextSteps } from './next-steps';
import { clip, columnsOf, duration, failureText, oneLine, STAGE_STYLE, STEP_STYLE } from './text';
import type { Colour, Paint } from './text';

export interface PageOptions {
  readonly now: number;
  readonly paint: Paint;
  /** Columns. Step lines are clipped to it; addresses and next steps never are. */
  readonly width: number;
  /** Rows; absent: any number. */
  readonly rows?: number;
}

export function statusPage(status: DeploymentStatus, { now, paint, width, rows = Infinity }: PageOptions): string {
  const steps = status.steps.map((step): PageItem => ({
    fold: FOLD[step.state],
    label: step.id,
    line: stepLine(step, now, paint, width),
  }));
  const [title, ...details] = head(status, now, paint);
  return fitToRows(
    { title, details, items: [...steps, ...undoing(status, { now, paint, width })], nextSteps: nextSteps(status) },
    { rows, width, paint },
  );
}

const FOLD: Readonly<Record<StepState, PageItem['fold']>> = {
  waiting: 'waiting',
  running: undefined,
  attention: undefined,
  done: 'finished',
  unchanged: 'finished',
  skipped: 'finished',
  'not-needed': 'finished',
};

function head(status: DeploymentStatus, now: number, paint: Paint): [title: string, ...details: string[]] {
  const { name, release, cloud, stage, startedAt, closedAt, consoleUrl, workflowUrl, resources } = status;
  const { words, colour } = STAGE_STYLE[stage];
  const { address, instance, dns } = resources;
  const lines: readonly (readonly [string, string | undefined])[] = [
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
    `${paint.bold(name)}  ${paint[colour](words)}  ${duration((closedAt ?? now) - startedAt)}  Stackato ${release} on ${cloud}`,
    ...lines.flatMap(([key, value]) => (value === undefined ? [] : [`  ${key.padEnd(9)} ${value}`])),
  ];
}

function undoing({ undone, undoing: pending }: DeploymentStatus, { now, paint, width }: PageOptions): PageItem[] {
  const notes = undone.map(({ what, ok, message }): PageItem => {
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
    ...pending.map((undo): PageItem => ({
      fold: undefined,
      label: undo.step,
      line: undoLine(undo, now, paint, width),
    })),
  ];
}

/** One line a step: mark, name, state, time taken, and the latest news. */
function stepLine(step: StepStatus, now: number, paint: Paint, width: number): string {
  const { mark, colour } = STEP_STYLE[step.state];
  return line(
    { mark, colour, label: step.id, state: step.state, time: timeOf(step, now), text: textOf(step, now) },
    paint,
    width,
  );
}

function undoLine({ step, pending }: UndoStatus, now: number, paint: Paint, width: number): string {
  return line(
    { mark: '▶', colour: 'cyan', label: step, state: 'undoing', time: '', text: attemptText(pending, now) },
    paint,
    width,
  );
}

interface LineCells {
  readonly mark: string;
  readonly colour: Colour;
  readonly label: string;
  readonly state: string;
  readonly time: string;
  readonly text: string;
}

function line({ mark, colour, label, state, time, text }: LineCells, paint: Paint, width: number): string {
  // Clipped before it is painted, so that colours do not count.
  const head = clip(`  ${mark} ${label.padEnd(15)} ${state.padEnd(10)} ${time.padStart(7)}  `, width);
  const left = width - columnsOf(head);
  const tail = left > 0 ? clip(text, left) : '';
  return `${paint[colour](head)}${state === 'attention' ? paint.red(tail) : tail}`.trimEnd();
}

function timeOf({ startedAt, endedAt }: StepStatus, now: number): string {
  return startedAt === undefined ? '' : duration((endedAt ?? now) - startedAt);
}

function textOf({ state, title, note, error, pending, startedAt }: StepStatus, now: number): string {
  if (error !== undefined && state === 'attention') return failureText({ ...error, notYet: false });
  if (state === 'running') return (pending === undefined ? '' : attemptText(pending, now, startedAt)) || title;
  return state === 'waiting' ? title : oneLine(note ?? '');
}

/**
 * Empty for a first attempt that has reported nothing yet. Looking again at what is not there yet is waiting: only failures count as
 * attempts.
 * @param since when the waiting began
 */
function attemptText(
  { attempt, failures = attempt - 1, running, paused, nextAttemptAt, failure, line: report }: PendingAttempt,
  now: number,
  since?: number,
): string {
  const waits = failure?.notYet === true;
  const parts = [
    waits || failure?.code === undefined ? '' : `attempt ${failures + 1}`,
    failure === undefined
      ? ''
      : waits
        ? `waiting${since === undefined ? '' : ` ${duration(now - since)}`}: ${failureText(failure)}`
        : failureText(failure),
    report === undefined ? '' : oneLine(report),
    paused ? 'paused in Temporal' : '',
    running || waits || nextAttemptAt === undefined || failure === undefined
      ? ''
      : `next try in ${Math.max(0, Math.ceil((nextAttemptAt - now) / 1000))}s`,
  ];
  return parts.filter((part) => part !== '').join(' · ');
}
