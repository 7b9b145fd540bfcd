import { loadSpec } from '../specfile/loader';
import type { DeploymentSpec } from '../deployment/types';
import { SpecInvalidError } from '../client/errors';

export async function readSpec(path: string): Promise<DeploymentSpec> {
  const loaded = await loadSpec(path);
  if (!loaded.ok) throw new SpecInvalidError(path, loaded.problems);
  return loaded.spec;
}
