/** Work that several callers ask for at once is done once: it goes on while any caller waits for it, and is aborted when the last has left. */

export interface Watcher {
  readonly signal: AbortSignal;
  report(line: string): void;
}

/** Of a caller that is never aborted and shows no progress. */
export const UNWATCHED: Watcher = { signal: new AbortController().signal, report: () => undefined };

export class SingleFlight<T> {
  private readonly flights = new Map<string, Flight<T>>();

  /**
   * Joins the work of that name, or begins it. A caller that is aborted stops waiting at once and throws the reason; the others notice
   * nothing. Reports reach all who wait.
   */
  async join(name: string, watcher: Watcher, begin: (watcher: Watcher) => Promise<T>): Promise<T> {
    for (;;) {
      watcher.signal.throwIfAborted();
      const flight = this.flights.get(name) ?? this.start(name, begin);
      if (!flight.aborted) return await flight.wait(watcher);
      // Aborted work still holds its file until it has ended.
      await untilAborted(watcher.signal, flight.ended);
    }
  }

  private start(name: string, begin: (watcher: Watcher) => Promise<T>): Flight<T> {
    const flight = new Flight(begin, () => this.flights.delete(name));
    this.flights.set(name, flight);
    return flight;
  }
}

class Flight<T> {
  /** Resolves however the work ends. */
  readonly ended: Promise<void>;
  private readonly controller = new AbortController();
  private readonly watchers = new Set<Watcher>();
  private readonly result: Promise<T>;

  constructor(begin: (watcher: Watcher) => Promise<T>, onEnd: () => void) {
    this.result = begin({ signal: this.controller.signal, report: (line) => this.report(line) }).finally(onEnd);
    this.ended = this.result.then(
      () => undefined,
      () => undefined,
    );
  }

  get aborted(): boolean {
    return this.controller.signal.aborted;
  }

  async wait(watcher: Watcher): Promise<T> {
    this.watchers.add(watcher);
    try {
      return await untilAborted(watcher.signal, this.result);
    } finally {
      this.watchers.delete(watcher);
      if (this.watchers.size === 0) this.controller.abort();
    }
  }

  private report(line: string): void {
    for (const watcher of this.watchers) watcher.report(line);
  }
}

async function untilAborted<T>(signal: AbortSignal, work: Promise<T>): Promise<T> {
  let onAbort = (): void => undefined;
  const aborted = new Promise<never>((_resolve, reject) => {
    onAbort = () => {
      const reason: unknown = signal.reason;
      reject(reason instanceof Error ? reason : new Error(String(reason)));
    };
    signal.addEventListener('abort', onAbort, { once: true });
  });
  try {
    return await Promise.race([work, aborted]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}
