/** Ctrl-C stops the following and nothing else; said twice, it ends this process at once. */

import { EXIT } from '../client/errors';

export interface Detaching {
  readonly signal: AbortSignal;
  /** Ctrl-C ends the process again, as it does without this. */
  over(): void;
}

export function detaching(): Detaching {
  const controller = new AbortController();
  // Not once(): where no listener is left, others (signal-exit) end the process on the spot.
  const interrupted = (): void => {
    if (controller.signal.aborted) process.exit(EXIT.detached);
    controller.abort();
  };
  process.on('SIGINT', interrupted);
  return { signal: controller.signal, over: () => void process.removeListener('SIGINT', interrupted) };
}
