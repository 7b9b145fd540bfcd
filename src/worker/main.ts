#!/usr/bin/env node
/** A worker process: takes deployments until it is told to stop (SIGINT, SIGTERM), then lets attempts end. */

import { constants } from 'node:os';
import { existsSync } from 'node:fs';
import { Worker } from '@temporalio/worker';
import { createActivities } from '../activities';
import { createDependencies } from './dependencies';
import { report, WorkerError } from './failure';
import { startLogging } from './logging';
import { workerSettings } from './options';
import { BUNDLE_PATH } from './paths';
import { checkNamespace, connectToTemporal, placeOf } from './temporal';

// Its plans for Node versions are no news for whoever reads this log; ours are in package.json.
process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= 'true';

/** Takes over the process, and ends it: what the SDK may still hold after a failure must not keep it. */
export async function runWorker({ json = false }: { readonly json?: boolean } = {}): Promise<never> {
  process.exit(
    await work().then(
      () => 0,
      (error: unknown) => report(error, json),
    ),
  );
}

async function work(): Promise<void> {
  // Until there is a worker, the SDK takes signals and does nothing about them.
  const started = endBySignals();
  if (!existsSync(BUNDLE_PATH))
    throw new WorkerError('NOT_BUILT', `${BUNDLE_PATH} is not there.`, 'Run `npm run build`.');
  const place = placeOf(process.env);
  const log = startLogging(process.env);
  const settings = workerSettings(process.env);
  const connection = await connectToTemporal(place);
  const { namespace } = place;
  const deps = createDependencies(namespace, settings);
  try {
    const worker = await Worker.create({ ...settings, connection, namespace, activities: createActivities(deps) });
    started();
    log.info({ taskQueue: settings.taskQueue, namespace }, 'worker is ready');
    await worker.run();
  } catch (error) {
    // What the SDK gives up at, Temporal says in plainer words when it is asked: a namespace that was deleted, for one.
    await checkNamespace(connection, place);
    throw error;
  }
  await connection.close();
}

/** @returns ends that */
function endBySignals(): () => void {
  const signals = ['SIGINT', 'SIGTERM', 'SIGQUIT'] as const;
  const end = (signal: NodeJS.Signals): void => process.exit(128 + constants.signals[signal]);
  for (const signal of signals) process.on(signal, end);
  return () => {
    for (const signal of signals) process.removeListener(signal, end);
  };
}

if (require.main === module) void runWorker();
