/** `down`: takes back what a deployment made. One that is under way is aborted; for one that has ended a run of its own is started. */

import type { WorkflowExecutionDescription } from '@temporalio/client';
import { UPDATE } from '../deployment/messages';
import { noFacts } from '../deployment/facts';
import { WORKFLOW } from '../deployment/names';
import { freshView } from '../deployment/view';
import { deploymentViewIn, specMemoIn } from '../temporal/memo';
import { ClientError } from './errors';
import { viewLeft } from './nodes';
import { registerSearchAttributes } from './search-attributes';
import { startRun } from './start';
import { describeDeployment, statusIn, statusOf, unknownDeployment } from './status';
import type { DeploymentStatus } from './status';
import type { Temporal } from './temporal';
import { sendUpdate } from './updates';

export interface DownOutcome {
  /**
   * `nothing`: everything is gone already. `aborting`: it was under way, and has been told to abort. `removing`: a run that removes it was
   * started. `under-way`: it was being removed already.
   */
  readonly did: 'nothing' | 'aborting' | 'removing' | 'under-way';
  /** Machines that are terminated. */
  readonly machines: number;
  readonly status: DeploymentStatus;
}

export interface DownOptions {
  /**
   * Removes the image that was published for it, too, though others may use it: it is deregistered, and its bundles are deleted. A
   * deployment that is under way is only aborted: call `down` again afterwards.
   */
  readonly images?: boolean;
  /** Deletes the volume that was made for its containers, too, with all that is on it. */
  readonly volumes?: boolean;
}

export async function down(temporal: Temporal, name: string, requested: DownOptions = {}): Promise<DownOutcome> {
  const last = await describeDeployment(temporal, name);
  if (last === undefined)
    throw unknownDeployment(
      name,
      'See `stackato-deploy list`. If it left anything, `stackato-deploy up` with its spec adopts that; then `down` can remove it.',
    );
  const status = await statusIn(temporal, last);
  if (status.open) return abort(temporal, status);
  const more = requested.images === true || requested.volumes === true;
  if (!more && (status.stage === 'removed' || status.stage === 'aborted'))
    return { did: 'nothing', machines: 0, status };
  return remove(temporal, last, requested);
}

async function abort(temporal: Temporal, status: DeploymentStatus): Promise<DownOutcome> {
  if (status.action === 'teardown' || status.stage === 'undoing')
    return { did: 'under-way', machines: machinesOf(status), status };
  await sendUpdate(temporal, status.name, UPDATE.abort);
  return { did: 'aborting', machines: machinesOf(status), status: await statusOf(temporal, status.name) };
}

async function remove(
  temporal: Temporal,
  last: WorkflowExecutionDescription,
  { images, volumes }: DownOptions,
): Promise<DownOutcome> {
  const { memo, workflowId } = last;
  const spec = specMemoIn(memo)?.spec;
  if (spec === undefined)
    throw new ClientError('SPEC_UNKNOWN', `The workflow ${workflowId} cannot be taken back. Its memo holds no spec.`);
  const view = deploymentViewIn(memo);
  const facts = view === undefined ? noFacts() : (await viewLeft(temporal, last, view)).facts;
  const addedAttributes = await registerSearchAttributes(temporal);
  const request = {
    type: WORKFLOW.teardown,
    input: {
      spec,
      facts,
      ...(images === true ? { images } : {}),
      ...(volumes === true ? { volumes } : {}),
    },
    view: freshView(spec, facts, 'undoing'),
  };
  const { description, ours } = await startRun(temporal, request, addedAttributes);
  const status = await statusIn(temporal, description);
  const machines = Object.values(facts.nodes).filter(({ instance }) => instance !== undefined).length;
  if (status.action === 'teardown') return { did: ours ? 'removing' : 'under-way', machines, status };
  throw new ClientError('REFUSED', `The deployment ${spec.name} is not removed. Somebody has just started it again.`);
}

function machinesOf({ resources, nodes }: DeploymentStatus): number {
  return [resources, ...nodes].filter(({ instance }) => instance !== undefined).length;
}
