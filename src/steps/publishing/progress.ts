/** How far an upload is, in a line. */

import type { ImagePart } from '../../deployment/messages';

const MIB = 1024 * 1024;

export class UploadProgress {
  sentBytes = 0;
  sentParts = 0;
  thereParts = 0;
  private readonly startedAt = Date.now();

  constructor(private readonly part: ImagePart) {}

  sent(size: number): void {
    this.sentBytes += size;
    this.sentParts += 1;
  }

  /**
   * @param share of the image that is bundled; how many parts the rest makes depends on how well it compresses
   * @param complete all parts are known
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
    return `${this.part}: part ${parts} of ${complete ? '' : 'about '}${total} (${figures.join(', ')})`;
  }
}

function mib(bytes: number): string {
  return (bytes / MIB).toFixed(1);
}
