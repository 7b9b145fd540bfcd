/** Things done to one thing, one after the other, in the order they were asked for. One that fails does not stop the next. */

export class Turns {
  private last: Promise<unknown> = Promise.resolve();

  take<T>(work: () => Promise<T>): Promise<T> {
    const mine = this.last.then(work);
    this.last = mine.catch(() => undefined);
    return mine;
  }

  /** When all that was asked for by now is over, well or not. */
  async over(): Promise<void> {
    await this.last;
  }
}
