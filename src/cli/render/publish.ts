/** The publishing of an image, on one page and as lines of a log. */

import { IMAGE_KINDS } from '../../deployment/spec';
import type { ImageKind } from '../../deployment/spec';
import type { PublishStatus } from '../../client/publish';
import { remedyOf } from '../../deployment/errors';
import { fitToRows } from './fit-rows';
import type { PageOptions } from './status-page';
import { clip, duration, failureText, oneLine, STEP_STYLE, timestamp } from './text';

export function publishPage(status: PublishStatus, { now, paint, width, rows = Infinity }: PageOptions): string {
  const { view, workflowUrl, startedAt, closedAt } = status;
  return fitToRows(
    {
      title: `${paint.bold(view.image.name)}  ${view.stage}  ${duration((closedAt ?? now) - startedAt)}  bucket ${view.image.bucket} on ${view.cloud}`,
      details: [`  workflow  ${workflowUrl}`],
      versions: [
        IMAGE_KINDS.map((kind) => ({
          fold: undefined,
          label: kind,
          line: clip(`  ${STEP_STYLE[view.parts[kind].state].mark} ${kind.padEnd(8)} ${wordsOf(status, kind)}`, width),
        })),
      ],
      nextSteps: ending(status).filter((line) => line !== ''),
    },
    { rows, width, paint },
  );
}

/** @param before absent the first time */
export function publishChanges(
  before: PublishStatus | undefined,
  after: PublishStatus,
  now: number,
): readonly string[] {
  const { image, stage } = after.view;
  const say = (text: string): string => `${timestamp(now)} ${image.name} ${text}`;
  const news = IMAGE_KINDS.filter(
    (kind) =>
      after.view.parts[kind].state !== 'waiting' &&
      (before === undefined || wordsOf(before, kind) !== wordsOf(after, kind)),
  );
  return [
    ...(before === undefined ? [say(`workflow ${after.workflowUrl}`)] : []),
    ...news.map((kind) => say(`${kind}: ${wordsOf(after, kind)}`)),
    ...(before?.view.stage === stage && before.trouble === after.trouble && before.open === after.open
      ? []
      : [stage, ...ending(after)].filter((line) => line !== '').map(say)),
  ];
}

function wordsOf({ view, pending }: PublishStatus, kind: ImageKind): string {
  const { state, id, note, startedAt, endedAt } = view.parts[kind];
  const attempt = pending[kind];
  if (state === 'done')
    return `done in ${duration((endedAt ?? 0) - (startedAt ?? 0))}, ${id ?? ''}${note === undefined ? '' : `, ${note}`}`;
  if (state === 'waiting' || attempt === undefined) return state;
  if (attempt.failure?.notYet === true) return `waiting, ${failureText(attempt.failure)}`;
  const failure = attempt.failure === undefined ? '' : `, ${failureText(attempt.failure)}`;
  return attempt.running
    ? `running${attempt.line === undefined ? '' : `, ${oneLine(attempt.line)}`}`
    : `attempt ${attempt.attempt}${failure}`;
}

function ending({ open, view: { stage, error, parts }, trouble }: PublishStatus): readonly string[] {
  if (trouble !== undefined) return ['', 'No worker is running. Start one: stackato-deploy worker'];
  if (error !== undefined)
    return ['', `${error.code}: ${oneLine(error.message)}`, `  ${remedyOf(error.code, 'command')}`];
  if (stage === 'published')
    return [
      '',
      `Published: ${parts.machine.id ?? ''} (kernel ${parts.kernel.id ?? ''}, ramdisk ${parts.ramdisk.id ?? ''})`,
    ];
  return open ? [] : ['', 'The run was ended from outside.'];
}
