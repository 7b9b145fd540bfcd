/** A worker process: takes deployments until it is told to stop (SIGINT, SIGTERM), then lets attempts end. */

import { loadClientConnectConfig } from '@temporalio/envconfig';
import { DefaultLogger, NativeConnection, Runtime, Worker } from '@temporalio/worker';
import type { LogLevel } from '@temporalio/worker';
import { pino } from 'pino';
import { createActivities } from '../activities';
import { createDependencies } from './dependencies';
import { workerSettings } from './options';

// Its plans for Node versions are no news for whoever reads this log; ours are in package.json.
process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= 'true';

async function main(): Promise<void> {
  const log = pino({ name: 'stackato-deploy', level: process.env.STACKATO_DEPLOY_LOG ?? 'info' });
  Runtime.install({
    logger: new DefaultLogger('INFO', ({ level, message, meta }) => log[PINO_LEVEL[level]](withoutNoise(meta), message)),
    telemetryOptions: {
      logging: { forward: {}, filter: { core: 'WARN', other: 'WARN' } },
      ...metrics(process.env.STACKATO_DEPLOY_METRICS),
    },
  });
  const { connectionOptions, namespace } = loadClientConnectConfig();
  const settings = workerSettings(process.env);
  const connection = await NativeConnection.connect(connectionOptions);
  try {
    const deps = createDependencies(namespace ?? 'default', settings);
    const worker = await Worker.create({ ...settings, connection, namespace: namespace ?? 'default', activities: createActivities(deps) });
    log.info({ taskQueue: settings.taskQueue, namespace: namespace ?? 'default' }, 'worker is ready');
    await worker.run();
  } finally {
    await connection.close();
  }
}

const PINO_LEVEL = { TRACE: 'trace', DEBUG: 'debug', INFO: 'info', WARN: 'warn', ERROR: 'error' } as const satisfies Record<LogLevel, string>;

/** @param address e.g. `127.0.0.1:9464`, for Prometheus; absent: no metrics. */
function metrics(address: string | undefined): { metrics?: { prometheus: { bindAddress: string } } } {
  return address === undefined ? {} : { metrics: { prometheus: { bindAddress: address } } };
}

/** Of an attempt's metadata, what helps to find it again. */
function withoutNoise(meta: Record<string | symbol, unknown> | undefined): Record<string, unknown> {
  const keep = ['workflowId', 'runId', 'activityId', 'activityType', 'attempt', 'error'];
  return Object.fromEntries(Object.entries(meta ?? {}).filter(([key]) => keep.includes(key)));
}

main().catch((error: unknown) => {
  const reason = error instanceof Error ? error.message : String(error);
  process.stderr.write(`The worker cannot run: ${reason}\nCheck that Temporal is reachable (TEMPORAL_ADDRESS, or your profile) and that \`npm run build\` was run.\n`);
  process.exitCode = /connect|transport/i.test(reason) ? 5 : 1;
});
