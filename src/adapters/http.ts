/** The console from outside, at the address we gave it, whatever this machine's resolver knows of the name yet. */

import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { isIP } from 'node:net';
import type { Http, HttpAnswer } from '../steps/ports';
import { DeployError } from '../deployment/errors';
import { OLD_TLS, readAnswer } from './http-answer';

const TIMEOUT_MS = 10_000;

export function createHttp(): Http {
  return { get };
}

/** Redirects are answers: they are not followed. */
async function get(url: string, ip: string): Promise<HttpAnswer> {
  const signal = AbortSignal.timeout(TIMEOUT_MS);
  try {
    return await ask(new URL(url), ip, signal);
  } catch (error) {
    const reason = signal.aborted ? `it took more than ${TIMEOUT_MS / 1000} s` : reasonOf(error);
    throw new DeployError('CONSOLE_NOT_UP', `${url} does not answer at ${ip}: ${reason}.`);
  }
}

function ask(url: URL, ip: string, signal: AbortSignal): Promise<HttpAnswer> {
  const { protocol, hostname, port, pathname, search, host } = url;
  const options = { host: ip, port, path: pathname + search, headers: { Host: host }, agent: false, signal } as const;
  // An address has no place in SNI.
  const tls = { ...OLD_TLS, servername: isIP(hostname) === 0 ? hostname : '' };
  return new Promise((resolve, reject) => {
    const request = protocol === 'https:' ? httpsRequest({ ...options, ...tls }) : httpRequest(options);
    request.on('response', (answer) => void readAnswer(answer).then(resolve, reject));
    request.on('error', reject);
    request.end();
  });
}

function reasonOf(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  return code ?? message;
}
