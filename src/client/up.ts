/** `up`: starts a deployment, goes on with what an earlier run left, or joins the run under way. */

import type { WorkflowExecutionDescription } from '@temporalio/client';
import { WORKFLOW } from '../deployment/names';
import { freshView } from '../deployment/view';
import { noFacts } from '../deployment/facts';
import type { Facts } from '../deployment/facts';
import type { DeploymentSpec } from '../deployment/spec';
import { deploymentViewIn, digestOf, specMemoIn } from '../temporal/memo';
import { isOpen } from '../temporal/workflows';
import { refusalOf } from './changes';
import type { UpOptions } from './changes';
import { ClientError } from './errors';
import { viewLeft } from './nodes';
import { registerSearchAttributes } from './search-attributes';
import { specDifferences } from './spec-differences';
import { startRun } from './start';
import { describeDeployment, statusIn } from './status';
import type { DeploymentStatus } from './status';
import type { Temporal } from './temporal';

export interface UpOutcome {
  /** False: a run with the same spec was under way already. */
  readonly started: boolean;
  readonly status: DeploymentStatus;
}

export async function up(temporal: Temporal, spec: DeploymentSpec, options: UpOptions = {}): Promise<UpOutcome> {
  const last = await describeDeployment(temporal, spec.name);
  if (last !== undefined && isOpen(last)) return { started: false, status: await join(temporal, spec, last) };
  const facts = last === undefined ? noFacts() : await leftBy(temporal, last, spec, options);
  const addedAttributes = await registerSearchAttributes(temporal);
  const { dataLoss = [] } = options;
  const input = { spec, facts, ...(dataLoss.length === 0 ? {} : { dataLoss }) };
  const request = { type: WORKFLOW.deploy, input, view: freshView(spec, facts) };
  const { description, ours } = await startRun(temporal, request, addedAttributes);
  return {
    started: ours,
    status: ours ? await statusIn(temporal, description) : await join(temporal, spec, description),
  };
}

async function join(
  temporal: Temporal,
  spec: DeploymentSpec,
  description: WorkflowExecutionDescription,
): Promise<DeploymentStatus> {
  const status = await statusIn(temporal, description);
  if (status.action === 'teardown' || status.stage === 'undoing') {
    throw new ClientError(
      'BEING_REMOVED',
      `The deployment ${spec.name} cannot be brought up now. It is being taken back.`,
    );
  }
  const memo = specMemoIn(description.memo);
  if (memo === undefined)
    throw new ClientError(
      'NOT_READABLE',
      `The deployment ${spec.name} is under way, but its spec cannot be read. Its memo holds none.`,
    );
  if (memo.digest === digestOf(spec)) return status;
  throw new ClientError(
    'SPEC_DIFFERS',
    `The deployment ${spec.name} is under way with another spec. It differs in ${specDifferences(memo.spec, spec).join(', ')}.`,
  );
}

/** What an earlier run made or learnt. Throws where that does not allow what the spec wants. */
async function leftBy(
  temporal: Temporal,
  last: WorkflowExecutionDescription,
  spec: DeploymentSpec,
  options: UpOptions,
): Promise<Facts> {
  const view = deploymentViewIn(last.memo);
  if (view === undefined) return noFacts();
  const left = await viewLeft(temporal, last, view);
  const before = specMemoIn(last.memo)?.spec;
  const refusal = refusalOf({ before, spec, left, options });
  if (refusal !== undefined) throw refusal;
  return left.facts;
}
