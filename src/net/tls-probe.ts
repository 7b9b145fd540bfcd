/** Finds out whether a port speaks TLS. A client that speaks TLS to a server without it, or the other way round, only learns that nobody answers. */

import { once } from 'node:events';
import { isIP } from 'node:net';
import { connect } from 'node:tls';
import type { ConnectionOptions } from 'node:tls';

export interface TlsProbe {
  /** `nothing`: nobody answers, or the answer does not tell. */
  readonly speaks: 'tls' | 'plain' | 'nothing';
  /** Why its certificate is not trusted: OpenSSL's name for it. */
  readonly distrust?: string;
}

const LIMIT = 2_000;

/** What OpenSSL says of bytes that are not TLS: the beginning of an HTTP answer, or of any other protocol in which the server speaks first. */
export const NOT_TLS =
  /wrong version number|packet length too long|http request|record layer failure|unsupported protocol version|invalid content type/i;

/** @param trust which authority to trust, and under which name */
export async function probeTls(
  host: string,
  port: number,
  trust: Pick<ConnectionOptions, 'ca' | 'servername' | 'cert' | 'key'> = {},
): Promise<TlsProbe> {
  // Node would send an IP address as a server name, which no server knows.
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
    // Typed as an Error, but it is the error's code.
    const why: unknown = socket.authorizationError;
    return {
      speaks: 'tls',
      ...(socket.authorized ? {} : { distrust: why instanceof Error ? why.message : String(why) }),
    };
  } catch (error) {
    const message = error instanceof Error ? error.message : '';
    if (/\balert\b/i.test(message)) return { speaks: 'tls' };
    return { speaks: NOT_TLS.test(message) ? 'plain' : 'nothing' };
  } finally {
    socket.on('error', () => undefined);
    socket.destroy();
  }
}
