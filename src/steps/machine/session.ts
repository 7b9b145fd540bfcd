/** A logged-in session on the deployment's machine. */

import { diskError, lastLines } from '../../machine/output';
import { parseSections } from '../../machine/shell';
import type { Sections } from '../../machine/shell';
import { DeployError } from '../../deployment/errors';
import type { Dependencies } from '../dependencies';
import { required } from '../known';
import type { SshSpec } from '../../deployment/spec';
import type { ExecResult, RemoteSession, SshTarget } from '../ports';
import type { StepInput } from '../../deployment/activities';

export async function withSession<T>(
  { remote }: Pick<Dependencies, 'remote'>,
  input: StepInput,
  use: (session: RemoteSession) => Promise<T>,
  more: Pick<SshTarget, 'orFactoryPassword'> = {},
): Promise<T> {
  return remote.withSession({ ...sshTargetOf(input), ...more }, use);
}

/** Runs a command made by `inSections`. */
export async function readSections(session: RemoteSession, command: string): Promise<Sections> {
  const result = await session.exec(command);
  const sections = parseSections(result.stdout);
  if (sections === undefined) throw notUnderstood('a status query', result);
  return sections;
}

/** For a command that ended with output of the wrong form: the message quotes the machine, whose words name the cause or lead to it. */
export function notUnderstood(what: string, result: ExecResult): DeployError {
  const { stderr } = result;
  const trouble = diskError(stderr);
  if (trouble !== undefined) return new DeployError('MACHINE_DISK', `The machine cannot write: ${trouble}`);
  return new DeployError('SSH_COMMAND', `The machine's answer to ${what} is not understood: ${saidBy(result)}.`);
}

/** The exit status of a command, and the last lines of its output. */
export function saidBy({ code, stdout, stderr }: ExecResult): string {
  const words = lastLines(stderr, MAX_QUOTED) || lastLines(stdout, MAX_QUOTED);
  return `it ended with ${code} and said ${words === '' ? 'nothing' : `"${words}"`}`;
}

const MAX_QUOTED = 500;

function sshTargetOf({ spec, known }: StepInput): SshTarget {
  return {
    host: required(known.address, 'address').publicIp,
    spec: spec.ssh,
    hostKeys: [givenHostKey(spec.ssh) ?? required(known.hostKey, 'host key')],
    // Only once it can be needed: it is a secret, to be offered to no machine but ours after the console was claimed.
    ...(spec.admin === undefined || known.claiming !== true ? {} : { adminPassword: spec.admin.password }),
  };
}

/** The host key in the spec, which takes precedence over a pinned one. */
export function givenHostKey({ hostKey }: SshSpec): string | undefined {
  return hostKey === 'console' ? undefined : hostKey;
}
