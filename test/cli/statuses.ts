/** Statuses as Temporal's describe gives them, for tests of how they are printed. */

import type { DeploymentStatus, StepStatus } from '../../src/client/status';
import { STEPS } from '../../src/deployment/steps';
import type { StepId } from '../../src/deployment/steps';

/** When these tests take place. */
export const NOW = Date.UTC(2026, 10, 24, 12, 0, 0);

/** Steps not named wait. */
export function statusWith(
  steps: Partial<Record<StepId, Partial<StepStatus>>>,
  change: Partial<DeploymentStatus> = {},
): DeploymentStatus {
  return {
    name: 'dev',
    workflowId: 'stackato/dev',
    runId: 'run-1',
    action: 'deploy',
    open: true,
    stage: 'deploying',
    release: '2.6.6',
    cloud: 'eucalyptus-3.2',
    host: 'dev.stackato.test',
    consoleUrl: 'http://dev.stackato.test/',
    workflowUrl: 'http://localhost:8233/namespaces/default/workflows/stackato%2Fdev/run-1/history',
    startedAt: NOW - 125_000,
    steps: STEPS.map(({ id, title, skippable }) => ({
      id,
      title,
      skippable: skippable === true,
      ...(id.startsWith('publish-')
        ? ({ state: 'not-needed', note: 'image has an id' } as const)
        : ({ state: 'waiting' } as const)),
      ...steps[id],
    })),
    resources: {},
    undone: [],
    undoing: [],
    unchanged: false,
    ...change,
  };
}
