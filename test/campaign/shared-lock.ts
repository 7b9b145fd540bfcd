/** A fair readers-writer lock: any number of shared holders, or a single exclusive one. */
export class SharedLock {
  private holders = 0;
  private heldExclusively = false;
  private readonly queue: { readonly exclusive: boolean; readonly grant: () => void }[] = [];

  /** @returns releases the lock; calling it again does nothing */
  async acquire(exclusive: boolean): Promise<() => void> {
    await new Promise<void>((grant) => {
      this.queue.push({ exclusive, grant });
      this.grantNext();
    });
    let released = false;
    return () => {
      if (released) return;
      released = true;
      this.holders -= 1;
      this.heldExclusively = false;
      this.grantNext();
    };
  }

  private grantNext(): void {
    for (
      let next = this.queue[0];
      next !== undefined && !this.heldExclusively && (!next.exclusive || this.holders === 0);
      next = this.queue[0]
    ) {
      this.queue.shift();
      this.holders += 1;
      this.heldExclusively = next.exclusive;
      next.grant();
    }
  }
}
