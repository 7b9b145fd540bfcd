import { loadSpec } from '../../spec/loader';
import type { DeploymentSpec } from '../../spec/types';
import { SpecInvalidError } from '../../client/errors';

export async function readSpec(path: string): Promise<DeploymentSpec> {
  const loaded = await loadSpec(path);
  if (!loaded.ok) throw new SpecInvalidError(path, loaded.problems);
  return loaded.spec;
}
