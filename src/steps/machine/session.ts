/** A logged-in session on the deployment's machine. */

import { diskTrouble } from '../../machine/machine';
import { sectionsOf } from '../../machine/observe';
import type { Sections } from '../../machine/observe';
import { lastLines } from '../../machine/terminal';
import { DeployError } from '../../deployment/errors';
import type { Dependencies } from '../dependencies';
import { givenHostKey } from './host-key';
import { required } from '../launch';
import type { ExecResult, RemoteSession, SshTarget } from '../ports';
import type { StepInput } from '../../deployment/activities';

export async function onMachine<T>(
  { remote }: Pick<Dependencies, 'remote'>,
  input: StepInput,
  use: (session: RemoteSession) => Promise<T>,
): Promise<T> {
  return remote.withSession(targetOf(input), use);
}

/** Runs a command made by `observe`. */
export async function look(session: RemoteSession, command: string): Promise<Sections> {
  const result = await session.exec(command);
  const sections = sectionsOf(result.stdout);
  if (sections === undefined) throw notUnderstood('a look at it', result);
  return sections;
}

/** A command came to its end and its answer is another than it should be: what the machine says is the cause, or leads to it. */
export function notUnderstood(what: string, result: ExecResult): DeployError {
  const { stderr } = result;
  const trouble = diskTrouble(stderr);
  if (trouble !== undefined) return new DeployError('MACHINE_DISK', `The machine cannot write: ${trouble}`);
  return new DeployError('SSH_COMMAND', `The machine's answer to ${what} is not understood: ${saidBy(result)}.`);
}

/** With which status a command ended, and what it said. */
export function saidBy({ code, stdout, stderr }: ExecResult): string {
  const words = lastLines(stderr, MOST_WORDS) || lastLines(stdout, MOST_WORDS);
  return `it ended with ${code} and said ${words === '' ? 'nothing' : `"${words}"`}`;
}

const MOST_WORDS = 500;

function targetOf({ spec, known }: StepInput): SshTarget {
  return {
    host: required(known.address, 'address').publicIp,
    spec: spec.ssh,
    hostKeys: [givenHostKey(spec.ssh) ?? required(known.hostKey, 'host key')],
    // Not before it can be of use: it is a secret of its own, and nobody but this machine, once claimed, is to be offered it.
    ...(spec.admin === undefined || known.claiming !== true ? {} : { adminPassword: spec.admin.password }),
  };
}
