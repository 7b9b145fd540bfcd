/** The console, through the name we made: what the person who waits for it will see. */

import { DeployError } from '../deployment/errors';
import { authorityOf } from './zone/authority';
import type { Authority } from './zone/authority';
import type { Dependencies } from './dependencies';
import { insistOnOneInstance, required } from './launch';
import { addressesOf, randomLabel } from './zone/name-state';
import type { HttpAnswer } from './ports';
import type { StepInput, StepOutcome } from '../deployment/activities';

export async function verifyConsole(deps: Dependencies, input: StepInput): Promise<StepOutcome> {
  const { spec, known } = input;
  const { publicIp } = required(known.address, 'address');
  const { httpPort, httpsPort } = spec.console;
  const { name } = spec.dns;
  const authority = await authorityOf(deps, spec);
  for (const host of [name, `api.${name}`, `${randomLabel()}.${name}`])
    await insistOnName(deps, authority, host, publicIp);

  const consoleUrl = `http://${name}:${httpPort}/`;
  insistOnStatus(consoleUrl, await deps.http.get(consoleUrl, publicIp), (status) => status >= 200 && status < 400);
  const apiUrl = `https://api.${name}:${httpsPort}/info`;
  const api = await deps.http.get(apiUrl, publicIp);
  insistOnStatus(apiUrl, api, (status) => status === 200);
  // The router answers for hosts under the wildcard, if only that it knows no such application.
  const appUrl = `http://${randomLabel()}.${name}:${httpPort}/`;
  insistOnStatus(appUrl, await deps.http.get(appUrl, publicIp), (status) => status < 500);
  await insistOnOneInstance(deps, input);
  return {
    changed: false,
    note: `${versionIn(apiUrl, api)} at http://${name}${httpPort === 80 ? '' : `:${httpPort}`}/`,
    known: {},
  };
}

/**
 * By the authority, where it knows the target of our CNAME; else by this worker's own resolver. Where the key has a view of its own, this
 * is that view: the deployment's name was made in no other.
 */
async function insistOnName({ dns }: Dependencies, authority: Authority, host: string, ip: string): Promise<void> {
  const found = await addressesOf(authority, host);
  if (found.length > 0 ? found.includes(ip) : await dns.resolvesTo(host, ip)) return;
  throw new DeployError(
    'CONSOLE_NOT_UP',
    `${host} does not resolve to ${ip}${found.length > 0 ? ` but to ${found.join(', ')}` : ' yet'}.`,
  );
}

function insistOnStatus(url: string, { status }: HttpAnswer, good: (status: number) => boolean): void {
  if (!good(status)) throw new DeployError('CONSOLE_NOT_UP', `${url} answers ${status}.`);
}

function versionIn(url: string, { body }: HttpAnswer): string {
  const info = parsed(body);
  if (typeof info?.name !== 'string')
    throw new DeployError('CONSOLE_NOT_UP', `${url} does not answer like a Stackato.`);
  const version = info.vendor_version ?? info.version;
  return `${info.name} ${typeof version === 'string' || typeof version === 'number' ? version : ''}`.trim();
}

function parsed(body: string): { name?: unknown; version?: unknown; vendor_version?: unknown } | undefined {
  try {
    const value: unknown = JSON.parse(body);
    return typeof value === 'object' && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
}
