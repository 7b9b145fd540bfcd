/** What kato says it runs on the node. */

import { katoOf } from '../../machine/kato';
import { parseKatoInfo } from '../../machine/kato-output';
import type { KatoInfo } from '../../machine/kato-output';
import { withPath } from '../../machine/shell';
import type { StepInput } from '../../deployment/activities';
import { DeployError } from '../../deployment/errors';
import type { RemoteSession } from '../ports';
import { saidBy } from './session';

/** mDNS is of use on a LAN alone; in a cloud it only gets in the way of the real name. */
export const MDNS = 'mdns';

export async function readKatoInfo(session: RemoteSession, { spec }: StepInput): Promise<KatoInfo> {
  const result = await session.exec(withPath(katoOf(spec.release).info));
  const info = parseKatoInfo(result.stdout);
  if (info === undefined)
    throw new DeployError('KATO_NOT_READY', `kato info names neither roles nor a message bus: ${saidBy(result)}.`);
  return info;
}
