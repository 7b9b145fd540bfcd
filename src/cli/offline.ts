/** The commands that ask nobody: plan, schema. */

import { EXIT } from '../client/errors';
import type { ExitCode } from '../client/errors';
import { planOf } from '../steps/plan';
import { planText } from './render/plan';
import { settingsOf } from '../client/settings';
import { jsonSchema } from '../specfile/schema';
import type { Context } from './context';
import { readSpec } from './spec-file';

export async function planCommand(context: Context, path: string): Promise<ExitCode> {
  const spec = await readSpec(path);
  // What is made is marked with Temporal's namespace; its configuration is read, it is not asked.
  const { namespace } = settingsOf(context.profile === undefined ? {} : { profile: context.profile });
  const steps = planOf(spec, namespace);
  context.show({ name: spec.name, steps }, () => planText(spec, steps, context.paint));
  return EXIT.done;
}

export function schemaCommand(): Promise<ExitCode> {
  process.stdout.write(`${JSON.stringify(jsonSchema(), undefined, 2)}\n`);
  return Promise.resolve(EXIT.done);
}
