/** Publishes the progress of an image: in the memo for deployments and clients, as Markdown for the Web UI. */

import { setCurrentDetails, upsertMemo } from '@temporalio/workflow';
import { remedyOf } from '../deployment/errors';
import { IMAGE_KINDS } from '../deployment/spec';
import type { PublishInput, PublishView, StepFailure } from '../deployment/messages';
import type { ImageKind } from '../deployment/spec';
import { MEMO_IMAGE } from '../deployment/names';
import { freshPublishView } from '../deployment/view';
import type { Uploaded } from '../deployment/activities';
import { now } from './progress';

export class PublishingProgress {
  private readonly view: PublishView;

  constructor(input: PublishInput) {
    this.view = freshPublishView(input);
    this.publish();
  }

  begun(kind: ImageKind): void {
    this.view.parts[kind] = { state: 'running', startedAt: now() };
    this.publish();
  }

  /** Not published at once: it matters only if this run fails before the kind is done, and then it is published with the failure. */
  uploaded(kind: ImageKind, { ours }: Uploaded): void {
    if (ours) this.view.parts[kind] = { ...this.view.parts[kind], ours: true };
  }

  done(kind: ImageKind, id: string, { sentBytes, sentParts, thereParts }: Uploaded): void {
    const note = sentBytes === 0 ? 'all was there' : `${sentParts} parts sent, ${thereParts} there already`;
    this.view.parts[kind] = { ...this.view.parts[kind], state: 'done', endedAt: now(), id, note };
    this.publish();
  }

  published(): void {
    this.view.stage = 'published';
    this.publish();
  }

  failed(error: StepFailure): void {
    this.view.stage = 'failed';
    this.view.error = error;
    this.publish();
  }

  private publish(): void {
    // A deep copy, because the view keeps changing.
    upsertMemo({ [MEMO_IMAGE]: JSON.parse(JSON.stringify(this.view)) as PublishView });
    setCurrentDetails(detailsOf(this.view));
  }
}

function detailsOf({ image, cloud, stage, parts, error }: PublishView): string {
  const rows = IMAGE_KINDS.map(
    (kind) => `| ${kind} | ${parts[kind].state} | ${parts[kind].id ?? ''} | ${parts[kind].note ?? ''} |`,
  );
  const failure =
    error === undefined
      ? []
      : ['', `**${error.code}** — ${error.message.replace(/\s+/g, ' ')}`, '', remedyOf(error.code)];
  return [
    `**${image.name}** is **${stage}** · bucket ${image.bucket} on ${cloud}`,
    '',
    '| kind | state | id | |',
    '|---|---|---|---|',
    ...rows,
    ...failure,
  ].join('\n');
}
