/** The machine's network, and what to answer `kato op static_ip` so that it stays as it is. */

import { DeployError } from '../deployment/errors';
import type { NetworkSpec } from '../deployment/spec';
import type { PromptId } from './dialogue';
import { inSections } from './shell';
import type { Sections } from './shell';

/**
 * The interface of the default route: the appliance has a bridge for its containers too. A VPN covers the default route with two halves
 * (0.0.0.0 and 128.0.0.0, both with Genmask 128.0.0.0), which do not count. Of several the kernel takes the one with the least metric.
 */
const DEFAULT_INTERFACE = `$(route -n | awk '$1 == "0.0.0.0" && $3 == "0.0.0.0" && $4 ~ /^UG[^!]*$/ && (i == "" || $5 + 0 < m) { m = $5 + 0; i = $8 } END { print i }')`;

/** Of the interface of the default route. */
export const READ_IFCONFIG = `i=${DEFAULT_INTERFACE}; ifconfig "\${i:-eth0}"`;

export const READ_NETWORK = inSections({
  route: 'route -n',
  ifconfig: READ_IFCONFIG,
  resolver: 'cat /etc/resolv.conf',
  upstream: 'cat /var/run/dnsmasq/resolv.conf',
  interfaces: 'cat /etc/network/interfaces',
});

export interface InterfaceFacts {
  readonly name?: string;
  readonly address?: string;
  readonly netmask?: string;
}

/** Both formats of net-tools: `inet addr:10.0.0.1  Mask:255.255.255.0` (1.60), `inet 10.0.0.1  netmask 255.255.255.0` (2.x). */
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

/** The default route through a gateway (flags `UG…`; `!` is a reject route) with the least metric. */
export function parseRoute(text: string): { gateway: string; interface: string } | undefined {
  const rows = text.split('\n').flatMap((line) => {
    const [destination, gateway = '', genmask, flags = '', metric, , , name = ''] = line.trim().split(/\s+/);
    const isDefault = destination === '0.0.0.0' && genmask === '0.0.0.0' && /^UG[^!]*$/.test(flags);
    return isDefault ? [{ gateway, interface: name, metric: Number(metric) || 0 }] : [];
  });
  const [best] = rows.sort((a, b) => a.metric - b.metric);
  return best === undefined ? undefined : { gateway: best.gateway, interface: best.interface };
}

export interface ResolvConf {
  readonly nameservers: readonly string[];
  readonly search: readonly string[];
}

/** As glibc reads resolv.conf: the last of `search` and `domain` counts. */
export function parseResolvConf(text: string): ResolvConf {
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
  /** The words after each key; lines with the same key are joined. */
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

/** Values of the spec, else those the machine has now. Throws NETWORK_UNKNOWN if one is missing, NETWORK_CLASH inside the containers' network. */
export function staticNetworkOf(sections: Sections, spec: NetworkSpec): StaticNetwork {
  const card = parseIfconfig(sections['ifconfig'] ?? '');
  const route = parseRoute(sections['route'] ?? '');
  const resolver = upstreamResolver(sections, route?.interface ?? card.name ?? '');
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
  refuseContainerNetwork(network.address ?? '');
  return network as StaticNetwork;
}

/** Containers have 192.168.3.0/24 (known issues of the manual): applications on a machine in it cannot be reached. */
export function refuseContainerNetwork(address: string): void {
  if (address.startsWith('192.168.3.'))
    throw new DeployError('NETWORK_CLASH', `The machine has the address ${address}, inside 192.168.3.0/24.`);
}

/**
 * Name servers outside the machine. If resolv.conf only names the local dnsmasq, giving that would make dnsmasq its own upstream. The
 * interfaces file names them too if the machine is static already.
 */
function upstreamResolver(sections: Sections, name: string): ResolvConf {
  const [own, upstream] = [parseResolvConf(sections['resolver'] ?? ''), parseResolvConf(sections['upstream'] ?? '')];
  const stanza = parseInterfaces(sections['interfaces'] ?? '')[name]?.options['dns-nameservers'] ?? [];
  const outside = (servers: readonly string[]): string[] =>
    servers.filter((server) => IPV4.test(server) && !server.startsWith('127.'));
  const nameservers =
    [own.nameservers, upstream.nameservers, stanza].map(outside).find((servers) => servers.length > 0) ?? [];
  const search = [...own.search, ...upstream.search].filter((domain) => !/^containers\.?$/.test(domain));
  return { nameservers, search: [...new Set(search)] };
}

/** Lists are separated by spaces, though the manual says commas (bug 102837). */
export function staticIpAnswers(network: StaticNetwork): Partial<Record<PromptId, string>> {
  return {
    interface: network.interface,
    address: network.address,
    netmask: network.netmask,
    gateway: network.gateway,
    nameservers: network.nameservers.join(' '),
    search: network.search.join(' '),
    confirm: 'yes',
    // We reboot the machine ourselves, later, and it gets no second interface.
    decline: 'no',
    enter: '',
  };
}

/** What counts as done if we did not make it: a static configuration may have its own name servers and search domains, unless the spec names others. */
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

/** Whether the interfaces file has all these values. */
export function isStatic(interfaces: string, network: StaticNetwork): boolean {
  const stanza = parseInterfaces(interfaces)[network.interface];
  if (stanza?.method !== 'static') return false;
  const has = (key: string, words: readonly string[]): boolean =>
    (stanza.options[key] ?? []).join(' ') === words.join(' ');
  return (
    has('address', [network.address]) &&
    has('netmask', [network.netmask]) &&
    has('gateway', [network.gateway]) &&
    has('dns-nameservers', network.nameservers) &&
    has('dns-search', network.search)
  );
}
