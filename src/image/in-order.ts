/**
 * Runs `task(from) … task(count - 1)`, at most `lanes` at once, and gives their results in order. Whoever asks slowly stops the work:
 * nothing is started until the result before last was taken. `lane` is a task's own as long as its result was not followed by
 * another request, so that a buffer for each lane is enough.
 */
export async function* inOrder<T>(
  range: { readonly from: number; readonly count: number },
  lanes: number,
  task: (index: number, lane: number) => Promise<T>,
): AsyncGenerator<T, void> {
  const running: Promise<T>[] = [];
  let next = range.from;
  try {
    for (;;) {
      for (; next < range.count && running.length < lanes; next++) {
        const started = task(next, next % lanes);
        // It is looked at when its turn comes; until then nobody listens.
        started.catch(() => undefined);
        running.push(started);
      }
      const first = running.shift();
      if (first === undefined) return;
      yield await first;
    }
  } finally {
    await Promise.allSettled(running);
  }
}
