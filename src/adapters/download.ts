/** Fetches a file by HTTP, going on where an earlier attempt stopped. */

import { open, stat } from 'node:fs/promises';
import { DeployError } from '../spec/errors';
import type { ErrorCode } from '../spec/errors';

export interface Watcher {
  readonly signal: AbortSignal;
  report(line: string): void;
}

const MIB = 1024 * 1024;
/** What another try will not change. */
const MISSING: ReadonlySet<number> = new Set([401, 403, 404, 410]);
const FILE_FAULTS: Readonly<Record<string, ErrorCode>> = { ENOENT: 'IMAGE_SOURCE_MISSING', ENOTDIR: 'IMAGE_SOURCE_MISSING', ENOSPC: 'IMAGE_DISK_FULL', EDQUOT: 'IMAGE_DISK_FULL' };

export async function download(url: string, path: string, { signal, report }: Watcher): Promise<void> {
  const had = await stat(path).then(({ size }) => size, () => 0);
  const response = await answer(url, had, signal);
  // All of it was there, and only its name was not yet the right one.
  if (response.status === 416) return;
  const from = response.status === 206 ? had : 0;
  const total = from + Number(response.headers.get('content-length') ?? 0);
  const file = await open(path, from === 0 ? 'w' : 'a').catch((error: unknown) => {
    throw fileFault(path, error);
  });
  try {
    let at = from;
    for await (const bytes of pieces(url, response, signal)) {
      await file.write(bytes).catch((error: unknown) => {
        throw fileFault(path, error);
      });
      at += bytes.length;
      report(`fetching ${url}: ${(at / MIB).toFixed(1)} of ${(total / MIB).toFixed(1)} MiB`);
    }
    if (at < total) throw unreachable(url, 'the answer ended too early');
  } finally {
    await file.close();
  }
}

async function answer(url: string, from: number, signal: AbortSignal): Promise<Response> {
  // Unpacked by nobody on the way: the SHA-256 is that of the file as it lies there.
  const headers = { 'accept-encoding': 'identity', ...(from === 0 ? {} : { range: `bytes=${from}-` }) };
  const response = await fetch(url, { headers, signal }).catch((error: unknown) => {
    signal.throwIfAborted();
    throw unreachable(url, reasonOf(error));
  });
  if (response.ok || (response.status === 416 && from > 0)) return response;
  await response.body?.cancel();
  if (MISSING.has(response.status)) throw new DeployError('IMAGE_SOURCE_MISSING', `${url} answers ${response.status}.`);
  throw unreachable(url, `it answers ${response.status}`);
}

async function* pieces(url: string, { body }: Response, signal: AbortSignal): AsyncGenerator<Uint8Array, void> {
  if (body === null) return;
  try {
    yield* body as unknown as AsyncIterable<Uint8Array>;
  } catch (error) {
    signal.throwIfAborted();
    throw error instanceof DeployError ? error : unreachable(url, reasonOf(error));
  }
}

export function fileFault(path: string, error: unknown): unknown {
  if (!(error instanceof Error) || !('syscall' in error)) return error;
  const reason = 'code' in error ? String(error.code) : 'unknown error';
  return new DeployError(FILE_FAULTS[reason] ?? 'IMAGE_SOURCE_UNREADABLE', `The file ${path} cannot be used (${reason}).`);
}

function unreachable(url: string, reason: string): DeployError {
  return new DeployError('IMAGE_SOURCE_UNREACHABLE', `${url} cannot be fetched: ${reason}.`);
}

/** What fetch throws hides the cause one level below. */
function reasonOf(error: unknown): string {
  const cause = error instanceof Error ? (error.cause ?? error) : error;
  return cause instanceof Error ? cause.message : String(cause);
}
