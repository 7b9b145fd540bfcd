import { checkNames, isRenamed, READ_NAMES } from '../machine/rename-check';
import type { NameCheck } from '../machine/rename-check';
import { katoOf } from '../machine/kato';
import { byCommand } from './machine/command';
import { readSections } from './machine/session';
import { onMachine } from './planning';
import { step } from './step';

/** Gives the appliance its name: host name, hosts file and certificate. */
export const rename = step({
  id: 'rename',
  plan: ({ kato, spec }) => [onMachine(kato.rename(spec.dns.name))],
  activities: {
    renameNode: byCommand<NameCheck>({
      step: 'rename',
      observe: async (session, { spec }) => checkNames(await readSections(session, READ_NAMES), spec.dns.name),
      done: (names, _ran, { spec }) => (isRenamed(names) ? { note: spec.dns.name, known: {} } : undefined),
      command: ({ spec }) => katoOf(spec.release).rename(spec.dns.name),
    }),
  },
});
