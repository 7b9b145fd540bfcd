/** HTTP(S) requests to the appliance's console: directly, at a given address, or through a stream that leads to the machine. */

import { request as httpRequest } from 'node:http';
import type { ClientRequest, IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { isIP } from 'node:net';
import type { Duplex } from 'node:stream';
import { connect as tlsConnect } from 'node:tls';
import type { Http, HttpAnswer, LocalHttpsRequest } from '../steps/ports';
import { DeployError } from '../deployment/errors';
import { LimitedBuffer } from './limited-buffer';
import { codeOf, reasonOf } from './node-errors';

const TIMEOUT_MS = 10_000;
const BODY_LIMIT = 64 * 1024;

/** The console is nginx of 2012 with a self-signed certificate: TLS 1.0, SHA-1 and 1024-bit keys must be accepted. */
const OLD_TLS = { rejectUnauthorized: false, minVersion: 'TLSv1', ciphers: 'DEFAULT@SECLEVEL=0' } as const;

export function createHttp(): Http {
  return { get };
}

/** Connects to `ip`, whatever this machine's resolver knows of the name yet. Redirects are not followed. */
async function get(url: string, ip: string): Promise<HttpAnswer> {
  const signal = AbortSignal.timeout(TIMEOUT_MS);
  const { protocol, hostname, port, pathname, search, host } = new URL(url);
  const options = { host: ip, port, path: pathname + search, headers: { Host: host }, agent: false, signal } as const;
  // SNI takes names only, no addresses.
  const tls = { ...OLD_TLS, servername: isIP(hostname) === 0 ? hostname : '' };
  try {
    return await answerTo(protocol === 'https:' ? httpsRequest({ ...options, ...tls }) : httpRequest(options));
  } catch (error) {
    const reason = signal.aborted ? `it took more than ${TIMEOUT_MS / 1000} s` : reasonOf(error);
    throw new DeployError('CONSOLE_NOT_UP', `${url} does not answer at ${ip}: ${reason}.`);
  }
}

export async function requestThrough(
  stream: Duplex,
  { host, method, path, form, json }: LocalHttpsRequest,
): Promise<HttpAnswer> {
  const body = json === undefined ? new URLSearchParams(form).toString() : JSON.stringify(json);
  const type = json === undefined ? 'application/x-www-form-urlencoded' : 'application/json';
  const headers = {
    Host: host,
    Connection: 'close',
    ...(body === '' ? {} : { 'Content-Type': type, 'Content-Length': Buffer.byteLength(body) }),
  };
  const socket = tlsConnect({ socket: stream, servername: host, ...OLD_TLS });
  try {
    return await Promise.race([
      answerTo(httpsRequest({ createConnection: () => socket, method, path, headers }), body),
      new Promise<never>((_resolve, reject) => socket.on('error', reject)),
    ]);
  } catch (error) {
    // Neither the body nor the error's message is repeated: both may hold what was sent.
    throw new DeployError(
      'CONSOLE_NOT_UP',
      `The machine's own console ends the request for ${path}: ${codeOf(error) ?? 'no TLS'}.`,
    );
  }
}

function answerTo(request: ClientRequest, body = ''): Promise<HttpAnswer> {
  return new Promise((resolve, reject) => {
    request.on('response', (answer) => void readAnswer(answer).then(resolve, reject));
    request.on('error', reject);
    request.end(body);
  });
}

async function readAnswer(answer: IncomingMessage): Promise<HttpAnswer> {
  const body = new LimitedBuffer(BODY_LIMIT);
  const chunks: AsyncIterable<Buffer> = answer;
  for await (const chunk of chunks) body.add(chunk);
  return {
    status: answer.statusCode ?? 0,
    headers: Object.fromEntries(
      Object.entries(answer.headers).map(([name, value]): [string, string] => [name, String(value)]),
    ),
    body: body.text,
  };
}
