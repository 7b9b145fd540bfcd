/** `down`: takes back what a deployment made. What is still being brought up is aborted, what is over gets a run of its own. */

import type { WorkflowExecutionDescription } from '@temporalio/client';
import { UPDATE } from '../deployment/messages';
import { WORKFLOW } from '../deployment/names';
import { noFacts } from '../deployment/facts';
import { freshView } from '../deployment/view';
import { say } from './answers';
import { ClientError } from './errors';
import { describe, look, seen } from './look';
import { registerSearchAttributes } from './search-attributes';
import { viewOf } from './snapshot';
import type { Snapshot } from './snapshot';
import { specMemoOf } from '../temporal/spec-memo';
import { startRun } from './start';
import type { Temporal } from './temporal';

export interface DownOutcome {
  /**
   * `nothing`: it is gone already. `aborting`: it was being brought up, and has been told to abort. `removing`: a run that removes
   * it was started. `under-way`: that was happening already.
   */
  readonly did: 'nothing' | 'aborting' | 'removing' | 'under-way';
  readonly snapshot: Snapshot;
}

export interface DownOptions {
  /** The image that was published for it, too: deregistered, its bundles deleted. Others may use it. One that is under way is aborted first: say it again. */
  readonly images?: boolean;
}

export async function down(
  temporal: Temporal,
  name: string,
  { images = false }: DownOptions = {},
): Promise<DownOutcome> {
  const last = await describe(temporal, name);
  if (last === undefined) {
    throw new ClientError(
      'NOT_FOUND',
      `Temporal knows no deployment ${name}. It never was, or is so long over that it is forgotten.`,
      {
        remedy:
          'See `stackato-deploy list`. If there are things of it, `stackato-deploy up` with its spec adopts them; then they can be removed.',
      },
    );
  }
  const snapshot = await seen(temporal, last);
  if (snapshot.open) return takeBackOpen(temporal, snapshot);
  if (!images && (snapshot.stage === 'removed' || snapshot.stage === 'aborted')) return { did: 'nothing', snapshot };
  return remove(temporal, last, images);
}

async function takeBackOpen(temporal: Temporal, snapshot: Snapshot): Promise<DownOutcome> {
  if (snapshot.action === 'teardown' || snapshot.stage === 'undoing') return { did: 'under-way', snapshot };
  await say(temporal, snapshot.name, UPDATE.abort);
  return { did: 'aborting', snapshot: await look(temporal, snapshot.name) };
}

async function remove(
  temporal: Temporal,
  { memo, workflowId }: WorkflowExecutionDescription,
  images: boolean,
): Promise<DownOutcome> {
  const spec = specMemoOf(memo)?.spec;
  if (spec === undefined)
    throw new ClientError('SPEC_UNKNOWN', `The workflow ${workflowId} cannot be taken back. Its memo holds no spec.`);
  const facts = viewOf(memo)?.facts ?? noFacts();
  const patient = await registerSearchAttributes(temporal);
  const request = {
    type: WORKFLOW.teardown,
    input: { spec, facts, ...(images ? { images } : {}) },
    view: freshView(spec, facts, 'undoing'),
  };
  const { description, ours } = await startRun(temporal, request, patient);
  const snapshot = await seen(temporal, description);
  if (snapshot.action === 'teardown') return { did: ours ? 'removing' : 'under-way', snapshot };
  throw new ClientError('REFUSED', `The deployment ${spec.name} is not removed. Somebody has just started it again.`);
}
