/** Shows how far the publishing of an image is: in the memo for deployments and clients, as prose for the Web UI. */

import { setCurrentDetails, upsertMemo } from '@temporalio/workflow';
import { remedyOf } from '../deployment/errors';
import { IMAGE_PARTS } from '../deployment/messages';
import type { ImagePart, PublishInput, PublishView, StepFailure } from '../deployment/messages';
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

  begun(part: ImagePart): void {
    this.view.parts[part] = { state: 'running', startedAt: now() };
    this.publish();
  }

  /** Seen with what is shown next: it matters only if this run fails before it is done. */
  uploaded(part: ImagePart, { ours }: Uploaded): void {
    if (ours) this.view.parts[part] = { ...this.view.parts[part], ours: true };
  }

  done(part: ImagePart, id: string, { sentBytes, sentParts, thereParts }: Uploaded): void {
    const note = sentBytes === 0 ? 'all was there' : `${sentParts} parts sent, ${thereParts} there already`;
    this.view.parts[part] = { ...this.view.parts[part], state: 'done', endedAt: now(), id, note };
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
    // A deep copy: the view goes on changing, what is published must not.
    upsertMemo({ [MEMO_IMAGE]: JSON.parse(JSON.stringify(this.view)) as PublishView });
    setCurrentDetails(detailsOf(this.view));
  }
}

function detailsOf({ image, cloud, stage, parts, error }: PublishView): string {
  const rows = IMAGE_PARTS.map(
    (part) => `| ${part} | ${parts[part].state} | ${parts[part].id ?? ''} | ${parts[part].note ?? ''} |`,
  );
  const told =
    error === undefined
      ? []
      : ['', `**${error.code}** — ${error.message.replace(/\s+/g, ' ')}`, '', remedyOf(error.code)];
  return [
    `**${image.name}** is **${stage}** · bucket ${image.bucket} on ${cloud}`,
    '',
    '| part | state | id | |',
    '|---|---|---|---|',
    ...rows,
    ...told,
  ].join('\n');
}
