/**
 * Puts the appliance's own resolver first: `search containers.` and `nameserver 127.0.0.1` as the first two lines of resolv.conf.
 * Without them the console works, but applications fail to stage. resolv.conf is generated at boot, so the lines are also put into the
 * file that it is generated from.
 */

import type { NetworkSpec } from '../deployment/spec';
import { inSections, shellQuote } from './shell';
import type { Sections } from './shell';

const LINES = ['search containers.', 'nameserver 127.0.0.1'] as const;

export const READ_RESOLVER = inSections({
  live: 'cat /etc/resolv.conf',
  resolvconf: '[ -d /etc/resolvconf/resolv.conf.d ] && echo yes',
  head: 'cat /etc/resolvconf/resolv.conf.d/head',
  dhclient: 'cat /etc/dhcp/dhclient.conf',
});

export interface ResolverState {
  readonly live: boolean;
  /** After the next boot too. */
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

/** On machines without resolvconf, dhclient writes resolv.conf itself. */
const DHCLIENT = [
  { line: 'prepend domain-search "containers.";', is: /^\s*prepend domain-search "containers\.";/m },
  { line: 'prepend domain-name-servers 127.0.0.1;', is: /^\s*prepend domain-name-servers 127\.0\.0\.1;/m },
];

/** Moves the lines up if they are there. Writes through the name instead of replacing the file: with resolvconf, resolv.conf is a symbolic link. */
const PUT_FIRST = `put() {
  rest=$(grep -vxF -e ${shellQuote(LINES[0])} -e ${shellQuote(LINES[1])} "$1" 2>/dev/null)
  printf '%s\\n' ${shellQuote(LINES[0])} ${shellQuote(LINES[1])} \${rest:+"$rest"} > "$1"
}`;

const ADD_TO_DHCLIENT = DHCLIENT.map(
  ({ line }) =>
    `grep -qxF ${shellQuote(line)} /etc/dhcp/dhclient.conf || printf '%s\\n' ${shellQuote(line)} >> /etc/dhcp/dhclient.conf`,
).join('\n  ');

const WITHOUT_RESOLVCONF: Readonly<Record<NetworkSpec['mode'], string>> = {
  // Nothing generates resolv.conf on such a machine.
  static: '',
  dhcp: `else\n  ${ADD_TO_DHCLIENT}\n`,
};

/** One command, to be run as a detached job because sudo asks for a password. Can be run again. */
export function putResolverFirst(mode: NetworkSpec['mode']): string {
  const script = `${PUT_FIRST}
if [ -d /etc/resolvconf/resolv.conf.d ]; then
  put /etc/resolvconf/resolv.conf.d/head
${WITHOUT_RESOLVCONF[mode]}fi
put /etc/resolv.conf`;
  return `sudo sh -c ${shellQuote(script)}`;
}
