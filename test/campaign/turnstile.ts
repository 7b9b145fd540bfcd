/** Many may pass at a time, or one alone. Whoever wants to be alone comes before those who come later. */
export class Turnstile {
  private inside = 0;
  private alone = false;
  private readonly queue: { readonly alone: boolean; readonly go: () => void }[] = [];

  /** @returns how to leave; calling it again does nothing */
  async enter(alone: boolean): Promise<() => void> {
    await new Promise<void>((go) => {
      this.queue.push({ alone, go });
      this.admit();
    });
    let left = false;
    return () => {
      if (left) return;
      left = true;
      this.inside -= 1;
      this.alone = false;
      this.admit();
    };
  }

  private admit(): void {
    for (
      let next = this.queue[0];
      next !== undefined && !this.alone && (!next.alone || this.inside === 0);
      next = this.queue[0]
    ) {
      this.queue.shift();
      this.inside += 1;
      this.alone = next.alone;
      next.go();
    }
  }
}
