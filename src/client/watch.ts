/** Watching: the status now, then every change, until it is closed. */

import { setTimeout as delay } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { ClientError } from './errors';
import { statusOf } from './status';
import type { DeploymentStatus } from './status';
import type { Temporal } from './temporal';

export interface WatchOptions {
  /** Milliseconds between two requests. Default 1 s. */
  readonly interval?: number;
  /** Ends the watching, not the deployment. */
  readonly signal?: AbortSignal;
}

const INTERVAL = 1_000;
/** A Temporal that restarts is waited for; one that stays away this long is gone. */
const SILENCE_LIMIT = 300_000;

export function watchDeployment(
  temporal: Temporal,
  name: string,
  options: WatchOptions,
): AsyncGenerator<DeploymentStatus, void, undefined> {
  let heardAt = Date.now();
  return watchStatus(async (last?: DeploymentStatus): Promise<DeploymentStatus> => {
    try {
      const status = await statusOf(temporal, name);
      heardAt = Date.now();
      return status;
    } catch (error) {
      const silent = error instanceof ClientError && error.code === 'TEMPORAL_UNREACHABLE';
      if (last === undefined || !silent || Date.now() - heardAt > SILENCE_LIMIT) throw error;
      return { ...last, trouble: 'temporal-silent' };
    }
  }, options);
}

/** @param read is given the last status, undefined the first time */
export async function* watchStatus<T extends { readonly open: boolean }>(
  read: (last?: T) => Promise<T>,
  { interval = INTERVAL, signal }: WatchOptions,
): AsyncGenerator<T, void, undefined> {
  let last: T | undefined;
  do {
    const next: T | undefined = await resultOrAbort(read(last), signal);
    if (next === undefined) return;
    if (!isDeepStrictEqual(next, last)) yield next;
    last = next;
  } while (last.open && (await waited(interval, signal)));
}

/** @returns false if the signal came first */
async function waited(ms: number, signal?: AbortSignal): Promise<boolean> {
  return delay(ms, true, signal === undefined ? {} : { signal }).catch(() => false);
}

/** Undefined if the signal comes first: a request to a silent Temporal takes long. */
async function resultOrAbort<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T | undefined> {
  if (signal === undefined) return work;
  const stop = new AbortController();
  const aborted = new Promise<undefined>((resolve) => {
    if (signal.aborted) resolve(undefined);
    signal.addEventListener('abort', () => resolve(undefined), { signal: stop.signal });
  });
  try {
    return await Promise.race([work, aborted]);
  } finally {
    stop.abort();
    work.catch(() => undefined);
  }
}
