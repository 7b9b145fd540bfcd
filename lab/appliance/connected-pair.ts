/** Both ends of a connection between two machines of the lab. Nothing of it can be seen on the host. */

import { duplexPair } from 'node:stream';
import type { Duplex } from 'node:stream';

/** As a socket shows its peer. */
export type Incoming = Duplex & { readonly remoteAddress: string };

export function connectedPair(from: string): { readonly incoming: Incoming; readonly outgoing: Duplex } {
  const [incoming, outgoing] = duplexPair();
  // A pair does not tell one end that the other was destroyed.
  incoming.once('close', () => outgoing.destroy());
  outgoing.once('close', () => incoming.destroy());
  incoming.on('error', () => undefined);
  outgoing.on('error', () => undefined);
  return { incoming: Object.assign(incoming, { remoteAddress: from }), outgoing };
}

/** Passes on what either end says, until one of them closes. */
export function join(a: Duplex, b: Duplex): void {
  for (const [one, other] of [
    [a, b],
    [b, a],
  ] as const) {
    one.on('error', () => undefined);
    // What was said before a regular end is still on its way.
    one.once('close', () => void (one.readableEnded || other.destroy()));
    one.pipe(other);
  }
}
