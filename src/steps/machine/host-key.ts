/** The machine's host key: pinned, and stored, before anything is sent to the machine. */

import { printedHostKeys } from '../../machine/host-keys';
import { DeployError } from '../../deployment/errors';
import type { SshSpec } from '../../deployment/types';
import type { Dependencies } from '../dependencies';
import { required } from '../launch';
import type { StepInput, StepOutcome } from '../../deployment/activities';

/** An activity of its own: were it the first login, a worker that dies under it would leave a password sent to whoever answered. */
export async function pinHostKey(
  deps: Pick<Dependencies, 'remote' | 'clouds'>,
  input: StepInput,
): Promise<StepOutcome> {
  const { publicIp: host } = required(input.known.address, 'address');
  const hostKeys = await acceptedKeys(deps, input);
  const hostKey = await deps.remote.hostKey({
    host,
    spec: input.spec.ssh,
    ...(hostKeys === undefined ? {} : { hostKeys }),
  });
  return { changed: false, note: `host key ${hostKey}`, known: { hostKey } };
}

/** As the spec has it, which outdoes what was pinned before. */
export function givenHostKey({ hostKey }: SshSpec): string | undefined {
  return hostKey === 'console' ? undefined : hostKey;
}

/** Those that may be shown; undefined where the first sight decides. */
async function acceptedKeys(
  { clouds }: Pick<Dependencies, 'clouds'>,
  { spec, known }: StepInput,
): Promise<readonly string[] | undefined> {
  const pinned = givenHostKey(spec.ssh) ?? known.hostKey;
  if (pinned !== undefined) return [pinned];
  if (spec.ssh.hostKey === undefined) return undefined;
  const id = required(known.instance?.id, 'instance');
  const printed = printedHostKeys(await (await clouds.open(spec.cloud)).consoleOutput(id));
  if (printed.length === 0)
    throw new DeployError(
      'SSH_HOST_KEY_UNPRINTED',
      `The console output of ${id} holds no host key that could be pinned.`,
    );
  return printed;
}
