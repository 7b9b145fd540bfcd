import pLimit from 'p-limit';

/** Tests of one suite that mostly wait, and so run side by side. Each is reported under its own title. */
export class SideBySide {
  private readonly trials: { readonly title: string; readonly run: () => Promise<void> }[] = [];
  private readonly results = new Map<string, Promise<void>>();

  /** @param lanes number of them at the same time */
  constructor(private readonly lanes: number) {}

  it(title: string, run: () => Promise<void>): void {
    this.trials.push({ title, run });
    it(title, () => this.results.get(title));
  }

  /** To be called by `before`. Begins all of them, in their order, even those that `--grep` leaves out. */
  begin(): void {
    const lane = pLimit(this.lanes);
    for (const { title, run } of this.trials) {
      const result = lane(run);
      // The test that awaits it reports its failure.
      result.catch(() => undefined);
      this.results.set(title, result);
    }
  }
}
