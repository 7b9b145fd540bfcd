/** Work that several ask for and one does: it goes on while anybody waits for it, and ends when the last has gone. */

import type { Watcher } from './download';

export class SharedWork<T> {
  private readonly running = new Map<string, Running<T>>();

  /**
   * Joins the work of that name, or begins it. Whoever is aborted stops waiting at once and throws the reason; the others notice
   * nothing of it. What is reported reaches all who wait.
   */
  async join(name: string, watcher: Watcher, begin: (watcher: Watcher) => Promise<T>): Promise<T> {
    for (;;) {
      watcher.signal.throwIfAborted();
      const running = this.running.get(name) ?? this.start(name, begin);
      // One that was given up is over only when it has let go of what it works on.
      if (running.given) await untilAborted(watcher.signal, running.ended);
      else return await running.wait(watcher);
    }
  }

  private start(name: string, begin: (watcher: Watcher) => Promise<T>): Running<T> {
    const running = new Running(begin, () => this.running.delete(name));
    this.running.set(name, running);
    return running;
  }
}

class Running<T> {
  /** However it ended. */
  readonly ended: Promise<void>;
  private readonly stop = new AbortController();
  private readonly watchers = new Set<Watcher>();
  private readonly result: Promise<T>;

  constructor(begin: (watcher: Watcher) => Promise<T>, over: () => void) {
    this.result = begin({ signal: this.stop.signal, report: (line) => this.report(line) }).finally(over);
    this.ended = this.result.then(
      () => undefined,
      () => undefined,
    );
  }

  get given(): boolean {
    return this.stop.signal.aborted;
  }

  async wait(watcher: Watcher): Promise<T> {
    this.watchers.add(watcher);
    try {
      return await untilAborted(watcher.signal, this.result);
    } finally {
      this.watchers.delete(watcher);
      if (this.watchers.size === 0) this.stop.abort();
    }
  }

  private report(line: string): void {
    for (const watcher of this.watchers) watcher.report(line);
  }
}

async function untilAborted<T>(signal: AbortSignal, work: Promise<T>): Promise<T> {
  let told = (): void => undefined;
  const aborted = new Promise<never>((_, reject) => {
    told = () => reject(signal.reason as Error);
    signal.addEventListener('abort', told, { once: true });
  });
  try {
    return await Promise.race([work, aborted]);
  } finally {
    signal.removeEventListener('abort', told);
  }
}
