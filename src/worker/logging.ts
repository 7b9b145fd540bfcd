/** The worker's log, JSON lines on stdout, and its metrics. Both belong to the SDK's runtime, of which a process has one. */

import { DefaultLogger, Runtime } from '@temporalio/worker';
import type { LogLevel, RuntimeOptions } from '@temporalio/worker';
import { pino } from 'pino';
import type { Logger } from 'pino';
import { WorkerError } from './failure';

const LEVELS = ['trace', 'debug', 'info', 'warn', 'error'] as const;
type Level = (typeof LEVELS)[number];

const SDK_LEVEL = {
  trace: 'TRACE',
  debug: 'DEBUG',
  info: 'INFO',
  warn: 'WARN',
  error: 'ERROR',
} as const satisfies Record<Level, LogLevel>;

const PINO_LEVEL = {
  TRACE: 'trace',
  DEBUG: 'debug',
  INFO: 'info',
  WARN: 'warn',
  ERROR: 'error',
} as const satisfies Record<LogLevel, Level>;

/** @throws WorkerError if STACKATO_DEPLOY_LOG or STACKATO_DEPLOY_METRICS is invalid */
export function startLogging(env: NodeJS.ProcessEnv): Logger {
  const level = levelOf(env.STACKATO_DEPLOY_LOG);
  const log = pino({ name: 'stackato-deploy', level });
  const address = env.STACKATO_DEPLOY_METRICS;
  // Empty, as in an environment file, counts as not set.
  installRuntime(runtimeOptions(log, level), address === '' ? undefined : address);
  return log;
}

function levelOf(text = ''): Level {
  const level = text === '' ? 'info' : LEVELS.find((each) => each === text);
  if (level !== undefined) return level;
  throw new WorkerError(
    'USAGE',
    `STACKATO_DEPLOY_LOG has no level ${text}.`,
    `Set it to ${LEVELS.slice(0, -1).join(', ')} or ${LEVELS.at(-1) ?? ''}, or leave it out.`,
  );
}

function runtimeOptions(log: Logger, level: Level): RuntimeOptions {
  const detailed = level === 'debug' || level === 'trace';
  return {
    // This filters before pino does.
    logger: new DefaultLogger(SDK_LEVEL[level], (entry) =>
      log[PINO_LEVEL[entry.level]](relevantFields(entry.meta), entry.message),
    ),
    telemetryOptions: {
      logging: { forward: {}, filter: { core: detailed ? SDK_LEVEL[level] : 'WARN', other: 'WARN' } },
    },
  };
}

/** @param address where Prometheus finds the metrics, such as 127.0.0.1:9464; absent: no metrics */
function installRuntime(options: RuntimeOptions, address: string | undefined): void {
  if (address === undefined) {
    Runtime.install(options);
    return;
  }
  try {
    Runtime.install({
      ...options,
      telemetryOptions: { ...options.telemetryOptions, metrics: { prometheus: { bindAddress: address } } },
    });
  } catch (error) {
    throw metricsError(address, error);
  }
}

function metricsError(address: string, error: unknown): WorkerError {
  const text = error instanceof Error ? error.message : String(error);
  const reason = /exporter: (.+?)(?: \(os error \d+\))?$/.exec(text)?.[1];
  return reason === undefined
    ? new WorkerError(
        'USAGE',
        `STACKATO_DEPLOY_METRICS has no address ${address}. It must be an IP address with a port.`,
        'Set it to something like 127.0.0.1:9464, or leave it out.',
        error,
      )
    : new WorkerError(
        'USAGE',
        `Metrics cannot be served at ${address}. ${reason}.`,
        'Set STACKATO_DEPLOY_METRICS to an address of this machine and a free port, or leave it out.',
        error,
      );
}

/** The metadata by which an attempt can be found in Temporal. */
function relevantFields(meta: Record<string | symbol, unknown> | undefined): Record<string, unknown> {
  const relevant = ['workflowId', 'runId', 'activityId', 'activityType', 'attempt', 'error'];
  return Object.fromEntries(Object.entries(meta ?? {}).filter(([name]) => relevant.includes(name)));
}
