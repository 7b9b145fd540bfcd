/** What a port speaks, asked of the port itself: a client that speaks TLS to a server without it, or the other way round, only hears that nobody answers. */

import { once } from 'node:events';
import { isIP } from 'node:net';
import { connect } from 'node:tls';
import type { ConnectionOptions } from 'node:tls';

export interface Heard {
  /** `nothing`: nobody answers, or in no way that tells. */
  readonly speaks: 'tls' | 'plain' | 'nothing';
  /** Why its certificate is not trusted: OpenSSL's name for it. */
  readonly distrust?: string;
}

const LIMIT = 2_000;

/** What OpenSSL says of bytes that are no TLS: the beginning of an answer in HTTP, or of any other protocol in which the server speaks first. */
export const NO_TLS =
  /wrong version number|packet length too long|http request|record layer failure|unsupported protocol version|invalid content type/i;

/** @param trust whom to believe, and under which name */
export async function hear(
  host: string,
  port: number,
  trust: Pick<ConnectionOptions, 'ca' | 'servername' | 'cert' | 'key'> = {},
): Promise<Heard> {
  // Node would send an address as a name, which no server knows.
  const servername = isIP(host) === 0 ? host : '';
  const socket = connect({
    host,
    port,
    ALPNProtocols: ['h2', 'http/1.1'],
    servername,
    ...trust,
    rejectUnauthorized: false,
  });
  try {
    await once(socket, 'secureConnect', { signal: AbortSignal.timeout(LIMIT) });
    // An Error in the types, and its code in truth.
    const why: unknown = socket.authorizationError;
    return {
      speaks: 'tls',
      ...(socket.authorized ? {} : { distrust: why instanceof Error ? why.message : String(why) }),
    };
  } catch (error) {
    const words = error instanceof Error ? error.message : '';
    if (/\balert\b/i.test(words)) return { speaks: 'tls' };
    return { speaks: NO_TLS.test(words) ? 'plain' : 'nothing' };
  } finally {
    socket.on('error', () => undefined);
    socket.destroy();
  }
}
