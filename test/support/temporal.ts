/** Temporal servers and workers for tests. */

import { TestWorkflowEnvironment } from '@temporalio/testing';
import { bundleWorkflowCode, DefaultLogger, Runtime, Worker } from '@temporalio/worker';
import type { WorkflowBundleWithSourceMap } from '@temporalio/worker';
import { defineSearchAttributeKey, SearchAttributeType } from '@temporalio/common';
import { SEARCH_ATTRIBUTE } from '../../src/deployment/names';
import type { Activities } from '../../src/deployment/activities';
import { WITHOUT_SOURCES } from '../../src/worker/bundle';
import { programPath } from './programs';

Runtime.install({
  logger: new DefaultLogger('ERROR'),
  telemetryOptions: { logging: { forward: {}, filter: { core: 'ERROR', other: 'ERROR' } } },
});

/** The real server, in memory. */
export function localServer(): Promise<TestWorkflowEnvironment> {
  return TestWorkflowEnvironment.createLocal({
    server: {
      executable: { type: 'existing-path', path: programPath('temporal') },
      searchAttributes: Object.values(SEARCH_ATTRIBUTE).map((name) =>
        defineSearchAttributeKey(name, SearchAttributeType.KEYWORD),
      ),
      log: { format: 'json', level: 'error' },
    },
  });
}

/** temporal.api.enums.v1.IndexedValueType */
const KEYWORD = 2;

/** Time passes as fast as workflows wait. No visibility, no updates while waiting. */
export async function timeSkippingServer(): Promise<TestWorkflowEnvironment> {
  const env = await TestWorkflowEnvironment.createTimeSkipping({
    server: { executable: { type: 'existing-path', path: programPath('temporal-test-server') } },
  });
  const searchAttributes = Object.fromEntries(Object.values(SEARCH_ATTRIBUTE).map((name) => [name, KEYWORD]));
  await env.connection.operatorService.addSearchAttributes({ namespace: env.namespace ?? 'default', searchAttributes });
  return env;
}

let bundle: Promise<WorkflowBundleWithSourceMap> | undefined;

/** Made once per process: it takes seconds. */
export function workflowBundle(): Promise<WorkflowBundleWithSourceMap> {
  bundle ??= bundleWorkflowCode({
    workflowsPath: require.resolve('../../src/workflows'),
    ...WITHOUT_SOURCES,
    logger: new DefaultLogger('WARN'),
  });
  return bundle;
}

export async function createWorker(
  env: TestWorkflowEnvironment,
  taskQueue: string,
  activities: Activities,
): Promise<Worker> {
  return Worker.create({
    connection: env.nativeConnection,
    ...(env.namespace === undefined ? {} : { namespace: env.namespace }),
    taskQueue,
    workflowBundle: await workflowBundle(),
    activities,
    maxHeartbeatThrottleInterval: '1s',
    stickyQueueScheduleToStartTimeout: '2s',
  });
}
