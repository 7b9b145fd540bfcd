import { katoOf } from '../machine/kato';
import { adoptableNetwork, isStatic, READ_NETWORK, staticIpAnswers, staticNetworkOf } from '../machine/network';
import type { StaticNetwork } from '../machine/network';
import type { NetworkSpec } from '../deployment/spec';
import { byCommand } from './machine/command';
import { readSections } from './machine/session';
import { onMachine } from './planning';
import { step } from './step';

interface Seen {
  readonly interfaces: string;
  readonly wanted: StaticNetwork;
}

/** Writes the network configuration that the machine got by DHCP to the interfaces file. It takes effect at the next boot. */
export const staticIp = step({
  id: 'static-ip',
  plan: ({ kato, spec }) => [onMachine(kato.staticIp, `answers: ${plannedAnswers(spec.network)}`)],
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
      command: ({ spec }) => katoOf(spec.release).staticIp,
      answers: ({ wanted }) => staticIpAnswers(wanted),
    }),
  },
});

function networkText({ interface: name, address, netmask, gateway, nameservers }: StaticNetwork): string {
  return `${name} ${address} netmask ${netmask} gateway ${gateway} dns ${nameservers.join(' ')}`;
}

function plannedAnswers({ netmask, gateway, nameservers, search }: NetworkSpec): string {
  const seen = '<as the machine has it>';
  const answers = {
    address: seen,
    netmask: netmask ?? seen,
    gateway: gateway ?? seen,
    nameservers: nameservers?.join(' ') ?? seen,
    search: search?.join(' ') ?? seen,
  };
  return Object.entries(answers)
    .map(([key, value]) => `${key} ${value}`)
    .join(', ');
}
