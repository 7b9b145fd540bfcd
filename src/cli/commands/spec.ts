/** The commands that only read the spec: plan, schema. They connect to nothing, but for a cluster: `plan` asks Temporal which nodes there are. */

import type { WantedChanges } from '../../client/changes';
import { ClientError, EXIT } from '../../client/errors';
import type { ExitCode } from '../../client/errors';
import { settingsOf } from '../../client/settings';
import type { DeploymentSpec } from '../../deployment/spec';
import { jsonSchema } from '../../specfile/schema';
import { groupPlansOf, planOf } from '../../steps/plan';
import type { Context } from '../context';
import { readSpec } from '../read-spec';
import { planText } from '../render/plan';

export async function planCommand(context: Context, path: string): Promise<ExitCode> {
  const spec = await readSpec(path);
  // Temporal's namespace is part of the mark on everything that is made.
  const { namespace } = settingsOf(context.profile === undefined ? {} : { profile: context.profile });
  const steps = planOf(spec, namespace);
  const groups = groupPlansOf(spec, namespace);
  const changes = spec.cluster === undefined ? undefined : await changesOf(context, spec, path);
  const ofCluster = spec.cluster === undefined ? {} : { groups, ...(changes === undefined ? {} : { changes }) };
  context.show({ name: spec.name, steps, ...ofCluster }, () => planText(spec, steps, groups, context.paint, changes));
  return EXIT.done;
}

/** How long a plan waits for Temporal, ms. */
const PATIENCE = 2_000;

async function changesOf(
  { profile, note }: Context,
  spec: DeploymentSpec,
  path: string,
): Promise<WantedChanges | undefined> {
  // Its Temporal client takes longer to load than a plan without nodes.
  const { Deployments } = await import('../../client/deployments.js');
  try {
    const options = { patience: PATIENCE, ...(profile === undefined ? {} : { profile }) };
    const deployments = await Deployments.connect(options);
    try {
      return await deployments.changes(spec, { path });
    } finally {
      await deployments.close();
    }
  } catch (error) {
    if (!(error instanceof ClientError)) throw error;
    note(`Which nodes there are already is not shown. ${error.message}`);
    return undefined;
  }
}

export function schemaCommand(): ExitCode {
  process.stdout.write(`${JSON.stringify(jsonSchema(), undefined, 2)}\n`);
  return EXIT.done;
}
