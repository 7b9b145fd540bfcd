import { DeployError } from '../deployment/errors';
import type { ErrorCode } from '../deployment/errors';

/** Takes so much at a time from a stream of pieces of any length. */
export class ByteInput {
  private readonly pieces: AsyncIterator<Buffer>;
  private rest: Buffer = Buffer.alloc(0);

  constructor(
    stream: AsyncIterable<Buffer>,
    /** What it means that the data is not what it should be, or ends too early. */
    readonly short: ErrorCode,
  ) {
    this.pieces = stream[Symbol.asyncIterator]();
  }

  async exactly(length: number): Promise<Buffer> {
    const taken: Buffer[] = [];
    for await (const piece of this.upTo(length)) taken.push(piece);
    return Buffer.concat(taken);
  }

  async *upTo(length: number): AsyncGenerator<Buffer, void> {
    for (let left = length; left > 0;) {
      if (this.rest.length === 0) await this.more();
      const piece = this.rest.subarray(0, left);
      this.rest = this.rest.subarray(piece.length);
      left -= piece.length;
      yield piece;
    }
  }

  async skip(length: number): Promise<void> {
    for await (const _ of this.upTo(length));
  }

  /** How much more there was. */
  async drain(): Promise<number> {
    let length = this.rest.length;
    for (let next = await this.pieces.next(); next.done !== true; next = await this.pieces.next())
      length += next.value.length;
    this.rest = Buffer.alloc(0);
    return length;
  }

  async close(): Promise<void> {
    await this.pieces.return?.();
  }

  private async more(): Promise<void> {
    const next = await this.pieces.next();
    if (next.done === true) throw new DeployError(this.short, 'The data ends before the image does.');
    this.rest = next.value;
  }
}
