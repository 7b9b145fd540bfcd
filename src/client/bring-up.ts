/** `up`: starts a deployment, goes on with what an earlier run of it left, or finds the one that is under way. */

import type { WorkflowExecutionDescription } from '@temporalio/client';
import { WORKFLOW } from '../deployment/names';
import { freshView } from '../deployment/view';
import { CORE, knownOf, noFacts } from '../deployment/facts';
import type { Facts } from '../deployment/facts';
import type { DeploymentSpec } from '../deployment/types';
import { clashesOf, differencesOf, thingsIn } from './differences';
import { ClientError } from './errors';
import { describe, seen } from './look';
import { registerSearchAttributes } from './search-attributes';
import { isOpen, viewOf } from './snapshot';
import type { Snapshot } from './snapshot';
import { digestOf, specMemoOf } from '../temporal/spec-memo';
import { startRun } from './start';
import type { Temporal } from './temporal';

export interface UpOutcome {
  /** False: one with the same spec was under way already. */
  readonly started: boolean;
  readonly snapshot: Snapshot;
}

export async function up(temporal: Temporal, spec: DeploymentSpec): Promise<UpOutcome> {
  const last = await describe(temporal, spec.name);
  if (last !== undefined && isOpen(last)) return { started: false, snapshot: await attach(temporal, spec, last) };
  const facts = last === undefined ? noFacts() : leftOf(last, spec);
  const patient = await registerSearchAttributes(temporal);
  const request = { type: WORKFLOW.deploy, input: { spec, facts }, view: freshView(spec, facts) };
  const { description, ours } = await startRun(temporal, request, patient);
  return {
    started: ours,
    snapshot: ours ? await seen(temporal, description) : await attach(temporal, spec, description),
  };
}

async function attach(
  temporal: Temporal,
  spec: DeploymentSpec,
  description: WorkflowExecutionDescription,
): Promise<Snapshot> {
  const snapshot = await seen(temporal, description);
  if (snapshot.action === 'teardown' || snapshot.stage === 'undoing') {
    throw new ClientError(
      'BEING_REMOVED',
      `The deployment ${spec.name} cannot be brought up now. It is being taken back.`,
    );
  }
  const memo = specMemoOf(description.memo);
  if (memo === undefined)
    throw new ClientError(
      'NOT_READABLE',
      `The deployment ${spec.name} is under way, and its spec cannot be read. Its memo holds none.`,
    );
  if (memo.digest === digestOf(spec)) return snapshot;
  throw new ClientError(
    'SPEC_DIFFERS',
    `The deployment ${spec.name} is under way with another spec. It differs in ${differencesOf(memo.spec, spec).join(', ')}.`,
  );
}

/** What an earlier run knew, to go on with. */
function leftOf({ memo }: WorkflowExecutionDescription, spec: DeploymentSpec): Facts {
  const facts = viewOf(memo)?.facts ?? noFacts();
  const known = knownOf(facts, CORE);
  const before = specMemoOf(memo)?.spec;
  const clashes = before === undefined ? [] : clashesOf(before, spec, known);
  if (clashes.length === 0) return facts;
  throw new ClientError(
    'SPEC_DIFFERS',
    `The deployment ${spec.name} has things (${thingsIn(known).join(', ')}) made by another spec. It differs in ${clashes.join(', ')}, which cannot be changed in place.`,
    { remedy: `Put back what differs, or run \`stackato-deploy down ${spec.name}\` first.` },
  );
}
