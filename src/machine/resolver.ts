/**
 * Puts the appliance's own resolver first: `search containers.` and `nameserver 127.0.0.1` as the first two lines of resolv.conf.
 * Without them the console works and applications fail to stage. resolv.conf is made anew at boot, so they also go where it is made from.
 */

import type { NetworkSpec } from '../deployment/types';
import { observe } from './observe';
import type { Sections } from './observe';
import { quote } from './quote';

const LINES = ['search containers.', 'nameserver 127.0.0.1'] as const;

export const OBSERVE_RESOLVER = observe({
  live: 'cat /etc/resolv.conf',
  resolvconf: '[ -d /etc/resolvconf/resolv.conf.d ] && echo yes',
  head: 'cat /etc/resolvconf/resolv.conf.d/head',
  dhclient: 'cat /etc/dhcp/dhclient.conf',
});

export interface ResolverState {
  readonly live: boolean;
  /** Whether it will be so after the next boot. */
  readonly persistent: boolean;
}

export function resolverStateOf(sections: Sections, mode: NetworkSpec['mode']): ResolverState {
  const live = isFirst(sections['live'] ?? '');
  if (sections['resolvconf']?.trim() === 'yes') return { live, persistent: isFirst(sections['head'] ?? '') };
  return {
    live,
    persistent: mode === 'static' ? live : DHCLIENT.every(({ is }) => is.test(sections['dhclient'] ?? '')),
  };
}

function isFirst(text: string): boolean {
  const lines = text
    .split('\n')
    .map((line) => line.trim().replace(/\s+/g, ' '))
    .filter((line) => line !== '' && !/^[#;]/.test(line));
  return /^search containers\.( |$)/.test(lines[0] ?? '') && lines[1] === LINES[1];
}

/** For machines without resolvconf, where dhclient writes resolv.conf itself. */
const DHCLIENT = [
  { line: 'prepend domain-search "containers.";', is: /^\s*prepend domain-search "containers\.";/m },
  { line: 'prepend domain-name-servers 127.0.0.1;', is: /^\s*prepend domain-name-servers 127\.0\.0\.1;/m },
];

/** Lines that are there already move up. Written through the name, not moved over it: resolv.conf is a link where resolvconf is. */
const PUT_FIRST = `put() {
  rest=$(grep -vxF -e ${quote(LINES[0])} -e ${quote(LINES[1])} "$1" 2>/dev/null)
  printf '%s\\n' ${quote(LINES[0])} ${quote(LINES[1])} \${rest:+"$rest"} > "$1"
}`;

const ADD_TO_DHCLIENT = DHCLIENT.map(
  ({ line }) =>
    `grep -qxF ${quote(line)} /etc/dhcp/dhclient.conf || printf '%s\\n' ${quote(line)} >> /etc/dhcp/dhclient.conf`,
).join('\n  ');

const WITHOUT_RESOLVCONF: Readonly<Record<NetworkSpec['mode'], string>> = {
  // Nothing makes resolv.conf anew on such a machine.
  static: '',
  dhcp: `else\n  ${ADD_TO_DHCLIENT}\n`,
};

/** One command for a detached job, because sudo asks. May be run again. */
export function putResolverFirst(mode: NetworkSpec['mode']): string {
  const script = `${PUT_FIRST}
if [ -d /etc/resolvconf/resolv.conf.d ]; then
  put /etc/resolvconf/resolv.conf.d/head
${WITHOUT_RESOLVCONF[mode]}fi
put /etc/resolv.conf`;
  return `sudo sh -c ${quote(script)}`;
}
