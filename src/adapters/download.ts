/** Downloads a file by HTTP, and resumes where an earlier attempt stopped. */

import { constants } from 'node:fs';
import { open, stat } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { DeployError } from '../deployment/errors';
import type { ErrorCode } from '../deployment/errors';
import { codeOf } from './node-errors';
import type { Watcher } from './single-flight';

const MIB = 1024 * 1024;
/** How long a server may send nothing, before its answer and within it. */
const SILENCE_MS = 60_000;
/** Retrying does not help. */
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
  silenceMs = SILENCE_MS,
): Promise<void> {
  const watchdog = new SilenceWatchdog(url, silenceMs, signal);
  const present = await stat(path).then(
    ({ size }) => size,
    () => 0,
  );
  const response = await requestFrom(url, present, watchdog);
  // The file is complete; only its renaming is missing.
  if (response.status === 416) return;
  const from = response.status === 206 ? present : 0;
  const total = from + Number(response.headers.get('content-length') ?? 0);
  const reportAt = (at: number): void =>
    report(`fetching ${url}: ${(at / MIB).toFixed(1)} of ${(total / MIB).toFixed(1)} MiB`);
  await store(path, from, complete(bodyOf(response, watchdog), url, total - from), reportAt);
}

/** A short text, held in memory; undefined if it has more bytes than that. */
export async function fetchText(
  url: string,
  limit: number,
  { signal }: Watcher,
  silenceMs = SILENCE_MS,
): Promise<string | undefined> {
  const watchdog = new SilenceWatchdog(url, silenceMs, signal);
  const response = await requestFrom(url, 0, watchdog);
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of bodyOf(response, watchdog)) {
    chunks.push(chunk);
    length += chunk.length;
    if (length > limit) return undefined;
  }
  return Buffer.concat(chunks).toString('utf8');
}

/**
 * Writes each chunk at its place and truncates only at the end: another worker of this machine may be downloading the same bytes into the
 * same file.
 */
async function store(
  path: string,
  from: number,
  bytes: AsyncIterable<Uint8Array>,
  reportAt: (at: number) => void,
): Promise<void> {
  const file = await onDisk(path, open(path, constants.O_WRONLY | constants.O_CREAT, 0o600));
  try {
    let at = from;
    for await (const chunk of bytes) {
      await onDisk(path, writeAll(file, chunk, at));
      at += chunk.length;
      reportAt(at);
    }
    // Anything after this is left of an earlier, longer version of the file.
    await onDisk(path, file.truncate(at));
  } finally {
    await file.close();
  }
}

/** A disk that fills up accepts a part of a write, and fails only at the next one. */
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

/** Gives up on a silent server. The time that its bytes take to be stored does not count. */
class SilenceWatchdog {
  readonly signal: AbortSignal;
  private readonly timeout = new AbortController();

  constructor(
    private readonly url: string,
    private readonly silenceMs: number,
    private readonly caller: AbortSignal,
  ) {
    this.signal = AbortSignal.any([caller, this.timeout.signal]);
  }

  async watch<T>(work: Promise<T>): Promise<T> {
    const timer = setTimeout(() => this.timeout.abort(), this.silenceMs);
    try {
      return await work;
    } catch (error) {
      this.caller.throwIfAborted();
      throw unreachable(
        this.url,
        this.timeout.signal.aborted ? `nothing came for ${this.silenceMs / 1000} s` : causeOf(error),
      );
    } finally {
      clearTimeout(timer);
    }
  }
}

async function requestFrom(url: string, from: number, watchdog: SilenceWatchdog): Promise<Response> {
  // Not compressed on the way: the SHA-256 is that of the file itself.
  const headers = { 'accept-encoding': 'identity', ...(from === 0 ? {} : { range: `bytes=${from}-` }) };
  const response = await watchdog.watch(fetch(url, { headers, signal: watchdog.signal }));
  if (response.ok || (response.status === 416 && from > 0)) return response;
  await response.body?.cancel();
  if (MISSING.has(response.status)) throw new DeployError('IMAGE_SOURCE_MISSING', `${url} answers ${response.status}.`);
  throw unreachable(url, `it answers ${response.status}`);
}

async function* bodyOf({ body }: Response, watchdog: SilenceWatchdog): AsyncGenerator<Uint8Array, void> {
  if (body === null) return;
  const reader = body.getReader();
  try {
    for (;;) {
      const { done, value } = await watchdog.watch<{ done: boolean; value?: unknown }>(reader.read());
      if (done || !(value instanceof Uint8Array)) return;
      yield value;
    }
  } finally {
    // A stream that has failed rejects with its own error once more.
    await reader.cancel().catch(() => undefined);
  }
}

async function* complete(
  bytes: AsyncIterable<Uint8Array>,
  url: string,
  expected: number,
): AsyncGenerator<Uint8Array, void> {
  let length = 0;
  for await (const chunk of bytes) {
    length += chunk.length;
    yield chunk;
  }
  if (length < expected) throw unreachable(url, 'the answer ended too early');
}

export function fileFault(path: string, error: unknown): unknown {
  if (!(error instanceof Error) || !('syscall' in error)) return error;
  const reason = codeOf(error) ?? 'unknown error';
  return new DeployError(
    FILE_FAULTS[reason] ?? 'IMAGE_SOURCE_UNREADABLE',
    `The file ${path} cannot be used (${reason}).`,
  );
}

function unreachable(url: string, reason: string): DeployError {
  return new DeployError('IMAGE_SOURCE_UNREACHABLE', `${url} cannot be fetched: ${reason}.`);
}

/** fetch hides the reason in the cause of its error. */
function causeOf(error: unknown): string {
  const cause = error instanceof Error ? (error.cause ?? error) : error;
  return cause instanceof Error ? cause.message : String(cause);
}
