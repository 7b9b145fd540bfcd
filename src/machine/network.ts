/** The machine's network as it is, and what to tell `kato op static_ip` so that it stays that way. */

import { DeployError } from '../deployment/errors';
import type { NetworkSpec } from '../deployment/types';
import type { PromptId } from './dialogue';
import { observe } from './observe';
import type { Sections } from './observe';

/**
 * The interface is that of the default route: the appliance has a bridge for its containers too. A VPN lays its own over it, in two halves
 * (0.0.0.0 and 128.0.0.0, both with Genmask 128.0.0.0): it is not the machine's. Of several the kernel takes the least metric.
 */
const DEFAULT_INTERFACE = `$(route -n | awk '$1 == "0.0.0.0" && $3 == "0.0.0.0" && $4 ~ /^UG[^!]*$/ && (i == "" || $5 + 0 < m) { m = $5 + 0; i = $8 } END { print i }')`;

export const IFCONFIG = `i=${DEFAULT_INTERFACE}; ifconfig "\${i:-eth0}"`;

export const OBSERVE_NETWORK = observe({
  route: 'route -n',
  ifconfig: IFCONFIG,
  resolver: 'cat /etc/resolv.conf',
  upstream: 'cat /var/run/dnsmasq/resolv.conf',
  interfaces: 'cat /etc/network/interfaces',
});

export interface InterfaceFacts {
  readonly name?: string;
  readonly address?: string;
  readonly netmask?: string;
}

/** Both shapes of net-tools: `inet addr:10.0.0.1  Mask:255.255.255.0` (1.60), `inet 10.0.0.1  netmask 255.255.255.0` (2.x). */
export function parseIfconfig(text: string): InterfaceFacts {
  const name = /^([\w.@-]+?):?\s/.exec(text)?.[1];
  const address = /\binet (?:addr:)?\s*(\d+\.\d+\.\d+\.\d+)/.exec(text)?.[1];
  const netmask = /\b(?:Mask:|netmask\s+)(\d+\.\d+\.\d+\.\d+)/.exec(text)?.[1];
  return {
    ...(name === undefined ? {} : { name }),
    ...(address === undefined ? {} : { address }),
    ...(netmask === undefined ? {} : { netmask }),
  };
}

/** The default route, through a gateway (flags `UG…`; `!` rejects), of the least metric. */
export function parseRoute(text: string): { gateway: string; interface: string } | undefined {
  const rows = text.split('\n').flatMap((line) => {
    const [destination, gateway = '', genmask, flags = '', metric, , , name = ''] = line.trim().split(/\s+/);
    const isDefault = destination === '0.0.0.0' && genmask === '0.0.0.0' && /^UG[^!]*$/.test(flags);
    return isDefault ? [{ gateway, interface: name, metric: Number(metric) || 0 }] : [];
  });
  const [best] = rows.sort((a, b) => a.metric - b.metric);
  return best === undefined ? undefined : { gateway: best.gateway, interface: best.interface };
}

export interface Resolver {
  readonly nameservers: readonly string[];
  readonly search: readonly string[];
}

/** As glibc reads it: the last of `search` and `domain` counts. */
export function parseResolver(text: string): Resolver {
  const rows = text.split('\n').map((line) =>
    line
      .replace(/[#;].*/, '')
      .trim()
      .split(/\s+/),
  );
  return {
    nameservers: rows.flatMap(([key, value]) => (key === 'nameserver' && value !== undefined ? [value] : [])),
    search: rows.findLast(([key]) => key === 'search' || key === 'domain')?.slice(1) ?? [],
  };
}

export interface Stanza {
  readonly method: string;
  /** Key to the words after it; lines of the same key are joined. */
  readonly options: Readonly<Record<string, readonly string[]>>;
}

/** The `iface … inet` stanzas of /etc/network/interfaces. */
export function parseInterfaces(text: string): Readonly<Record<string, Stanza>> {
  const stanzas: Record<string, { method: string; options: Record<string, string[]> }> = {};
  let current: Record<string, string[]> | undefined;
  for (const line of text.replace(/\\\n/g, ' ').split('\n')) {
    const [key = '', ...words] = line
      .replace(/^\s*#.*/, '')
      .trim()
      .split(/\s+/);
    const [name = '', family, method = ''] = words;
    if (/^(iface|auto|allow-.*|mapping|source.*|no-auto-down|no-scripts)$/.test(key)) current = undefined;
    if (key === 'iface' && family === 'inet') stanzas[name] = { method, options: (current = {}) };
    else if (current !== undefined && key !== '') (current[key] ??= []).push(...words);
  }
  return stanzas;
}

export interface StaticNetwork {
  readonly interface: string;
  readonly address: string;
  readonly netmask: string;
  readonly gateway: string;
  readonly nameservers: readonly string[];
  readonly search: readonly string[];
}

const IPV4 = /^\d+\.\d+\.\d+\.\d+$/;

/** What the spec says, else what the machine has. Throws NETWORK_UNKNOWN with what is missing, NETWORK_CLASH for the containers' own net. */
export function staticNetworkOf(sections: Sections, spec: NetworkSpec): StaticNetwork {
  const card = parseIfconfig(sections['ifconfig'] ?? '');
  const route = parseRoute(sections['route'] ?? '');
  const resolver = outsideResolver(sections, route?.interface ?? card.name ?? '');
  const network = {
    interface: route?.interface ?? card.name,
    address: card.address,
    netmask: spec.netmask ?? card.netmask,
    gateway: spec.gateway ?? route?.gateway,
    nameservers: spec.nameservers ?? (resolver.nameservers.length === 0 ? undefined : resolver.nameservers),
    search: spec.search ?? resolver.search,
  };
  const missing = Object.entries(network).flatMap(([key, value]) => (value === undefined ? [key] : []));
  if (missing.length > 0)
    throw new DeployError('NETWORK_UNKNOWN', `The machine does not tell its ${missing.join(', ')}.`);
  refuseClash(network.address ?? '');
  return network as StaticNetwork;
}

/** 192.168.3.0/24 is the containers' (a known issue in the manual): applications on such a machine cannot be reached. */
export function refuseClash(address: string): void {
  if (address.startsWith('192.168.3.'))
    throw new DeployError('NETWORK_CLASH', `The machine has the address ${address}, inside 192.168.3.0/24.`);
}

/**
 * Name servers outside the machine. Where resolv.conf only names the local dnsmasq, telling that would make it its own upstream;
 * where the machine is static already, its interfaces file knows them too.
 */
function outsideResolver(sections: Sections, name: string): Resolver {
  const [own, upstream] = [parseResolver(sections['resolver'] ?? ''), parseResolver(sections['upstream'] ?? '')];
  const stanza = parseInterfaces(sections['interfaces'] ?? '')[name]?.options['dns-nameservers'] ?? [];
  const outside = (servers: readonly string[]): string[] =>
    servers.filter((server) => IPV4.test(server) && !server.startsWith('127.'));
  const nameservers =
    [own.nameservers, upstream.nameservers, stanza].map(outside).find((servers) => servers.length > 0) ?? [];
  const search = [...own.search, ...upstream.search].filter((domain) => !/^containers\.?$/.test(domain));
  return { nameservers, search: [...new Set(search)] };
}

/** Lists go in with spaces, whatever the manual says of commas (bug 102837). */
export function staticIpAnswers(network: StaticNetwork): Partial<Record<PromptId, string>> {
  return {
    interface: network.interface,
    address: network.address,
    netmask: network.netmask,
    gateway: network.gateway,
    nameservers: network.nameservers.join(' '),
    search: network.search.join(' '),
    confirm: 'yes',
    // The machine is rebooted by us, at its time, and is to have no other network.
    decline: 'no',
    enter: '',
  };
}

/** What a static configuration made earlier may say: its own name servers and search domains, unless the spec insists on others. */
export function adoptableNetwork(interfaces: string, wanted: StaticNetwork, spec: NetworkSpec): StaticNetwork {
  const options = parseInterfaces(interfaces)[wanted.interface]?.options ?? {};
  const servers = options['dns-nameservers'] ?? [];
  const sound = servers.length > 0 && servers.every((server) => IPV4.test(server));
  return {
    ...wanted,
    nameservers: spec.nameservers ?? (sound ? servers : wanted.nameservers),
    search: spec.search ?? options['dns-search'] ?? [],
  };
}

/** Whether the file says all of it. */
export function isStatic(interfaces: string, network: StaticNetwork): boolean {
  const stanza = parseInterfaces(interfaces)[network.interface];
  if (stanza?.method !== 'static') return false;
  const says = (key: string, words: readonly string[]): boolean =>
    (stanza.options[key] ?? []).join(' ') === words.join(' ');
  return (
    says('address', [network.address]) &&
    says('netmask', [network.netmask]) &&
    says('gateway', [network.gateway]) &&
    says('dns-nameservers', network.nameservers) &&
    says('dns-search', network.search)
  );
}
