#!/usr/bin/env node
/** The worker process: runs deployments until it is told to stop (SIGINT, SIGTERM), then lets running attempts finish. */

import { existsSync } from 'node:fs';
import { constants } from 'node:os';
import { Worker } from '@temporalio/worker';
import { createActivities } from '../activities';
import { BUNDLE_PATH } from './bundle';
import { checkNamespace, connectToTemporal, readTarget } from './connection';
import { createDependencies } from './dependencies';
import { report, WorkerError } from './failure';
import { startLogging } from './logging';
import { workerSettings } from './options';

// The AWS SDK's plans for Node versions do not concern readers of this log; package.json says which we support.
process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= 'true';

/** Takes over the process and exits: after a failure the SDK may hold resources that would keep it alive. */
export async function runWorker({ json = false }: { readonly json?: boolean } = {}): Promise<never> {
  process.exit(
    await run().then(
      () => 0,
      (error: unknown) => report(error, json),
    ),
  );
}

async function run(): Promise<void> {
  // Until there is a worker, the SDK catches signals and ignores them.
  const stopExiting = exitOnSignal();
  if (!existsSync(BUNDLE_PATH))
    throw new WorkerError('NOT_BUILT', `${BUNDLE_PATH} is not there.`, 'Run `npm run build`.');
  const target = readTarget(process.env);
  const log = startLogging(process.env);
  const settings = workerSettings(process.env);
  const connection = await connectToTemporal(target);
  const { namespace } = target;
  const deps = createDependencies(namespace, settings);
  try {
    const worker = await Worker.create({ ...settings, connection, namespace, activities: createActivities(deps) });
    stopExiting();
    log.info({ taskQueue: settings.taskQueue, namespace }, 'worker is ready');
    await worker.run();
  } catch (error) {
    // Asking Temporal itself gives a clearer message than the SDK's error, for instance about a deleted namespace.
    await checkNamespace(connection, target);
    throw error;
  }
  await connection.close();
}

/** @returns a function that undoes it */
function exitOnSignal(): () => void {
  const signals = ['SIGINT', 'SIGTERM', 'SIGQUIT'] as const;
  const exit = (signal: NodeJS.Signals): void => process.exit(128 + constants.signals[signal]);
  for (const signal of signals) process.on(signal, exit);
  return () => {
    for (const signal of signals) process.removeListener(signal, exit);
  };
}

if (require.main === module) void runWorker();
