import { RELEASES } from '../deployment/releases';
import type { ReleaseName } from '../deployment/releases';
import type { DeploymentSpec } from '../deployment/spec';
import { katoOf } from '../machine/kato';
import type { Kato } from '../machine/kato';
import type { KatoInfo } from '../machine/kato-output';
import { ensureByCommand } from './machine/command';
import type { MachineCommand } from './machine/command';
import { MDNS, readKatoInfo } from './machine/kato-info';
import { assertKatoReady } from './machine/kato-ready';
import { withSession } from './machine/session';
import { onMachine } from './planning';
import { step } from './step';

const ENABLE_ALL: MachineCommand<KatoInfo> = {
  step: 'enable-roles',
  observe: readKatoInfo,
  done: (info, _ran, { spec }) =>
    allEnabled(info, spec.release) ? { note: info.assigned.join(' '), known: {} } : undefined,
  command: ({ spec }) => katoOf(spec.release).enableAllBut(MDNS),
};

/** Others are left alone: what they run would stop before any node has them, and data would stay behind. The client refuses such a spec. */
const ENABLE_WANTED: MachineCommand<KatoInfo> = {
  step: 'enable-roles',
  observe: readKatoInfo,
  done: (info, _ran, { spec }) =>
    missing(info, spec).length === 0 ? { note: info.assigned.join(' '), known: {} } : undefined,
  command: ({ spec }, info) => katoOf(spec.release).enableRoles(missing(info, spec)),
};

function missing({ assigned }: KatoInfo, { release, cluster }: DeploymentSpec): readonly string[] {
  const wanted = new Set([...RELEASES[release].coreNeeds.value, ...(cluster?.coreRoles ?? [])]);
  return [...wanted].filter((role) => !assigned.includes(role));
}

/** Enables every role but mDNS, or those of the core of a cluster, and waits until their processes run. */
export const enableRoles = step({
  id: 'enable-roles',
  plan: ({ kato, spec }) => plannedCommands(kato, spec).map((command) => onMachine(command)),
  activities: {
    enableRoles: async (deps, input, attempt) => {
      const { cluster, release } = input.spec;
      const outcome = await ensureByCommand(deps, input, attempt, cluster === undefined ? ENABLE_ALL : ENABLE_WANTED);
      await withSession(deps, input, (session) =>
        assertKatoReady(session, release, cluster === undefined ? 'status' : 'processes'),
      );
      return outcome;
    },
  },
});

/** Where kato does not list the available roles, any role beyond those of a core is enough. */
function allEnabled({ assigned, available }: KatoInfo, release: ReleaseName): boolean {
  if (assigned.includes(MDNS)) return false;
  if (available.length === 0) return assigned.some((role) => !RELEASES[release].coreRoles.value.includes(role));
  return available.every((role) => role === MDNS || assigned.includes(role));
}

/** `kato setup core` has given the roles that a core needs. */
function plannedCommands(kato: Kato, { release, cluster }: DeploymentSpec): readonly string[] {
  if (cluster === undefined) return [kato.enableAllBut(MDNS)];
  const roles = cluster.coreRoles.filter((role) => !RELEASES[release].coreNeeds.value.includes(role));
  return roles.length === 0 ? [] : [kato.enableRoles(roles)];
}
