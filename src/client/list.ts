/** All deployments, from Temporal's visibility: right when no worker is running. */

import type { WorkflowExecutionInfo } from '@temporalio/client';
import type { NodeName } from '../deployment/facts';
import { deploymentOf, WORKFLOW } from '../deployment/names';
import { STEPS } from '../deployment/steps';
import type { StepId } from '../deployment/steps';
import type { DeploymentView, Stage } from '../deployment/messages';
import type { ErrorCode } from '../deployment/errors';
import { deploymentViewIn } from '../temporal/memo';
import { isOpen } from '../temporal/workflows';
import { stageOf } from './status';
import type { Temporal } from './temporal';

export interface ListedDeployment {
  readonly name: string;
  readonly stage: Stage;
  readonly open: boolean;
  readonly action: 'deploy' | 'teardown';
  readonly release: string;
  readonly cloud: string;
  readonly host: string;
  readonly consoleUrl: string;
  /** Epoch milliseconds. */
  readonly startedAt: number;
  readonly closedAt?: number;
  /** Steps that need attention, and why. */
  readonly attention: readonly { readonly node?: NodeName; readonly step: StepId; readonly code?: ErrorCode }[];
  /** Without the core; absent where there are none. */
  readonly nodes?: { readonly ready: number; readonly all: number };
}

const QUERY = `WorkflowType IN ('${WORKFLOW.deploy}', '${WORKFLOW.teardown}')`;

/** The newest run of each name, sorted by name. */
export async function list(temporal: Temporal): Promise<readonly ListedDeployment[]> {
  const newest = new Map<string, WorkflowExecutionInfo>();
  await temporal.call(async () => {
    for await (const info of temporal.client.workflow.list({ query: QUERY })) {
      const other = newest.get(info.workflowId);
      if (other === undefined || other.startTime < info.startTime) newest.set(info.workflowId, info);
    }
  });
  const rows = [...newest.values()].flatMap((info) => {
    const view = deploymentViewIn(info.memo);
    return view === undefined ? [] : [rowOf(info, view)];
  });
  return rows.sort((a, b) => (a.name < b.name ? -1 : 1));
}

function rowOf(info: WorkflowExecutionInfo, view: DeploymentView): ListedDeployment {
  const rows = Object.values(view.nodes);
  return {
    name: deploymentOf(info.workflowId),
    stage: stageOf(info, view),
    open: isOpen(info),
    action: info.type === WORKFLOW.teardown ? 'teardown' : 'deploy',
    release: view.release,
    cloud: view.cloud,
    host: view.host,
    consoleUrl: view.consoleUrl,
    startedAt: info.startTime.getTime(),
    ...(info.closeTime === undefined ? {} : { closedAt: info.closeTime.getTime() }),
    attention: isOpen(info) ? attentionOf(view) : [],
    ...(rows.length === 0
      ? {}
      : { nodes: { ready: rows.filter(({ stage }) => stage === 'ready').length, all: rows.length } }),
  };
}

function attentionOf({ steps, nodes }: DeploymentView): ListedDeployment['attention'] {
  const own = STEPS.flatMap(({ id }) => {
    const step = steps[id];
    if (step?.state !== 'attention') return [];
    return [{ step: id, ...(step.error === undefined ? {} : { code: step.error.code }) }];
  });
  const ofNodes = Object.entries(nodes).flatMap(([node, { stage, error }]) =>
    stage !== 'needs-attention' || error === undefined ? [] : [{ node, step: error.step, code: error.code }],
  );
  return [...own, ...ofNodes];
}
