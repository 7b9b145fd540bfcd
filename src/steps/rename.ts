import { checkNames, isRenamed, READ_NAMES } from '../machine/rename-check';
import type { NameCheck } from '../machine/rename-check';
import { katoOf } from '../machine/kato';
import { byCommand } from './machine/command';
import { readSections } from './machine/session';
import { hostOf } from '../deployment/cluster';
import { mayBeAttached } from './known';
import { onMachine } from './planning';
import { step } from './step';

/**
 * Gives the machine its name: host name, hosts file and certificate. A node that is attached is left alone: kato writes the names of the core
 * to its hosts file, and another rename would give the whole cluster another endpoint (A2 cluster/index.rst, multiple routers).
 */
export const rename = step({
  id: 'rename',
  plan: ({ kato, spec, node }) => [onMachine(kato.rename(hostOf(spec, node)))],
  activities: {
    renameNode: byCommand<NameCheck>({
      step: 'rename',
      observe: async (session, { spec, node }) =>
        checkNames(await readSections(session, READ_NAMES), hostOf(spec, node)),
      done: (names, _ran, input) =>
        isRenamed(names) || mayBeAttached(input) ? { note: hostOf(input.spec, input.node), known: {} } : undefined,
      command: ({ spec, node }) => katoOf(spec.release).rename(hostOf(spec, node)),
    }),
  },
});
