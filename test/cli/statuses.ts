/** Statuses as Temporal's describe gives them, for tests of how they are printed. */

import type { DeploymentStatus } from '../../src/client/status';
import type { StepStatus } from '../../src/client/step-status';
import type { NodeStatus } from '../../src/client/nodes';
import { groupNameIn } from '../../src/deployment/cluster';
import { CORE } from '../../src/deployment/facts';
import { stepsOn } from '../../src/deployment/steps';
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
    steps: stepsWith(CORE, steps),
    resources: {},
    volumes: [],
    undone: [],
    undoing: [],
    nodes: [],
    removedNodes: [],
    unchanged: false,
    ...change,
  };
}

/** Steps not named wait. */
export function stepsWith(node: string, steps: Partial<Record<StepId, Partial<StepStatus>>>): readonly StepStatus[] {
  return stepsOn({}, node).map(({ id, title, skippable }) => ({
    id,
    title,
    skippable: skippable === true,
    ...(id.startsWith('publish-')
      ? ({ state: 'not-needed', note: 'image has an id' } as const)
      : ({ state: 'waiting' } as const)),
    ...steps[id],
  }));
}

/** The steps of a machine on which everything is done. */
export function allDone(node: string): Partial<Record<StepId, Partial<StepStatus>>> {
  const done = { state: 'done', startedAt: NOW - 60_000, endedAt: NOW - 58_000 } as const;
  return Object.fromEntries(stepsOn({}, node).map(({ id }) => [id, done]));
}

/** A node with the private address 10.0.0.<number>, whose workflow began a minute ago. */
export function nodeWith(
  name: string,
  stage: NodeStatus['stage'],
  steps: Partial<Record<StepId, Partial<StepStatus>>> = {},
  change: Partial<NodeStatus> = {},
): NodeStatus {
  const begun = stage !== 'waiting' && stage !== 'held';
  const open = begun && stage !== 'ready' && stage !== 'aborted' && stage !== 'lost';
  const number = /\d+$/.exec(name)?.[0] ?? '';
  return {
    name,
    group: groupNameIn(name),
    roles: [groupNameIn(name)],
    wanted: true,
    stage,
    workflowId: `stackato/dev/${name}`,
    steps: begun ? stepsWith(name, steps) : [],
    undone: [],
    undoing: [],
    ...(begun
      ? {
          instance: { id: `i-${name}`, privateIp: `10.0.0.${number}` },
          run: {
            runId: 'run-2',
            action: 'deploy',
            open,
            workflowUrl: `http://localhost:8233/namespaces/default/workflows/stackato%2Fdev%2F${name}/run-2/history`,
            startedAt: NOW - 61_000,
            ...(open ? {} : { closedAt: NOW - 1_000 }),
          },
        }
      : {}),
    ...change,
  };
}
