/** Whether the machine has the release that the spec says. Seen before anything on it is changed: each release has its own words. */

import { withPath } from '../../machine/shell';
import { katoOf } from '../../machine/kato';
import { agrees, parseKatoVersion } from '../../machine/kato-output';
import { DeployError } from '../../deployment/errors';
import type { ReleaseName } from '../../deployment/releases';
import type { RemoteSession } from '../ports';

/** Throws RELEASE_DIFFERS. @returns the version that the machine tells; undefined where it tells none, which proves nothing */
export async function assertRelease(session: RemoteSession, release: ReleaseName): Promise<string | undefined> {
  const version = parseKatoVersion((await session.exec(withPath(katoOf(release).version))).stdout, release);
  if (version !== undefined && !agrees(version, release))
    throw new DeployError('RELEASE_DIFFERS', `The machine has Stackato ${version}, and the spec says ${release}.`);
  return version;
}
