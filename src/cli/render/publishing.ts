/** The publishing of an image: on one page, and as lines that are only ever added to. */

import { IMAGE_PARTS } from '../../deployment/messages';
import type { ImagePart } from '../../deployment/messages';
import type { Publishing } from '../../client/publishing';
import { remedyOfCommand } from '../../client/words';
import { fitted } from './fold';
import type { PageOptions } from './page';
import { clip, clock, failureText, oneLine, span, STEP_LOOK } from './text';

export function publishingPage(publishing: Publishing, { now, paint, width, rows = Infinity }: PageOptions): string {
  const { view, workflowUrl, startedAt, closedAt } = publishing;
  return fitted(
    {
      title: `${paint.bold(view.image.name)}  ${view.stage}  ${span((closedAt ?? now) - startedAt)}  bucket ${view.image.bucket} on ${view.cloud}`,
      details: [`  workflow  ${workflowUrl}`],
      items: IMAGE_PARTS.map((part) => ({
        fold: undefined,
        label: part,
        line: clip(`  ${STEP_LOOK[view.parts[part].state].mark} ${part.padEnd(8)} ${wordsOf(publishing, part)}`, width),
      })),
      advice: ending(publishing).filter((line) => line !== ''),
    },
    { rows, width, paint },
  );
}

/** @param before absent at the first look */
export function publishingChanges(before: Publishing | undefined, after: Publishing, now: number): readonly string[] {
  const { image, stage } = after.view;
  const say = (text: string): string => `${clock(now)} ${image.name} ${text}`;
  const news = IMAGE_PARTS.filter(
    (part) =>
      after.view.parts[part].state !== 'waiting' &&
      (before === undefined || wordsOf(before, part) !== wordsOf(after, part)),
  );
  return [
    ...(before === undefined ? [say(`workflow ${after.workflowUrl}`)] : []),
    ...news.map((part) => say(`${part}: ${wordsOf(after, part)}`)),
    ...(before?.view.stage === stage && before.trouble === after.trouble && before.open === after.open
      ? []
      : [stage, ...ending(after)].filter((line) => line !== '').map(say)),
  ];
}

function wordsOf({ view, pending }: Publishing, part: ImagePart): string {
  const { state, id, note, startedAt, endedAt } = view.parts[part];
  const attempt = pending[part];
  if (state === 'done')
    return `done in ${span((endedAt ?? 0) - (startedAt ?? 0))}, ${id ?? ''}${note === undefined ? '' : `, ${note}`}`;
  if (state === 'waiting' || attempt === undefined) return state;
  if (attempt.failure?.notYet === true) return `waiting, ${failureText(attempt.failure)}`;
  const failure = attempt.failure === undefined ? '' : `, ${failureText(attempt.failure)}`;
  return attempt.running
    ? `running${attempt.line === undefined ? '' : `, ${oneLine(attempt.line)}`}`
    : `attempt ${attempt.attempt}${failure}`;
}

function ending({ open, view: { stage, error, parts }, trouble }: Publishing): readonly string[] {
  if (trouble !== undefined) return ['', 'No worker is there to go on with it. Start one: stackato-deploy worker'];
  if (error !== undefined) return ['', `${error.code}: ${oneLine(error.message)}`, `  ${remedyOfCommand(error.code)}`];
  if (stage === 'published')
    return [
      '',
      `Published: ${parts.machine.id ?? ''} (kernel ${parts.kernel.id ?? ''}, ramdisk ${parts.ramdisk.id ?? ''})`,
    ];
  return open ? [] : ['', 'Its run was ended from outside.'];
}
