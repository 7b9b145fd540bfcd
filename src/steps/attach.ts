import type { StepInput, StepOutcome } from '../deployment/activities';
import { groupOf } from '../deployment/cluster';
import { DeployError } from '../deployment/errors';
import type { NodeFacts } from '../deployment/facts';
import { RELEASES } from '../deployment/releases';
import { katoOf } from '../machine/kato';
import { parseKatoReady, parseKatoStatus, parseKatoVersion } from '../machine/kato-output';
import type { KatoInfo } from '../machine/kato-output';
import { reachOf, tryPorts } from '../machine/reach';
import { withPath } from '../machine/shell';
import { detachNode } from './detach';
import { required } from './known';
import { ensureByCommand } from './machine/command';
import type { MachineCommand } from './machine/command';
import { readKatoInfo } from './machine/kato-info';
import { assertKatoReady } from './machine/kato-ready';
import { coreIpOf, findInList, notListed, removeEntry } from './machine/node-list';
import { bootIdOf, readSections, withCoreSession, withSession } from './machine/session';
import { onMachine } from './planning';
import type { RemoteSession } from './ports';
import { NOTHING, step } from './step';
import type { StepWork } from './step';

/** NATS, the message bus (A2 common/ports.inc). */
const MESSAGE_BUS_PORT = 4222;

/** Makes the machine a node of the core's cluster. */
export const attach = step({
  id: 'attach',
  plan: ({ spec, node, kato }) => [
    onMachine(
      kato.attach(groupOf(spec, node)?.roles ?? [], '<private address of the core>'),
      'once the node reaches the core, and both have the same version',
    ),
    onMachine(kato.nodeList, 'on the core, until the node is in it'),
    onMachine(kato.processes, `until they run; ${kato.start}, once, for those that are FATAL`),
  ],
  activities: { announceAttach, removeStale, attachNode, awaitAttached },
  undo: detachNode,
});

/** The addresses of earlier instances are kept until the core's list is seen without them. */
function announceAttach(...[, { known }]: Parameters<StepWork>): Promise<StepOutcome> {
  const ip = required(known.instance?.privateIp, 'private address of the instance');
  const before = known.attached;
  const old = before === undefined ? [] : [...(before.stale ?? []), before.ip];
  return Promise.resolve({ changed: false, note: ip, known: { attached: attachedAt(ip, old) } });
}

function attachedAt(ip: string, old: readonly string[]): NonNullable<NodeFacts['attached']> {
  const stale = [...new Set(old)].filter((each) => each !== ip);
  return { ip, ...(stale.length === 0 ? {} : { stale }) };
}

async function removeStale(...[deps, input, attempt]: Parameters<StepWork>): Promise<StepOutcome> {
  const { ip, stale = [] } = required(input.known.attached, 'address of the node');
  if (stale.length === 0) return NOTHING;
  const outcomes: StepOutcome[] = [];
  for (const old of stale) outcomes.push(await removeEntry(deps, input, attempt, { ip: old, dead: true }));
  return {
    changed: outcomes.some(({ changed }) => changed),
    note: outcomes.map(({ note }) => note).join(', '),
    known: { attached: { ip } },
  };
}

const ATTACH: MachineCommand<KatoInfo> = {
  step: 'attach',
  observe: readKatoInfo,
  done: (info, _ran, input) =>
    info.mbusIp === coreIpOf(input) && missing(info.assigned, input).length === 0
      ? { note: `${info.assigned.join(' ')}, core at ${info.mbusIp}`, known: {} }
      : undefined,
  command: (input) => katoOf(input.spec.release).attach(rolesOf(input), coreIpOf(input)),
  prepare: async (deps, input, { mbusIp }) => {
    refuseOtherCore(mbusIp, coreIpOf(input));
    const { release } = input.spec;
    const ofCore = await withCoreSession(deps, input, async (session) => {
      await assertKatoReady(session, release, 'processes');
      return versionOf(session, input);
    });
    await withSession(deps, input, async (session) => {
      await assertKatoReady(session, release, 'processes');
      refuseOtherVersion(await versionOf(session, input), ofCore);
      await assertCoreInReach(session, input);
    });
  },
};

/**
 * The core may reboot while a node attaches, and then nothing comes of it: the need is that of one boot of the core, so that it is attached
 * once more after a reboot, and only then.
 */
async function attachNode(...[deps, input, attempt]: Parameters<StepWork>): Promise<StepOutcome> {
  const boot = await withCoreSession(deps, input, bootIdOf);
  try {
    return await ensureByCommand(deps, { ...input, need: `${input.need}-core-${boot.slice(0, 8)}` }, attempt, ATTACH);
  } catch (error) {
    // Throws what is retried, if the core is going down, or was meanwhile.
    if (error instanceof DeployError && error.code === 'COMMAND_NO_EFFECT')
      await withCoreSession(deps, input, async (session) => {
        await assertKatoReady(session, input.spec.release, 'processes');
        if ((await bootIdOf(session)) !== boot)
          throw new DeployError('NOT_YET', 'The core has rebooted while the node attached.');
      });
    throw error;
  }
}

async function awaitAttached(...[deps, input, attempt]: Parameters<StepWork>): Promise<StepOutcome> {
  const { ip } = required(input.known.attached, 'address of the node');
  await withCoreSession(deps, input, async (session) => {
    const listed = await findInList(session, input, ip);
    if (listed.entry === undefined) throw notListed(`The core does not list ${ip}`, listed);
    const tellsRoles = RELEASES[input.spec.release].nodeListText.value === 'addresses and roles';
    const absent = tellsRoles ? missing(listed.entry.split(/[^\w-]+/), input) : [];
    if (absent.length > 0) throw notListed(`The core lists ${ip} without ${absent.join(', ')}`, listed);
  });
  await ensureByCommand(deps, input, attempt, START);
  await withSession(deps, input, (session) => assertKatoReady(session, input.spec.release, 'processes'));
  return { changed: false, note: `${ip}: ${rolesOf(input).join(' ')}`, known: {} };
}

/** Processes that were without the core for more than 90 s stay FATAL, and do not connect to it by themselves (A2 reference/known-issues.rst). */
const START: MachineCommand<'fatal' | 'not fatal'> = {
  step: 'attach-start',
  observe: async (session, { spec }) => {
    const kato = katoOf(spec.release);
    const processes = parseKatoStatus((await session.exec(withPath(kato.processes))).stdout);
    if (!processes.some(({ state }) => state === 'FATAL')) return 'not fatal';
    // One of a role that is off does not matter.
    return parseKatoReady((await session.exec(withPath(kato.ready))).stdout) === true ? 'not fatal' : 'fatal';
  },
  done: (state) => (state === 'fatal' ? undefined : { note: '', known: {} }),
  command: ({ spec }) => katoOf(spec.release).start,
};

function rolesOf({ spec, node }: Pick<StepInput, 'spec' | 'node'>): readonly string[] {
  return required(groupOf(spec, node), 'group of the node').roles;
}

/** The roles of the node that are not among the names. */
function missing(names: readonly string[], input: StepInput): readonly string[] {
  return rolesOf(input).filter((role) => !names.includes(role));
}

/** The message bus of a machine that is not attached yet is its own. */
function refuseOtherCore(mbusIp: string | undefined, coreIp: string): void {
  if (mbusIp === undefined || mbusIp.startsWith('127.') || mbusIp === coreIp) return;
  throw new DeployError(
    'NODE_OF_OTHER_CORE',
    `The node is attached to a core at ${mbusIp}, and that of this deployment is at ${coreIp}.`,
  );
}

async function versionOf(session: RemoteSession, { spec }: StepInput): Promise<string | undefined> {
  const { stdout } = await session.exec(withPath(katoOf(spec.release).version));
  return parseKatoVersion(stdout, spec.release);
}

/** From 3.0 on `attach` looks at it by itself (bug 98390); before, such a node is attached and does not work. */
function refuseOtherVersion(own: string | undefined, ofCore: string | undefined): void {
  if (own === undefined || ofCore === undefined || own === ofCore) return;
  throw new DeployError('NODE_VERSION', `The node has Stackato ${own}, and the core ${ofCore}.`);
}

/** `attach` crashes without it (bug 102297). A core that has just booted opens the ports one after the other. */
async function assertCoreInReach(session: RemoteSession, input: StepInput): Promise<void> {
  const ip = coreIpOf(input);
  const ports = { ssh: input.spec.ssh.port, bus: MESSAGE_BUS_PORT };
  const sections = await readSections(session, tryPorts(ip, ports));
  if (reachOf(sections, 'ssh') !== 'closed' || reachOf(sections, 'bus') !== 'closed') return;
  throw new DeployError(
    'CORE_UNREACHABLE',
    `The node does not reach the core at ${ip}: neither ssh (port ${ports.ssh}) nor the message bus (port ${ports.bus}) answers.`,
  );
}
