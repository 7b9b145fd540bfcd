/** Worker settings, each with its reason. Source: facts/temporal.md, measured there. */

import { hostname } from 'node:os';
import type { WorkerOptions } from '@temporalio/worker';
import { TASK_QUEUE } from '../deployment/names';
import { BUNDLE_PATH } from './paths';

/** Kept below `stop_grace_period` in docker-compose.yml. */
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
    // Attempts are short; what runs on a machine goes on without us.
    shutdownGraceTime: '10s',
    shutdownForceTime: `${SHUTDOWN_FORCE_SECONDS}s`,
    // After a SIGKILL a workflow waits so long for the dead worker's cache (default 10 s).
    stickyQueueScheduleToStartTimeout: '3s',
    maxCachedWorkflows: 250,
    // They wait for sockets, not for the processor.
    maxConcurrentActivityTaskExecutions: 50,
    // The heartbeat timeout is 10 s: two may be lost before an attempt is taken for dead.
    maxHeartbeatThrottleInterval: '3s',
  };
}
