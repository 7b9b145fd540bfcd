import { apiNameOf } from '../deployment/names';
import { katoOf } from '../machine/kato';
import type { KatoInfo } from '../machine/kato-output';
import { awaitKato } from './connect';
import { byCommand } from './machine/command';
import { readKatoInfo } from './machine/kato-info';
import { onMachine } from './planning';
import { step } from './step';

/** Turns the micro cloud that the appliance is at first into a core node. */
export const setupCore = step({
  id: 'setup-core',
  plan: ({ kato, spec }) => [onMachine(kato.setUpCore(apiNameOf(spec.dns.name)))],
  activities: {
    awaitKato,
    setUpCore: byCommand<KatoInfo>({
      step: 'setup-core',
      observe: readKatoInfo,
      done: (info, _ran, { spec }) => {
        const apiName = apiNameOf(spec.dns.name);
        return isCore(info, apiName)
          ? { note: `${apiName}, message bus at ${info.mbusIp ?? ''}`, known: {} }
          : undefined;
      },
      command: ({ spec }) => katoOf(spec.release).setUpCore(apiNameOf(spec.dns.name)),
    }),
  },
});

/** A micro-cloud's message bus is on 127.0.0.1. */
function isCore({ mbusIp, endpoint, microCloud }: KatoInfo, apiName: string): boolean {
  return (
    mbusIp !== undefined &&
    !mbusIp.startsWith('127.') &&
    microCloud !== true &&
    (endpoint === undefined || endpoint === apiName)
  );
}
