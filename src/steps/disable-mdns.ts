import { katoOf } from '../machine/kato';
import type { KatoInfo } from '../machine/kato-output';
import { byCommand } from './machine/command';
import { MDNS, readKatoInfo } from './machine/kato-info';
import { onMachine } from './planning';
import { step } from './step';

export const disableMdns = step({
  id: 'disable-mdns',
  plan: ({ kato }) => [onMachine(kato.disableRole(MDNS))],
  activities: {
    disableMdns: byCommand<KatoInfo>({
      step: 'disable-mdns',
      observe: readKatoInfo,
      done: ({ assigned }) => (assigned.includes(MDNS) ? undefined : { note: 'mdns is off', known: {} }),
      command: ({ spec }) => katoOf(spec.release).disableRole(MDNS),
    }),
  },
});
