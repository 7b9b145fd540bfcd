/** One look at a deployment, and looking again and again: `describe` and nothing else, so it is right with no worker running. */

import { setTimeout as delay } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { WorkflowNotFoundError } from '@temporalio/client';
import type { WorkflowExecutionDescription } from '@temporalio/client';
import { workflowIdOf } from '../deployment/names';
import { ClientError } from './errors';
import { snapshotOf, viewOf } from './snapshot';
import type { Snapshot } from './snapshot';
import type { Settings } from './settings';
import type { Temporal } from './temporal';
import { isWorkerPolling } from './workers';

export interface WatchOptions {
  /** Milliseconds between two looks. Default 1 s. */
  readonly interval?: number;
  /** Ends the watching, not the deployment. */
  readonly signal?: AbortSignal;
}

const INTERVAL = 1_000;
/** A Temporal that restarts is waited for; one that stays away so long is gone. */
const SILENCE_LIMIT = 300_000;

/** The newest run of that name, or undefined where Temporal knows none. */
export async function describe(temporal: Temporal, name: string): Promise<WorkflowExecutionDescription | undefined> {
  try {
    return await temporal.call(() => temporal.client.workflow.getHandle(workflowIdOf(name)).describe());
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return undefined;
    throw error;
  }
}

export async function look(temporal: Temporal, name: string): Promise<Snapshot> {
  const description = await describe(temporal, name);
  if (description === undefined)
    throw new ClientError(
      'NOT_FOUND',
      `Temporal knows no deployment ${name}. It never was, or is so long over that it is forgotten.`,
    );
  return seen(temporal, description);
}

export async function seen(temporal: Temporal, description: WorkflowExecutionDescription): Promise<Snapshot> {
  const view = viewOf(description.memo);
  if (view === undefined)
    throw new ClientError(
      'NOT_READABLE',
      `The workflow ${description.workflowId} does not show what it is. Its memo holds no deployment.`,
    );
  const snapshot = snapshotOf(description, view, (workflowId, runId) => linkTo(temporal.settings, workflowId, runId));
  if (!snapshot.open || (await isWorkerPolling(temporal, description.taskQueue))) return snapshot;
  return { ...snapshot, trouble: 'no-worker' };
}

/** What it is now, then whatever changes, until it is closed. */
export async function* watch(
  temporal: Temporal,
  name: string,
  { interval = INTERVAL, signal }: WatchOptions = {},
): AsyncGenerator<Snapshot, void, undefined> {
  const first = await unless(signal, look(temporal, name));
  if (first === undefined) return;
  let last = first;
  yield last;
  let heardAt = Date.now();
  while (last.open && (await pause(interval, signal))) {
    const next = await unless(signal, lookAgain(temporal, last, heardAt));
    if (next === undefined) return;
    if (next.trouble !== 'temporal-silent') heardAt = Date.now();
    if (isDeepStrictEqual(next, last)) continue;
    last = next;
    yield last;
  }
}

async function lookAgain(temporal: Temporal, last: Snapshot, heardAt: number): Promise<Snapshot> {
  try {
    return await look(temporal, last.name);
  } catch (error) {
    const silent = error instanceof ClientError && error.code === 'TEMPORAL_UNREACHABLE';
    if (!silent || Date.now() - heardAt > SILENCE_LIMIT) throw error;
    return { ...last, trouble: 'temporal-silent' };
  }
}

/** @returns false where the signal came */
async function pause(ms: number, signal?: AbortSignal): Promise<boolean> {
  try {
    await delay(ms, undefined, signal === undefined ? {} : { signal });
    return true;
  } catch {
    return false;
  }
}

/** Undefined where the signal came first: a look at a silent Temporal takes long. */
export async function unless<T>(signal: AbortSignal | undefined, work: Promise<T>): Promise<T | undefined> {
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

export function linkTo({ ui, namespace }: Settings, workflowId: string, runId: string): string {
  return `${ui}/namespaces/${encodeURIComponent(namespace)}/workflows/${encodeURIComponent(workflowId)}/${runId}/history`;
}
