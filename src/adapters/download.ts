/** Fetches a file by HTTP, going on where an earlier attempt stopped. */

import { constants } from 'node:fs';
import { open, stat } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { DeployError } from '../deployment/errors';
import type { ErrorCode } from '../deployment/errors';

export interface Watcher {
  readonly signal: AbortSignal;
  report(line: string): void;
}

const MIB = 1024 * 1024;
/** How long a server may send nothing, before its answer and in the middle of it. */
const SILENCE = 60_000;
/** What another try will not change. */
const MISSING: ReadonlySet<number> = new Set([401, 403, 404, 410]);
const FILE_FAULTS: Readonly<Record<string, ErrorCode>> = {
  ENOENT: 'IMAGE_SOURCE_MISSING',
  ENOTDIR: 'IMAGE_SOURCE_MISSING',
  ENOSPC: 'IMAGE_DISK_FULL',
  EDQUOT: 'IMAGE_DISK_FULL',
};

export async function download(
  url: string,
  path: string,
  { signal, report }: Watcher,
  silence = SILENCE,
): Promise<void> {
  const patience = new Patience(url, silence, signal);
  const had = await stat(path).then(
    ({ size }) => size,
    () => 0,
  );
  const response = await answer(url, had, patience);
  // All of it was there, and only its name was not yet the right one.
  if (response.status === 416) return;
  const from = response.status === 206 ? had : 0;
  const total = from + Number(response.headers.get('content-length') ?? 0);
  const tell = (at: number): void =>
    report(`fetching ${url}: ${(at / MIB).toFixed(1)} of ${(total / MIB).toFixed(1)} MiB`);
  await store(path, from, whole(pieces(response, patience), url, total - from), tell);
}

/** Each piece at its place, and nothing cut off before: another worker of this machine may be fetching the same bytes into the same file. */
async function store(
  path: string,
  from: number,
  bytes: AsyncIterable<Uint8Array>,
  tell: (at: number) => void,
): Promise<void> {
  const file = await onDisk(path, open(path, constants.O_WRONLY | constants.O_CREAT, 0o600));
  try {
    let at = from;
    for await (const piece of bytes) {
      await onDisk(path, writeAll(file, piece, at));
      at += piece.length;
      tell(at);
    }
    // What is behind it comes of an earlier attempt at a file that was longer.
    await onDisk(path, file.truncate(at));
  } finally {
    await file.close();
  }
}

/** A disk that fills up takes a part of what it is given, and says so only the next time. */
export async function writeAll(file: Pick<FileHandle, 'write'>, bytes: Uint8Array, at: number): Promise<void> {
  for (let done = 0; done < bytes.length;)
    done += (await file.write(bytes, done, bytes.length - done, at + done)).bytesWritten;
}

async function onDisk<T>(path: string, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    throw fileFault(path, error);
  }
}

/** Gives up on a server that has gone silent. What is done with the bytes meanwhile is not on its account. */
class Patience {
  readonly signal: AbortSignal;
  private readonly over = new AbortController();

  constructor(
    private readonly url: string,
    private readonly silence: number,
    private readonly asked: AbortSignal,
  ) {
    this.signal = AbortSignal.any([asked, this.over.signal]);
  }

  async with<T>(work: Promise<T>): Promise<T> {
    const timer = setTimeout(() => this.over.abort(), this.silence);
    try {
      return await work;
    } catch (error) {
      this.asked.throwIfAborted();
      throw unreachable(
        this.url,
        this.over.signal.aborted ? `nothing came for ${this.silence / 1000} s` : reasonOf(error),
      );
    } finally {
      clearTimeout(timer);
    }
  }
}

async function answer(url: string, from: number, patience: Patience): Promise<Response> {
  // Unpacked by nobody on the way: the SHA-256 is that of the file as it lies there.
  const headers = { 'accept-encoding': 'identity', ...(from === 0 ? {} : { range: `bytes=${from}-` }) };
  const response = await patience.with(fetch(url, { headers, signal: patience.signal }));
  if (response.ok || (response.status === 416 && from > 0)) return response;
  await response.body?.cancel();
  if (MISSING.has(response.status)) throw new DeployError('IMAGE_SOURCE_MISSING', `${url} answers ${response.status}.`);
  throw unreachable(url, `it answers ${response.status}`);
}

async function* pieces({ body }: Response, patience: Patience): AsyncGenerator<Uint8Array, void> {
  if (body === null) return;
  const bytes = (body as unknown as AsyncIterable<Uint8Array>)[Symbol.asyncIterator]();
  try {
    for (;;) {
      const next = await patience.with(bytes.next());
      if (next.done === true) return;
      yield next.value;
    }
  } finally {
    await bytes.return?.();
  }
}

async function* whole(
  bytes: AsyncIterable<Uint8Array>,
  url: string,
  expected: number,
): AsyncGenerator<Uint8Array, void> {
  let length = 0;
  for await (const piece of bytes) {
    length += piece.length;
    yield piece;
  }
  if (length < expected) throw unreachable(url, 'the answer ended too early');
}

export function fileFault(path: string, error: unknown): unknown {
  if (!(error instanceof Error) || !('syscall' in error)) return error;
  const reason = 'code' in error ? String(error.code) : 'unknown error';
  return new DeployError(
    FILE_FAULTS[reason] ?? 'IMAGE_SOURCE_UNREADABLE',
    `The file ${path} cannot be used (${reason}).`,
  );
}

function unreachable(url: string, reason: string): DeployError {
  return new DeployError('IMAGE_SOURCE_UNREACHABLE', `${url} cannot be fetched: ${reason}.`);
}

/** What fetch throws hides the cause one level below. */
function reasonOf(error: unknown): string {
  const cause = error instanceof Error ? (error.cause ?? error) : error;
  return cause instanceof Error ? cause.message : String(cause);
}
