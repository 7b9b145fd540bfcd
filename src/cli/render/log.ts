/** A deployment as lines that are only ever added to, for logs: one line a change. */

import type { StepState } from '../../deployment/messages';
import type { Snapshot, StepSnapshot } from '../../client/snapshot';
import { advice } from './advice';
import { clock, failureText, oneLine, span, STAGE_LOOK } from './text';

/** @param before absent at the first look: everything that has begun is news */
export function changes(before: Snapshot | undefined, after: Snapshot, now: number): readonly string[] {
  const { name } = after;
  const say = (at: number, text: string): string => `${clock(at)} ${name} ${text}`;
  const old = new Map(before?.steps.map((step) => [step.id, newsIn(wordsOf(step))]));
  const silent: readonly StepState[] = before === undefined ? ['waiting', 'not-needed'] : ['waiting'];
  const steps = after.steps.filter(
    (step) => !silent.includes(step.state) && old.get(step.id) !== newsIn(wordsOf(step)),
  );
  const undone = after.undone.slice(before?.undone.length ?? 0);
  return [
    ...(before === undefined
      ? [say(now, `console ${after.consoleUrl}`), say(now, `workflow ${after.workflowUrl}`)]
      : []),
    ...steps.map((step) => say(timeOf(step, now), `${step.id}: ${wordsOf(step)}`)),
    ...undone.map(({ what, ok, message }) =>
      say(
        now,
        `${ok ? 'taken back' : 'still there'}: ${oneLine(what)}${message === undefined ? '' : ` (${oneLine(message)})`}`,
      ),
    ),
    ...(isNews(before, after)
      ? [say(now, STAGE_LOOK[after.stage].words), ...advice(after).map((line) => say(now, line))]
      : []),
  ];
}

function isNews(before: Snapshot | undefined, after: Snapshot): boolean {
  return before === undefined || before.stage !== after.stage || before.trouble !== after.trouble;
}

/** Not the number of the attempt: a step that waits is not news with every look. */
function wordsOf({ state, note, error, pending, startedAt, endedAt }: StepSnapshot): string {
  if (state === 'attention' && error !== undefined) return `attention, ${failureText({ ...error, notYet: false })}`;
  if (state === 'running')
    return pending?.failure === undefined
      ? 'running'
      : `${pending.failure.notYet ? 'waiting' : 'running'}, ${failureText(pending.failure)}`;
  const took = startedAt === undefined || endedAt === undefined ? '' : ` in ${span(endedAt - startedAt)}`;
  const text = oneLine(note ?? '');
  return `${state}${took}${text === '' ? '' : `, ${text}`}`;
}

/** Figures in brackets at the end go on and on. */
function newsIn(words: string): string {
  return words.replace(/ \([^()]*\)$/, '');
}

/** Its own time where it has one, so that what is seen late is not told as if it were new. */
function timeOf({ startedAt, endedAt, pending }: StepSnapshot, now: number): number {
  return endedAt ?? (pending?.failure === undefined ? (startedAt ?? now) : now);
}
