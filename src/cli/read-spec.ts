import { SpecInvalidError } from '../client/errors';
import type { DeploymentSpec } from '../deployment/spec';
import { loadSpec } from '../specfile/loader';

export async function readSpec(path: string): Promise<DeploymentSpec> {
  const loaded = await loadSpec(path);
  if (!loaded.ok) throw new SpecInvalidError(path, loaded.problems);
  return loaded.spec;
}
