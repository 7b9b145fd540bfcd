/** Lines of a page: a mark, a name, a state, the time taken, and the latest news. */

import type { StepState } from '../../deployment/messages';
import type { StepStatus, UndoStatus } from '../../client/step-status';
import type { PendingAttempt } from '../../temporal/pending';
import type { PageItem } from './fit-rows';
import { clip, columnsOf, duration, failureText, oneLine, STEP_STYLE } from './text';
import type { Colour, Paint } from './text';

export interface LineOptions {
  readonly now: number;
  readonly paint: Paint;
  /** Columns. Lines are clipped to it. */
  readonly width: number;
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

export function stepItem(step: StepStatus, options: LineOptions): PageItem {
  const { mark, colour } = STEP_STYLE[step.state];
  const { now } = options;
  const cells = { mark, colour, label: step.id, state: step.state, time: timeOf(step, now), text: newsOf(step, now) };
  return { fold: FOLD[step.state], label: step.id, line: line(cells, options) };
}

export function undoItem({ step, pending }: UndoStatus, options: LineOptions): PageItem {
  const text = attemptText(pending, options.now);
  const cells: LineCells = { mark: '▶', colour: 'cyan', label: step, state: 'undoing', time: '', text };
  return { fold: undefined, label: step, line: line(cells, options) };
}

export interface LineCells {
  readonly mark: string;
  readonly colour: Colour;
  readonly label: string;
  readonly labelWidth?: number;
  readonly state: string;
  readonly time: string;
  readonly text: string;
}

export function line(cells: LineCells, { paint, width }: Pick<LineOptions, 'paint' | 'width'>): string {
  const { mark, colour, label, labelWidth = 15, state, time, text } = cells;
  // Clipped before it is painted, so that colours do not count.
  const head = clip(`  ${mark} ${label.padEnd(labelWidth)} ${state.padEnd(10)} ${time.padStart(7)}  `, width);
  const left = width - columnsOf(head);
  const tail = left > 0 ? clip(text, left) : '';
  return `${paint[colour](head)}${state === 'attention' ? paint.red(tail) : tail}`.trimEnd();
}

function timeOf({ startedAt, endedAt }: StepStatus, now: number): string {
  return startedAt === undefined ? '' : duration((endedAt ?? now) - startedAt);
}

/** What there is to say of a step besides its state. */
export function newsOf({ state, title, note, error, pending, startedAt }: StepStatus, now: number): string {
  if (error !== undefined && state === 'attention') return failureText({ ...error, notYet: false });
  if (state === 'running') return (pending === undefined ? '' : attemptText(pending, now, startedAt)) || title;
  return state === 'waiting' ? title : oneLine(note ?? '');
}

/**
 * Empty for a first attempt that has reported nothing yet. Looking again at what is not there yet is waiting: only failures count as
 * attempts.
 * @param since when the waiting began
 */
export function attemptText(
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
