/** Worker options, each with its reason. The numbers were measured. */

import { hostname } from 'node:os';
import type { WorkerOptions } from '@temporalio/worker';
import { TASK_QUEUE } from '../deployment/names';
import { BUNDLE_PATH } from './bundle';

/** Must stay below `stop_grace_period` in docker-compose.yml. */
export const SHUTDOWN_FORCE_SECONDS = 60;

export type WorkerSettings = Required<Pick<WorkerOptions, 'identity' | 'taskQueue'>> &
  Pick<
    WorkerOptions,
    | 'workflowBundle'
    | 'shutdownGraceTime'
    | 'shutdownForceTime'
    | 'stickyQueueScheduleToStartTimeout'
    | 'maxCachedWorkflows'
    | 'maxConcurrentActivityTaskExecutions'
    | 'maxHeartbeatThrottleInterval'
  >;

export function workerSettings(env: NodeJS.ProcessEnv): WorkerSettings {
  return {
    identity: `stackato-deploy@${hostname()}#${process.pid}`,
    taskQueue: env.STACKATO_DEPLOY_TASK_QUEUE || TASK_QUEUE,
    workflowBundle: { codePath: BUNDLE_PATH },
    // Attempts are short; commands on a machine run on without the worker.
    shutdownGraceTime: '10s',
    shutdownForceTime: `${SHUTDOWN_FORCE_SECONDS}s`,
    // After a SIGKILL, workflows wait this long for the dead worker's cache (default 10 s).
    stickyQueueScheduleToStartTimeout: '3s',
    maxCachedWorkflows: 250,
    // Activities wait for sockets, not for the CPU.
    maxConcurrentActivityTaskExecutions: 50,
    // The heartbeat timeout is 10 s: two heartbeats may be lost before an attempt counts as dead.
    maxHeartbeatThrottleInterval: '3s',
  };
}
