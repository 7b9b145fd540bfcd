/** `up`: starts a deployment, goes on with what an earlier run left, or joins the run under way. */

import type { WorkflowExecutionDescription } from '@temporalio/client';
import { WORKFLOW } from '../deployment/names';
import { freshView } from '../deployment/view';
import { CORE, knownOf, noFacts } from '../deployment/facts';
import type { Facts } from '../deployment/facts';
import type { DeploymentSpec } from '../deployment/spec';
import { deploymentViewIn, digestOf, specMemoIn } from '../temporal/memo';
import { isOpen } from '../temporal/workflows';
import { ClientError } from './errors';
import { registerSearchAttributes } from './search-attributes';
import { impossibleChanges, resourceNames, specDifferences } from './spec-differences';
import { startRun } from './start';
import { describeDeployment, statusIn } from './status';
import type { DeploymentStatus } from './status';
import type { Temporal } from './temporal';

export interface UpOutcome {
  /** False: a run with the same spec was under way already. */
  readonly started: boolean;
  readonly status: DeploymentStatus;
}

export async function up(temporal: Temporal, spec: DeploymentSpec): Promise<UpOutcome> {
  const last = await describeDeployment(temporal, spec.name);
  if (last !== undefined && isOpen(last)) return { started: false, status: await join(temporal, spec, last) };
  const facts = last === undefined ? noFacts() : leftBy(last, spec);
  const addedAttributes = await registerSearchAttributes(temporal);
  const request = { type: WORKFLOW.deploy, input: { spec, facts }, view: freshView(spec, facts) };
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

/** What an earlier run made or learnt. */
function leftBy({ memo }: WorkflowExecutionDescription, spec: DeploymentSpec): Facts {
  const facts = deploymentViewIn(memo)?.facts ?? noFacts();
  const known = knownOf(facts, CORE);
  const before = specMemoIn(memo)?.spec;
  const changes = before === undefined ? [] : impossibleChanges(before, spec, known);
  if (changes.length === 0) return facts;
  const resources = resourceNames(known);
  throw new ClientError(
    'SPEC_DIFFERS',
    `The deployment ${spec.name} has resources (${resources.join(', ')}) made with another spec. ` +
      `It differs in ${changes.join(', ')}, which cannot be changed in place.`,
    {
      remedy: `Put back what differs, or run \`stackato-deploy down ${spec.name}${resources.includes('volume') ? ' --volumes' : ''}\` first.`,
    },
  );
}
