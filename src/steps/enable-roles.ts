import { RELEASES } from '../deployment/releases';
import type { ReleaseName } from '../deployment/releases';
import { katoOf } from '../machine/kato';
import type { KatoInfo } from '../machine/kato-output';
import { ensureByCommand } from './machine/command';
import type { MachineCommand } from './machine/command';
import { MDNS, readKatoInfo } from './machine/kato-info';
import { assertKatoReady } from './machine/kato-ready';
import { withSession } from './machine/session';
import { onMachine } from './planning';
import { step } from './step';

const ENABLE: MachineCommand<KatoInfo> = {
  step: 'enable-roles',
  observe: readKatoInfo,
  done: (info, _ran, { spec }) =>
    allEnabled(info, spec.release) ? { note: info.assigned.join(' '), known: {} } : undefined,
  command: ({ spec }) => katoOf(spec.release).enableAllBut(MDNS),
};

/** Enables every role but mDNS, and waits until their processes run. */
export const enableRoles = step({
  id: 'enable-roles',
  plan: ({ kato }) => [onMachine(kato.enableAllBut(MDNS))],
  activities: {
    enableRoles: async (deps, input, attempt) => {
      const outcome = await ensureByCommand(deps, input, attempt, ENABLE);
      await withSession(deps, input, (session) => assertKatoReady(session, input.spec.release));
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
