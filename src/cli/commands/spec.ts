/** The commands that only read the spec, and connect to nothing: plan, schema. */

import { EXIT } from '../../client/errors';
import type { ExitCode } from '../../client/errors';
import { settingsOf } from '../../client/settings';
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
  context.show({ name: spec.name, steps, ...(spec.cluster === undefined ? {} : { groups }) }, () =>
    planText(spec, steps, groups, context.paint),
  );
  return EXIT.done;
}

export function schemaCommand(): ExitCode {
  process.stdout.write(`${JSON.stringify(jsonSchema(), undefined, 2)}\n`);
  return EXIT.done;
}
