/** `kato op static_ip`: fixes, in the interfaces file, the network that the machine got by DHCP. It works from the next boot on. */

import { dialectOf } from '../machine/kato';
import { adoptableNetwork, isStatic, OBSERVE_NETWORK, staticIpAnswers, staticNetworkOf } from '../machine/network';
import type { StaticNetwork } from '../machine/network';
import { ensureByCommand } from './machine/command';
import type { Attempt } from './attempt';
import type { Dependencies } from './dependencies';
import { look } from './machine/session';
import type { StepInput, StepOutcome } from '../deployment/activities';

interface Seen {
  readonly interfaces: string;
  readonly wanted: StaticNetwork;
}

export async function setStaticIp(deps: Dependencies, input: StepInput, attempt: Attempt): Promise<StepOutcome> {
  const { network } = input.spec;
  return ensureByCommand<Seen>(deps, input, attempt, {
    step: 'static-ip',
    observe: async (session) => {
      const sections = await look(session, OBSERVE_NETWORK);
      return { interfaces: sections['interfaces'] ?? '', wanted: staticNetworkOf(sections, network) };
    },
    done: ({ interfaces, wanted }, ran) => {
      // After our own command every value must be the one we typed; before it, a sound configuration of the machine's own address will do.
      const expected = ran ? wanted : adoptableNetwork(interfaces, wanted, network);
      return isStatic(interfaces, expected)
        ? { note: networkText(expected), known: { network: networkText(expected) } }
        : undefined;
    },
    command: () => dialectOf(input.spec.release).staticIp,
    answers: ({ wanted }) => staticIpAnswers(wanted),
  });
}

function networkText({ interface: name, address, netmask, gateway, nameservers }: StaticNetwork): string {
  return `${name} ${address} netmask ${netmask} gateway ${gateway} dns ${nameservers.join(' ')}`;
}
