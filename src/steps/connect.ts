/** The first login: looks whether this machine can carry a Stackato; then waits for kato. */

import { direct, dialectOf } from '../machine/kato';
import { OBSERVE_MACHINE, parseMemory } from '../machine/machine';
import { parseIfconfig, refuseClash } from '../machine/network';
import { parseVersion } from '../machine/roles';
import { DeployError } from '../deployment/errors';
import type { Dependencies } from './dependencies';
import { look, onMachine } from './machine/session';
import { insistOnReady } from './machine/kato-ready';
import type { StepInput, StepOutcome } from '../deployment/activities';

/** A machine of 2 GiB shows less: the kernel keeps some. The next smaller one sold (1.7 GiB) shows less than this. */
const MIN_SEEN_MIB = 1_850;

export async function logIn(deps: Dependencies, input: StepInput): Promise<StepOutcome> {
  return onMachine(deps, input, async (session) => {
    const sections = await look(session, OBSERVE_MACHINE);
    const memory = parseMemory(sections['memory'] ?? '');
    if (memory !== undefined && memory < MIN_SEEN_MIB) {
      throw new DeployError(
        'MEMORY_TOO_SMALL',
        `The machine says it has ${memory} MiB of memory; Stackato behaves oddly with less than 2 GiB.`,
      );
    }
    refuseClash(parseIfconfig(sections['ifconfig'] ?? '').address ?? '');
    return { changed: false, note: 'logged in', known: {} };
  });
}

export async function awaitKato(deps: Dependencies, input: StepInput): Promise<StepOutcome> {
  const kato = dialectOf(input.spec.release);
  return onMachine(deps, input, async (session) => {
    await insistOnReady(session, kato);
    const version = parseVersion((await session.exec(direct(kato.version))).stdout);
    return { changed: false, note: version === undefined ? 'kato is ready' : `kato ${version} is ready`, known: {} };
  });
}
