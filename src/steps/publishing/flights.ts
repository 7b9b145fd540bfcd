/** Uploads side by side, a few at a time: whoever makes parts waits until one has landed. */
export class Flights {
  private readonly aloft = new Set<Promise<void>>();
  private failure: { readonly error: unknown } | undefined;

  constructor(private readonly most: number) {}

  /** Comes back once the flight has begun. Throws what an earlier one failed with. */
  async take(flight: () => Promise<void>): Promise<void> {
    while (this.aloft.size >= this.most) await Promise.race(this.aloft);
    this.insist();
    const flying: Promise<void> = flight()
      .catch((error: unknown) => {
        this.failure ??= { error };
      })
      .finally(() => this.aloft.delete(flying));
    this.aloft.add(flying);
  }

  async landed(): Promise<void> {
    await this.settled();
    this.insist();
  }

  /** No flight is left under way, whatever became of it. */
  async settled(): Promise<void> {
    await Promise.all(this.aloft);
  }

  private insist(): void {
    if (this.failure !== undefined) throw this.failure.error;
  }
}
