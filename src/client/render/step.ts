/** One line a step: mark, name, state, time taken, and what matters of it now. */

import type { PendingAttempt } from '../../client/pending';
import type { StepSnapshot, UndoSnapshot } from '../../client/snapshot';
import { clip, failureText, oneLine, span, STEP_LOOK } from './text';
import type { Colour, Paint } from './text';

export function stepLine(step: StepSnapshot, now: number, paint: Paint, width: number): string {
  const { mark, colour } = STEP_LOOK[step.state];
  return line({ mark, colour, label: step.id, state: step.state, time: timeOf(step, now), text: textOf(step, now) }, paint, width);
}

export function undoLine({ step, pending }: UndoSnapshot, now: number, paint: Paint, width: number): string {
  return line({ mark: '▶', colour: 'cyan', label: step, state: 'undoing', time: '', text: attemptText(pending, now) }, paint, width);
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
  const head = `  ${mark} ${label.padEnd(15)} ${state.padEnd(10)} ${time.padStart(7)}  `;
  // Clipped before it is painted: escapes have no width.
  const tail = clip(text, width - head.length);
  return `${paint[colour](head)}${state === 'attention' ? paint.red(tail) : tail}`.trimEnd();
}

function timeOf({ startedAt, endedAt }: StepSnapshot, now: number): string {
  return startedAt === undefined ? '' : span((endedAt ?? now) - startedAt);
}

function textOf({ state, title, note, error, pending }: StepSnapshot, now: number): string {
  if (error !== undefined && state === 'attention') return failureText({ ...error, notYet: false });
  if (state === 'running') return (pending === undefined ? '' : attemptText(pending, now)) || title;
  return state === 'waiting' ? title : oneLine(note ?? '');
}

/** Empty for a first attempt that is under way and has said nothing yet. */
function attemptText({ attempt, running, paused, nextAttemptAt, failure, line: said }: PendingAttempt, now: number): string {
  const parts = [
    attempt > 1 ? `attempt ${attempt}` : '',
    failure === undefined ? '' : failureText(failure),
    said === undefined ? '' : oneLine(said),
    paused ? 'paused in Temporal' : '',
    running || nextAttemptAt === undefined || failure === undefined ? '' : `next try in ${Math.max(0, Math.ceil((nextAttemptAt - now) / 1000))}s`,
  ];
  return parts.filter((part) => part !== '').join(' · ');
}
