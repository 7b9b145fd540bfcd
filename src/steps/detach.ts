/** Takes a node out of its cluster: its roles are stopped, then its entry is removed from the core's list. */

import type { StepInput, StepOutcome } from '../deployment/activities';
import { DeployError } from '../deployment/errors';
import { katoOf } from '../machine/kato';
import type { Kato } from '../machine/kato';
import { allStopped, isOfRole, parseKatoStatus } from '../machine/kato-output';
import type { ProcessState } from '../machine/kato-output';
import { withPath } from '../machine/shell';
import type { Attempt } from './attempt';
import { findOurs, isGone } from './cloud/instances';
import type { Dependencies } from './dependencies';
import { ensureByCommand } from './machine/command';
import type { MachineCommand } from './machine/command';
import { MDNS, readKatoInfo } from './machine/kato-info';
import { coreIpOf, removeEntry } from './machine/node-list';
import { withSession } from './machine/session';
import { contextOf, NOTHING } from './step';
import type { StepWork } from './step';

const DEA = 'dea';

/** Of a node that is gone, or was never attached, there is nothing to stop. */
export async function detachNode(...[deps, input, attempt]: Parameters<StepWork>): Promise<StepOutcome> {
  const { attached, hostKey } = input.known;
  if (attached === undefined) return NOTHING;
  const dead = await isDead(deps, input, attempt, attached.ip);
  const drained = dead || hostKey === undefined ? 'nothing to stop' : await drain(deps, input, attempt);
  const outcomes = [await removeEntry(deps, input, attempt, { ip: attached.ip, dead })];
  for (const ip of attached.stale ?? []) outcomes.push(await removeEntry(deps, input, attempt, { ip, dead: true }));
  return {
    changed: outcomes.some(({ changed }) => changed),
    note: `${outcomes.map(({ note }) => note).join(', ')} (${drained})`,
    known: {},
  };
}

/**
 * The entry may be that of an earlier instance, while its successor lives. A machine that is going down may still answer: then it looks as
 * if another one had its address.
 */
async function isDead(deps: Dependencies, input: StepInput, attempt: Attempt, ip: string): Promise<boolean> {
  const { instance } = input.known;
  const ours = await findOurs(await contextOf(deps, input, attempt));
  const machines = ours.filter(
    ({ id, privateIp }) => privateIp === ip || (id === instance?.id && instance.privateIp === ip),
  );
  if (machines.some((machine) => !isGone(machine))) return false;
  const dying = machines.find(({ state }) => state === 'shutting-down');
  if (dying === undefined) return true;
  throw new DeployError('NOT_YET', `The instance ${dying.id} is shutting down.`);
}

async function drain(deps: Dependencies, input: StepInput, attempt: Attempt): Promise<string> {
  const { assigned, mbusIp } = await withSession(deps, input, (session) => readKatoInfo(session, input));
  if (mbusIp !== coreIpOf(input)) return 'it was not attached';
  const roles = assigned.filter((role) => role !== 'base' && role !== MDNS);
  for (const stop of stopsOf(roles, katoOf(input.spec.release))) await ensureByCommand(deps, input, attempt, stop);
  return `stopped: ${roles.join(' ')}`;
}

/** Applications are moved to other DEAs first, where the release can. */
function stopsOf(roles: readonly string[], kato: Kato): readonly MachineCommand<readonly ProcessState[]>[] {
  const { retireDea } = kato;
  const retires = retireDea !== undefined && roles.includes(DEA);
  const others = retires ? roles.filter((role) => role !== DEA) : roles;
  return [
    ...(retires ? [stopping('attach-retire', [DEA], retireDea)] : []),
    ...(others.length === 0 ? [] : [stopping('attach-stop', others, kato.stopRoles(others))]),
  ];
}

function stopping(
  step: MachineCommand<unknown>['step'],
  roles: readonly string[],
  command: string,
): MachineCommand<readonly ProcessState[]> {
  return {
    step,
    observe: async (session, { spec }) =>
      parseKatoStatus((await session.exec(withPath(katoOf(spec.release).processes))).stdout),
    // What processes are called is not known of every role: then the command must at least have been run.
    done: (processes, ran) => {
      const own = processes.filter((process) => roles.some((role) => isOfRole(process, role)));
      return allStopped(own) && (ran || own.length > 0) ? { note: roles.join(' '), known: {} } : undefined;
    },
    command: () => command,
  };
}
