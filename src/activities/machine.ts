/** A logged-in session on the deployment's machine. */

import { sectionsOf } from '../commands/observe';
import type { Sections } from '../commands/observe';
import { DeployError } from '../spec/errors';
import type { Dependencies } from './dependencies';
import { required } from './instance';
import type { RemoteSession, SshTarget } from './ports';
import type { StepInput } from './types';

export async function onMachine<T>({ remote }: Pick<Dependencies, 'remote'>, input: StepInput, use: (session: RemoteSession) => Promise<T>): Promise<T> {
  return remote.withSession(targetOf(input), use);
}

/** Runs a command made by `observe`. */
export async function look(session: RemoteSession, command: string): Promise<Sections> {
  const sections = sectionsOf((await session.exec(command)).stdout);
  if (sections === undefined) throw new DeployError('SSH_DROPPED', 'The connection was lost while the machine was looked at.');
  return sections;
}

function targetOf({ spec, known }: StepInput): SshTarget {
  const hostKey = spec.ssh.hostKey ?? known.hostKey;
  return {
    host: required(known.address, 'address').publicIp,
    spec: spec.ssh,
    ...(hostKey === undefined ? {} : { hostKey }),
    ...(spec.admin === undefined ? {} : { adminPassword: spec.admin.password }),
  };
}
