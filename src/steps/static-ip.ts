import { katoOf } from '../machine/kato';
import type { Kato } from '../machine/kato';
import { adoptableNetwork, isStatic, READ_NETWORK, staticIpAnswers, staticNetworkOf } from '../machine/network';
import type { StaticNetwork } from '../machine/network';
import type { NetworkSpec } from '../deployment/spec';
import { byCommand } from './machine/command';
import { readSections } from './machine/session';
import { onMachine } from './planning';
import type { PlannedAction } from './planning';
import { step } from './step';

interface Seen {
  readonly interfaces: string;
  readonly wanted: StaticNetwork;
}

/** Writes the network configuration that the machine got by DHCP to the interfaces file. It takes effect at the next boot. */
export const staticIp = step({
  id: 'static-ip',
  plan: ({ kato, spec }) => [plannedCommand(kato, spec.network)],
  activities: {
    setStaticIp: byCommand<Seen>({
      step: 'static-ip',
      observe: async (session, { spec }) => {
        const sections = await readSections(session, READ_NETWORK);
        return { interfaces: sections['interfaces'] ?? '', wanted: staticNetworkOf(sections, spec.network) };
      },
      done: ({ interfaces, wanted }, ran, { spec }) => {
        // After our own command every value must be the one we typed; before it, any valid configuration of the machine's own address is adopted.
        const expected = ran ? wanted : adoptableNetwork(interfaces, wanted, spec.network);
        return isStatic(interfaces, expected)
          ? { note: networkText(expected), known: { network: networkText(expected) } }
          : undefined;
      },
      command: ({ spec }, { wanted }) => katoOf(spec.release).staticIp(wanted),
      answers: ({ wanted }) => staticIpAnswers(wanted),
    }),
  },
});

function networkText({ interface: name, address, netmask, gateway, nameservers }: StaticNetwork): string {
  return `${name} ${address} netmask ${netmask} gateway ${gateway} dns ${nameservers.join(' ')}`;
}

function plannedCommand(kato: Kato, { netmask, gateway, nameservers, search }: NetworkSpec): PlannedAction {
  const seen = '<as the machine has it>';
  const network: StaticNetwork = {
    interface: seen,
    address: seen,
    netmask: netmask ?? seen,
    gateway: gateway ?? seen,
    nameservers: nameservers ?? [seen],
    search: search ?? [seen],
  };
  if (!kato.staticIpAsks) return onMachine(kato.staticIp(network));
  const { interface: _, ...answers } = network;
  const words = Object.entries(answers).map(([key, value]) => `${key} ${[value].flat().join(' ')}`);
  return onMachine(kato.staticIp(network), `answers: ${words.join(', ')}`);
}
