/** Images are worked on in blocks: several at once, results in order, memory bounded. */

/** Also how much of an image goes into one gzip member, so the bytes of every bundle depend on it. */
export const BLOCK_SIZE = 1024 * 1024;

export const ZEROS = Buffer.alloc(BLOCK_SIZE);

export function isZero(bytes: Buffer): boolean {
  return bytes.equals(ZEROS.subarray(0, bytes.length));
}

export function blockCount(size: number): number {
  return Math.ceil(size / BLOCK_SIZE);
}

/** The last block of an image may be shorter. */
export function blockLength(size: number, index: number): number {
  return Math.min(BLOCK_SIZE, size - index * BLOCK_SIZE);
}

export interface WorkOptions {
  /** Blocks worked on at once. */
  readonly concurrency: number;
  readonly signal?: AbortSignal;
  /** Called for every block. */
  readonly onProgress?: () => void;
}

/** Missing from the types of Node. */
declare const WebAssembly: {
  readonly Memory: new (size: { readonly initial: number }) => { readonly buffer: ArrayBuffer };
};

const WASM_PAGE = 64 * 1024;

/** One buffer per slot. Reads with O_DIRECT need page-aligned buffers; in Node, only WebAssembly memory is sure to be aligned. */
export function alignedBuffers(slots: number): (slot: number) => Buffer {
  const memory = new WebAssembly.Memory({ initial: (slots * BLOCK_SIZE) / WASM_PAGE });
  return (slot) => Buffer.from(memory.buffer, slot * BLOCK_SIZE, BLOCK_SIZE);
}

/**
 * Runs `task(from) … task(count - 1)`, at most `concurrency` at once, and yields their results in order. A slow consumer slows the work
 * down: no task starts before the previous result was asked for and used. (p-limit has no such back-pressure.)
 * A task owns its `slot` until the result after its own is requested, so one buffer per slot is enough.
 */
export async function* mapInOrder<T>(
  { from, count }: { readonly from: number; readonly count: number },
  concurrency: number,
  task: (index: number, slot: number) => Promise<T>,
): AsyncGenerator<T, void> {
  const running: Promise<T>[] = [];
  let next = from;
  try {
    for (;;) {
      for (; next < count && running.length < concurrency; next++) {
        const started = task(next, next % concurrency);
        // Its error is thrown when its turn comes; until then nobody awaits it.
        started.catch(() => undefined);
        running.push(started);
      }
      const first = running.shift();
      if (first === undefined) return;
      yield await first;
    }
  } finally {
    // They still use their buffers.
    await Promise.allSettled(running);
  }
}
