/** Whether another machine answers on a port, as seen from this one. */

import { inSections, shellQuote } from './shell';
import type { Sections } from './shell';

/** Less than the 15 s that an exec may take, for two ports. */
const SECONDS = 4;

export type Reach = 'open' | 'closed' | 'unknown';

/** Netcat is in every Ubuntu server; where it is missing, nothing is known. */
export function tryPorts(ip: string, ports: Readonly<Record<string, number>>): string {
  const tries = Object.entries(ports).map(([name, port]) => [
    name,
    `command -v nc >/dev/null && { nc -z -w ${SECONDS} ${shellQuote(ip)} ${port} </dev/null && echo open || echo closed; }`,
  ]);
  return inSections(Object.fromEntries(tries) as Record<string, string>);
}

export function reachOf(sections: Sections, port: string): Reach {
  const said = sections[port]?.trim();
  return said === 'open' || said === 'closed' ? said : 'unknown';
}
