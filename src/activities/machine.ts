/** A logged-in session on the deployment's machine. */

import { printedHostKeys } from '../commands/host-keys';
import { sectionsOf } from '../commands/observe';
import type { Sections } from '../commands/observe';
import { DeployError } from '../spec/errors';
import type { Dependencies } from './dependencies';
import { required } from './instance';
import type { RemoteSession, SshTarget } from './ports';
import type { StepInput } from './types';

export async function onMachine<T>(deps: Pick<Dependencies, 'remote' | 'clouds'>, input: StepInput, use: (session: RemoteSession) => Promise<T>): Promise<T> {
  return deps.remote.withSession(targetOf(input, await hostKeysOf(deps, input)), use);
}

/** Runs a command made by `observe`. */
export async function look(session: RemoteSession, command: string): Promise<Sections> {
  const sections = sectionsOf((await session.exec(command)).stdout);
  if (sections === undefined) throw new DeployError('SSH_DROPPED', 'The connection was lost while the machine was looked at.');
  return sections;
}

function targetOf({ spec, known }: StepInput, hostKeys: readonly string[] | undefined): SshTarget {
  return {
    host: required(known.address, 'address').publicIp,
    spec: spec.ssh,
    ...(hostKeys === undefined ? {} : { hostKeys }),
    ...(spec.admin === undefined ? {} : { adminPassword: spec.admin.password }),
  };
}

/** Those that may be shown; undefined where the first sight decides. */
async function hostKeysOf({ clouds }: Pick<Dependencies, 'clouds'>, { spec, known }: StepInput): Promise<readonly string[] | undefined> {
  const given = spec.ssh.hostKey === 'console' ? undefined : spec.ssh.hostKey;
  const pinned = given ?? known.hostKey;
  if (pinned !== undefined) return [pinned];
  if (spec.ssh.hostKey === undefined) return undefined;
  const id = required(known.instance?.id, 'instance');
  const printed = printedHostKeys(await (await clouds.open(spec.cloud)).consoleOutput(id));
  if (printed.length === 0) throw new DeployError('SSH_HOST_KEY_UNPRINTED', `The console output of ${id} holds no host key that could be pinned.`);
  return printed;
}
