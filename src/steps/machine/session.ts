/** A logged-in session on the deployment's machine. */

import { diskError, lastLines } from '../../machine/output';
import { parseSections } from '../../machine/shell';
import type { Sections } from '../../machine/shell';
import { DeployError } from '../../deployment/errors';
import type { Dependencies } from '../dependencies';
import { required } from '../known';
import type { SshSpec } from '../../deployment/types';
import type { ExecResult, RemoteSession, SshTarget } from '../ports';
import type { StepInput } from '../../deployment/activities';

export async function withSession<T>(
  { remote }: Pick<Dependencies, 'remote'>,
  input: StepInput,
  use: (session: RemoteSession) => Promise<T>,
): Promise<T> {
  return remote.withSession(sshTargetOf(input), use);
}

/** Runs a command made by `inSections`. */
export async function readSections(session: RemoteSession, command: string): Promise<Sections> {
  const result = await session.exec(command);
  const sections = parseSections(result.stdout);
  if (sections === undefined) throw notUnderstood('a look at it', result);
  return sections;
}

/** A command came to its end and its answer is another than it should be: what the machine says is the cause, or leads to it. */
export function notUnderstood(what: string, result: ExecResult): DeployError {
  const { stderr } = result;
  const trouble = diskError(stderr);
  if (trouble !== undefined) return new DeployError('MACHINE_DISK', `The machine cannot write: ${trouble}`);
  return new DeployError('SSH_COMMAND', `The machine's answer to ${what} is not understood: ${saidBy(result)}.`);
}

/** With which status a command ended, and what it said. */
export function saidBy({ code, stdout, stderr }: ExecResult): string {
  const words = lastLines(stderr, MOST_WORDS) || lastLines(stdout, MOST_WORDS);
  return `it ended with ${code} and said ${words === '' ? 'nothing' : `"${words}"`}`;
}

const MOST_WORDS = 500;

function sshTargetOf({ spec, known }: StepInput): SshTarget {
  return {
    host: required(known.address, 'address').publicIp,
    spec: spec.ssh,
    hostKeys: [givenHostKey(spec.ssh) ?? required(known.hostKey, 'host key')],
    // Not before it can be of use: it is a secret of its own, and nobody but this machine, once claimed, is to be offered it.
    ...(spec.admin === undefined || known.claiming !== true ? {} : { adminPassword: spec.admin.password }),
  };
}

/** As the spec has it, which outdoes what was pinned before. */
export function givenHostKey({ hostKey }: SshSpec): string | undefined {
  return hostKey === 'console' ? undefined : hostKey;
}
