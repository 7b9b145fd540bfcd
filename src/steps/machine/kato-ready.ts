/** Whether kato is ready: that may take minutes after the machine answers on ssh. */

import { withPath } from '../../machine/shell';
import { katoOf } from '../../machine/kato';
import { allRunning, parseKatoReady, parseKatoStatus } from '../../machine/kato-output';
import { DeployError } from '../../deployment/errors';
import { RELEASES } from '../../deployment/releases';
import type { ReleaseName } from '../../deployment/releases';
import { saidBy } from './session';
import type { StepInput } from '../../deployment/activities';
import { mayBeAttached } from '../known';
import type { RemoteSession } from '../ports';

/** Longer than the commands' own limits (machine/kato.ts). */
const TIMEOUT_MS = 14_000;

/**
 * Throws KATO_NOT_READY, naming the processes or roles that are not up yet.
 * @param by `processes`: of this machine only, for one of a cluster. From 2.8 on, `status` is that of all nodes, and of some releases
 * hangs or crashes while one is down (bugs 102226, 103788)
 */
export async function assertKatoReady(
  session: RemoteSession,
  release: ReleaseName,
  by: 'status' | 'processes' = 'status',
): Promise<void> {
  const kato = katoOf(release);
  const status = await session.exec(withPath(kato[by]), { timeoutMs: TIMEOUT_MS });
  const states = parseKatoStatus(status.stdout);
  if (allRunning(states)) return;
  // `status` may list processes that are disabled, or use words of its own: `ready` decides.
  const ready = await session.exec(withPath(kato.ready), { timeoutMs: TIMEOUT_MS });
  if (parseKatoReady(ready.stdout) === true) return;
  const down = states.filter((state) => !allRunning([state])).map(({ name, state }) => `${name} ${state}`);
  throw new DeployError(
    'KATO_NOT_READY',
    down.length === 0
      ? `kato status does not list its ${by === 'status' ? RELEASES[release].statusLists.value : by} yet: ${saidBy(status)}.`
      : `Not up yet: ${down.slice(0, 8).join(', ')}.`,
  );
}

/** A node that is attached may have been without its core for too long: the step `attach`, which knows what to do about it, looks at it. */
export async function assertReadyUnlessAttached(session: RemoteSession, input: StepInput): Promise<void> {
  if (!mayBeAttached(input)) await assertKatoReady(session, input.spec.release);
}
