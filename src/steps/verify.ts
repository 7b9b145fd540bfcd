import type { StepInput, StepOutcome } from '../deployment/activities';
import { DeployError } from '../deployment/errors';
import { apiNameOf } from '../deployment/names';
import { RELEASES } from '../deployment/releases';
import { findOurs } from './cloud/instances';
import type { Dependencies } from './dependencies';
import { required } from './known';
import type { HttpAnswer } from './ports';
import { siteOf, step } from './step';
import { authorityOf } from './zone/authority';
import type { Authority } from './zone/authority';
import { addressesOf, randomLabel } from './zone/queries';

/** Requests the console through its new name, as a user will. */
export const verify = step({
  id: 'verify',
  plan: ({ spec }) => {
    const { page, info, app } = urlsOf(spec, '<made-up label>');
    return [page, info, app].map((url) => ({ where: 'console', what: `GET ${url}` }) as const);
  },
  activities: { verifyConsole },
});

async function verifyConsole(deps: Dependencies, { spec, node, known }: StepInput): Promise<StepOutcome> {
  const { publicIp } = required(known.address, 'address');
  const { httpPort } = spec.console;
  const { name: baseName } = spec.dns;
  const authority = await authorityOf(deps, spec);
  for (const host of [baseName, apiNameOf(baseName), `${randomLabel()}.${baseName}`])
    await assertResolves(deps, authority, host, publicIp);

  const { page, info, app } = urlsOf(spec, randomLabel());
  assertStatus(page, await deps.http.get(page, publicIp), (status) => status >= 200 && status < 400);
  const api = await deps.http.get(info, publicIp);
  assertStatus(info, api, (status) => status === 200);
  // The router answers for every host under the wildcard, even if only with an error about an unknown application.
  assertStatus(app, await deps.http.get(app, publicIp), (status) => status < 500);
  // A launch that was not answered may have created another instance late.
  await findOurs({ ...(await siteOf(deps, spec)), spec, node, known });
  return {
    changed: false,
    note: `${versionIn(info, api)} at http://${baseName}${httpPort === 80 ? '' : `:${httpPort}`}/`,
    known: {},
  };
}

function urlsOf(
  { dns: { name: baseName }, console: { httpPort, httpsPort }, release }: StepInput['spec'],
  label: string,
): { page: string; info: string; app: string } {
  return {
    page: `http://${baseName}:${httpPort}/`,
    info: `https://${apiNameOf(baseName)}:${httpsPort}${RELEASES[release].infoPath.value}`,
    app: `http://${label}.${baseName}:${httpPort}/`,
  };
}

/**
 * Asks the authority, if it knows the target of our CNAME, otherwise this worker's own resolver. If the key has a view of its own, that is
 * the view that is asked, because the name exists in no other.
 */
async function assertResolves({ dns }: Dependencies, authority: Authority, host: string, ip: string): Promise<void> {
  const found = await addressesOf(authority, host);
  if (found.length > 0 ? found.includes(ip) : await dns.resolvesTo(host, ip)) return;
  throw new DeployError(
    'CONSOLE_NOT_UP',
    `${host} does not resolve to ${ip}${found.length > 0 ? ` but to ${found.join(', ')}` : ' yet'}.`,
  );
}

function assertStatus(url: string, { status }: HttpAnswer, good: (status: number) => boolean): void {
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
