/** What kato runs on the node: mDNS dropped, the micro-cloud made a core, every role but mDNS back. Seen in `kato info`. */

import { direct, dialectOf } from '../../machine/kato';
import { parseInfo } from '../../machine/roles';
import type { KatoInfo } from '../../machine/roles';
import { DeployError } from '../../deployment/errors';
import { ensureByCommand } from './command';
import type { MachineCommand } from './command';
import type { Attempt } from '../attempt';
import type { Dependencies } from '../dependencies';
import { onMachine, saidBy } from './session';
import type { RemoteSession } from '../ports';
import { insistOnReady } from './kato-ready';
import type { StepInput, StepOutcome } from '../../deployment/activities';

const MDNS = 'mdns';

/** What `setup core` leaves, by release. A node with more than these has had roles added since. */
const CORE_ROLES: ReadonlySet<string> = new Set([
  'base',
  'primary',
  'controller',
  'cloud_controller',
  'health_manager',
  'router',
]);

export function disableMdns(deps: Dependencies, input: StepInput, attempt: Attempt): Promise<StepOutcome> {
  const kato = dialectOf(input.spec.release);
  return ensureByCommand(deps, input, attempt, {
    ...infoOf(input),
    step: 'disable-mdns',
    done: ({ assigned }) => (assigned.includes(MDNS) ? undefined : { note: 'mdns is off', known: {} }),
    command: () => kato.disableRole(MDNS),
  });
}

export function setUpCore(deps: Dependencies, input: StepInput, attempt: Attempt): Promise<StepOutcome> {
  const kato = dialectOf(input.spec.release);
  const endpoint = `api.${input.spec.dns.name}`;
  return ensureByCommand(deps, input, attempt, {
    ...infoOf(input),
    step: 'setup-core',
    done: (info) =>
      isCore(info, endpoint) ? { note: `${endpoint}, message bus at ${info.mbusIp ?? ''}`, known: {} } : undefined,
    command: () => kato.setUpCore(endpoint),
  });
}

export async function enableRoles(deps: Dependencies, input: StepInput, attempt: Attempt): Promise<StepOutcome> {
  const kato = dialectOf(input.spec.release);
  const outcome = await ensureByCommand(deps, input, attempt, {
    ...infoOf(input),
    step: 'enable-roles',
    done: (info) => (allEnabled(info) ? { note: info.assigned.join(' '), known: {} } : undefined),
    command: () => kato.enableAllBut(MDNS),
  });
  await onMachine(deps, input, (session) => insistOnReady(session, kato));
  return outcome;
}

function infoOf({ spec }: StepInput): Pick<MachineCommand<KatoInfo>, 'observe'> {
  return { observe: (session) => askInfo(session, direct(dialectOf(spec.release).info)) };
}

async function askInfo(session: RemoteSession, command: string): Promise<KatoInfo> {
  const result = await session.exec(command);
  const info = parseInfo(result.stdout);
  if (info === undefined)
    throw new DeployError('KATO_NOT_READY', `kato info names neither roles nor a message bus: ${saidBy(result)}.`);
  return info;
}

/** A micro-cloud's message bus is on 127.0.0.1. */
function isCore({ mbusIp, endpoint, microCloud }: KatoInfo, wanted: string): boolean {
  return (
    mbusIp !== undefined &&
    !mbusIp.startsWith('127.') &&
    microCloud !== true &&
    (endpoint === undefined || endpoint === wanted)
  );
}

/** Where kato does not tell which roles there are, more than the core's will do. */
function allEnabled({ assigned, available }: KatoInfo): boolean {
  if (assigned.includes(MDNS)) return false;
  if (available.length === 0) return assigned.some((role) => !CORE_ROLES.has(role));
  return available.every((role) => role === MDNS || assigned.includes(role));
}
