/** What `up` would change on the nodes that a deployment has, and where it refuses to. */

import { wantedNodes } from '../deployment/cluster';
import { CORE, knownOf } from '../deployment/facts';
import type { NodeName } from '../deployment/facts';
import type { DeploymentView } from '../deployment/messages';
import type { DeploymentSpec } from '../deployment/spec';
import { deploymentViewIn, specMemoIn } from '../temporal/memo';
import { ClientError, sentence } from './errors';
import { changeLines, dataLosses, impossibleNodeChanges, nodeChanges } from './node-differences';
import type { NodeChanges } from './node-differences';
import { viewLeft } from './nodes';
import { impossibleChanges, resourceNames } from './spec-differences';
import { describeDeployment } from './status';
import type { Temporal } from './temporal';

export interface UpOptions {
  /** Nodes with data services that may be removed or replaced, with their data. */
  readonly dataLoss?: readonly NodeName[];
  /** Where the spec is, for the commands in messages. */
  readonly path?: string;
}

export interface WantedChanges extends NodeChanges {
  /** As `plan` prints them: `+ dea-3`. */
  readonly lines: readonly string[];
  /** Why `up` would refuse them. */
  readonly refused?: { readonly code: string; readonly message: string; readonly remedy: string };
}

/** A deployment that exists, and the spec that it is to have. */
export interface Change {
  /** The spec of the last run; undefined: unknown. */
  readonly before: DeploymentSpec | undefined;
  readonly spec: DeploymentSpec;
  /** What the last run left. */
  readonly left: DeploymentView;
  readonly options: UpOptions;
}

/** @returns undefined if there is no such deployment */
export async function wantedChanges(
  temporal: Temporal,
  spec: DeploymentSpec,
  options: UpOptions,
): Promise<WantedChanges | undefined> {
  const last = await describeDeployment(temporal, spec.name);
  const view = deploymentViewIn(last?.memo);
  if (last === undefined || view === undefined) return undefined;
  const left = await viewLeft(temporal, last, view);
  const before = specMemoIn(last.memo)?.spec;
  const changes = nodeChanges(left.nodes, spec);
  const refusal = refusalOf({ before, spec, left, options });
  return {
    ...changes,
    lines: changeLines(changes),
    ...(refusal === undefined ? {} : { refused: refusal.toJSON() }),
  };
}

/** Why `up` refuses the change; undefined: it does not. */
export function refusalOf(change: Change): ClientError | undefined {
  return fixedByResources(change) ?? fixedByNodes(change) ?? losesData(change);
}

function fixedByResources({ before, spec, left }: Change): ClientError | undefined {
  const known = knownOf(left.facts, CORE);
  const changes = before === undefined ? [] : impossibleChanges(before, spec, known);
  if (changes.length === 0) return undefined;
  const resources = resourceNames(known);
  return new ClientError(
    'SPEC_DIFFERS',
    `The deployment ${spec.name} has resources (${resources.join(', ')}) made with another spec. ` +
      `It differs in ${changes.join(', ')}, which cannot be changed in place.`,
    {
      remedy: `Put back what differs, or run \`stackato-deploy down ${spec.name}${resources.includes('volume') ? ' --volumes' : ''}\` first.`,
    },
  );
}

function fixedByNodes({ before, spec, left }: Change): ClientError | undefined {
  const [first] = before === undefined ? [] : impossibleNodeChanges(before, spec, left.facts, left.nodes);
  if (first === undefined) return undefined;
  return new ClientError('SPEC_DIFFERS', `The deployment ${spec.name} cannot get this ${first.path}. ${first.reason}`, {
    remedy: sentence(first.remedy),
  });
}

function losesData({ spec, left, options: { dataLoss = [], path = '<spec>' } }: Change): ClientError | undefined {
  const lost = dataLosses(left.nodes, spec).filter(({ node }) => !dataLoss.includes(node));
  if (lost.length === 0) return undefined;
  const wanted = wantedNodes(spec);
  const each = lost.map(({ node, services }) => {
    const data = services.length === 0 ? 'and may have data' : `with the data of ${services.join(', ')}`;
    return `${node} would be ${wanted.includes(node) ? 'replaced' : 'removed'}, ${data}`;
  });
  const flags = [...new Set([...dataLoss, ...lost.map(({ node }) => node)])].map((node) => `--data-loss ${node}`);
  return new ClientError('DATA_LOSS', `The deployment ${spec.name} would lose data. ${sentence(each.join('; '))}`, {
    remedy: `Put back what differs. Or, if the data may go: \`stackato-deploy up ${path} ${flags.join(' ')}\`.`,
  });
}
