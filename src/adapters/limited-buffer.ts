/** Keeps the first bytes of a stream up to a limit. The rest is dropped rather than left unread, which would block the sender. */
export class LimitedBuffer {
  /** Whether something was dropped. */
  cut = false;
  private readonly chunks: Buffer[] = [];
  private room: number;

  constructor(limit: number) {
    this.room = limit;
  }

  add(chunk: Buffer): void {
    const part = chunk.subarray(0, this.room);
    this.room -= part.length;
    this.cut ||= part.length < chunk.length;
    if (part.length > 0) this.chunks.push(part);
  }

  get text(): string {
    return Buffer.concat(this.chunks).toString('utf8');
  }
}
