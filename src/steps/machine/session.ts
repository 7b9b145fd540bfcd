/** A logged-in session on a machine of the deployment. */

import { diskError, lastLines } from '../../machine/output';
import { parseSections } from '../../machine/shell';
import type { Sections } from '../../machine/shell';
import { parseBootId, READ_BOOT_ID } from '../../machine/system';
import { DeployError } from '../../deployment/errors';
import type { Dependencies } from '../dependencies';
import { required } from '../known';
import { CORE } from '../../deployment/facts';
import type { NodeFacts, NodeName, SiteFacts } from '../../deployment/facts';
import type { DeploymentSpec } from '../../deployment/spec';
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

/** A session on the core, in an activity of any node. */
export async function withCoreSession<T>(
  { remote }: Pick<Dependencies, 'remote'>,
  { spec, node, known, core }: StepInput,
  use: (session: RemoteSession) => Promise<T>,
): Promise<T> {
  return remote.withSession(coreTarget(spec, known, node === CORE ? known : required(core, 'core')), use);
}

/** Runs a command made by `inSections`. */
export async function readSections(session: RemoteSession, command: string): Promise<Sections> {
  const result = await session.exec(command);
  const sections = parseSections(result.stdout);
  if (sections === undefined) throw notUnderstood('a status query', result);
  return sections;
}

export async function bootIdOf(session: RemoteSession): Promise<string> {
  const result = await session.exec(READ_BOOT_ID);
  const id = parseBootId(result.stdout);
  if (id === undefined) throw notUnderstood('the query for its boot id', result);
  return id;
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

function sshTargetOf(input: StepInput): SshTarget {
  const { spec, node, known } = input;
  return node === CORE
    ? coreTarget(spec, known, known)
    : { ...routeTo(input), hostKeys: [required(known.hostKey, 'host key')] };
}

/** Where the machine of a step is, and through which other one it is reached. */
export function routeTo({ spec, node, known, core }: StepInput): Pick<SshTarget, 'host' | 'spec' | 'via'> {
  if (node === CORE) return { host: required(known.address, 'address').publicIp, spec: spec.ssh };
  const { privateIp, publicIp } = required(known.instance, 'instance');
  return spec.cluster?.reach === 'public'
    ? { host: required(publicIp, 'public address of the instance'), spec: spec.ssh }
    : {
        host: required(privateIp, 'private address of the instance'),
        spec: spec.ssh,
        via: coreTarget(spec, known, required(core, 'core')),
      };
}

function coreTarget(
  spec: DeploymentSpec,
  { address }: Pick<SiteFacts, 'address'>,
  { hostKey, claiming }: NodeFacts,
): Omit<SshTarget, 'via'> {
  return {
    host: required(address, 'address').publicIp,
    spec: spec.ssh,
    hostKeys: [givenHostKey(spec, CORE) ?? required(hostKey, 'host key')],
    // Only once it can be needed: it is a secret, to be offered to no machine but ours after the console was claimed. Nodes keep theirs.
    ...(spec.admin === undefined || claiming !== true ? {} : { adminPassword: spec.admin.password }),
  };
}

/** The host key in the spec, which takes precedence over a pinned one. A fingerprint there is the core's. */
export function givenHostKey({ ssh: { hostKey } }: DeploymentSpec, node: NodeName): string | undefined {
  return node !== CORE || hostKey === 'console' ? undefined : hostKey;
}
