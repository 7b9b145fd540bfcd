/** The roles of the node, as kato reports them. */

import { katoOf } from '../../machine/kato';
import { parseKatoInfo } from '../../machine/kato-output';
import type { KatoInfo } from '../../machine/kato-output';
import { withPath } from '../../machine/shell';
import type { StepInput } from '../../deployment/activities';
import { DeployError } from '../../deployment/errors';
import type { RemoteSession } from '../ports';
import { saidBy } from './session';

/** mDNS is useful only on a LAN; in a cloud it interferes with the real name. */
export const MDNS = 'mdns';

export async function readKatoInfo(session: RemoteSession, { spec }: StepInput): Promise<KatoInfo> {
  const result = await session.exec(withPath(katoOf(spec.release).info));
  const info = parseKatoInfo(result.stdout);
  if (info === undefined)
    throw new DeployError('KATO_NOT_READY', `kato info shows neither roles nor a message bus: ${saidBy(result)}.`);
  return info;
}
