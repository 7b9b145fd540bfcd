/** One line a step: mark, name, state, time taken, and what matters of it now. */

import type { PendingAttempt } from '../../temporal/pending';
import type { StepSnapshot, UndoSnapshot } from '../../client/snapshot';
import { clip, columnsOf, failureText, oneLine, span, STEP_LOOK } from './text';
import type { Colour, Paint } from './text';

export function stepLine(step: StepSnapshot, now: number, paint: Paint, width: number): string {
  const { mark, colour } = STEP_LOOK[step.state];
  return line(
    { mark, colour, label: step.id, state: step.state, time: timeOf(step, now), text: textOf(step, now) },
    paint,
    width,
  );
}

export function undoLine({ step, pending }: UndoSnapshot, now: number, paint: Paint, width: number): string {
  return line(
    { mark: '▶', colour: 'cyan', label: step, state: 'undoing', time: '', text: attemptText(pending, now) },
    paint,
    width,
  );
}

interface Cells {
  readonly mark: string;
  readonly colour: Colour;
  readonly label: string;
  readonly state: string;
  readonly time: string;
  readonly text: string;
}

function line({ mark, colour, label, state, time, text }: Cells, paint: Paint, width: number): string {
  // Clipped before it is painted: escapes have no width.
  const head = clip(`  ${mark} ${label.padEnd(15)} ${state.padEnd(10)} ${time.padStart(7)}  `, width);
  const left = width - columnsOf(head);
  const tail = left > 0 ? clip(text, left) : '';
  return `${paint[colour](head)}${state === 'attention' ? paint.red(tail) : tail}`.trimEnd();
}

function timeOf({ startedAt, endedAt }: StepSnapshot, now: number): string {
  return startedAt === undefined ? '' : span((endedAt ?? now) - startedAt);
}

function textOf({ state, title, note, error, pending, startedAt }: StepSnapshot, now: number): string {
  if (error !== undefined && state === 'attention') return failureText({ ...error, notYet: false });
  if (state === 'running') return (pending === undefined ? '' : attemptText(pending, now, startedAt)) || title;
  return state === 'waiting' ? title : oneLine(note ?? '');
}

/**
 * Empty for a first attempt that is under way and has said nothing yet. To look again at what is not there yet is to wait, and no
 * further attempt: only failures are counted.
 * @param since when the waiting began
 */
function attemptText(
  { attempt, failures = attempt - 1, running, paused, nextAttemptAt, failure, line: said }: PendingAttempt,
  now: number,
  since?: number,
): string {
  const waits = failure?.notYet === true;
  const parts = [
    waits || failure?.code === undefined ? '' : `attempt ${failures + 1}`,
    failure === undefined
      ? ''
      : waits
        ? `waiting${since === undefined ? '' : ` ${span(now - since)}`}: ${failureText(failure)}`
        : failureText(failure),
    said === undefined ? '' : oneLine(said),
    paused ? 'paused in Temporal' : '',
    running || waits || nextAttemptAt === undefined || failure === undefined
      ? ''
      : `next try in ${Math.max(0, Math.ceil((nextAttemptAt - now) / 1000))}s`,
  ];
  return parts.filter((part) => part !== '').join(' · ');
}
