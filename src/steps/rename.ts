/** `kato rename`: the appliance's own idea of its name, in host name, hosts file and certificate. */

import { identityOf, isNamed, OBSERVE_IDENTITY } from '../machine/identity';
import type { Identity } from '../machine/identity';
import { dialectOf } from '../machine/kato';
import { ensureByCommand } from './machine/command';
import type { Attempt } from './attempt';
import type { Dependencies } from './dependencies';
import { look } from './machine/session';
import type { StepInput, StepOutcome } from '../deployment/activities';

export async function renameNode(deps: Dependencies, input: StepInput, attempt: Attempt): Promise<StepOutcome> {
  const { name } = input.spec.dns;
  return ensureByCommand<Identity>(deps, input, attempt, {
    step: 'rename',
    observe: async (session) => identityOf(await look(session, OBSERVE_IDENTITY), name),
    done: (identity) => (isNamed(identity) ? { note: name, known: {} } : undefined),
    command: () => dialectOf(input.spec.release).rename(name),
  });
}
