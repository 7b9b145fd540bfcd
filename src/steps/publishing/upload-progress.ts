/** The progress of an upload, as one line of text. */

import type { ImageKind } from '../../deployment/spec';

const MIB = 1024 * 1024;

export class UploadProgress {
  sentBytes = 0;
  sentParts = 0;
  /** Parts that were in the bucket already. */
  thereParts = 0;
  private readonly startedAt = Date.now();

  constructor(private readonly kind: ImageKind) {}

  sent(size: number): void {
    this.sentBytes += size;
    this.sentParts += 1;
  }

  /**
   * @param share how much of the image is bundled, 0 to 1; the number of parts is estimated from it, since it depends on compression
   * @param complete whether all parts are known
   */
  line(share: number, complete: boolean): string {
    const parts = this.sentParts + this.thereParts;
    const total = complete || share === 0 ? parts : Math.max(parts, Math.ceil(parts / share));
    const seconds = (Date.now() - this.startedAt) / 1000;
    const figures = [
      `${mib(this.sentBytes)} MiB sent`,
      ...(seconds < 1 || this.sentBytes === 0 ? [] : [`${mib(this.sentBytes / seconds)} MiB/s`]),
      ...(seconds < 1 || share === 0 || complete ? [] : [`${Math.ceil((seconds / share) * (1 - share))} s left`]),
      ...(this.thereParts === 0 ? [] : [`${this.thereParts} there already`]),
    ];
    return `${this.kind}: part ${parts} of ${complete ? '' : 'about '}${total} (${figures.join(', ')})`;
  }
}

function mib(bytes: number): string {
  return (bytes / MIB).toFixed(1);
}
