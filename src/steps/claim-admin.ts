import { DeployError } from '../deployment/errors';
import { apiNameOf } from '../deployment/names';
import { RELEASES } from '../deployment/releases';
import type { FirstAdmin } from '../deployment/releases';
import type { AdminSpec, DeploymentSpec } from '../deployment/spec';
import { required } from './known';
import { withSession } from './machine/session';
import { onMachine, referenceText } from './planning';
import type { HttpAnswer, LocalHttpsRequest, RemoteSession } from './ports';
import { step } from './step';

/** On the appliance itself, whatever port is open to the outside. */
const HTTPS = 443;
const ALREADY_SET_UP = 101;

/** How a release creates its first administrator. */
interface Way {
  /** The body of the request. */
  body(admin: AdminSpec, password: string): Pick<LocalHttpsRequest, 'form' | 'json'>;
  /** For `plan`. */
  shown(admin: AdminSpec, password: string): string;
  /** Where GET tells whether there is an administrator. */
  asks(way: FirstAdmin): string;
  /** Undefined: the answer says neither. */
  isClaimed(answer: HttpAnswer): boolean | undefined;
  /** The refusal of the request says that there is one. */
  wasClaimed(answer: HttpAnswer): boolean;
}

const WAYS: Readonly<Record<FirstAdmin['by'], Way>> = {
  licence: {
    body: ({ email }, password) => ({ form: { email, password, unix_password: password } }),
    shown: ({ email }, password) => `email=${email}&password=${password}&unix_password=${password}`,
    asks: ({ path }) => path,
    // 403 with code 100: no licence yet.
    isClaimed: (answer) => (isGood(answer) ? true : answer.status === 403 ? false : undefined),
    wasClaimed: (answer) => codeIn(answer) === ALREADY_SET_UP,
  },
  firstuser: {
    body: (admin, password) => ({ json: firstUser(admin, password) }),
    shown: (admin, password) => JSON.stringify(firstUser(admin, password)),
    asks: (way) => ('claimed' in way ? way.claimed : way.path),
    // The console itself shows its set-up form by that field.
    isClaimed: (answer) => (isGood(answer) ? licenceAccepted(answer) : undefined),
    wasClaimed: ({ status, body }) => status === 400 && /already (been )?set ?up/i.test(body),
  },
};

/**
 * Creates the first administrator. Until there is one, anybody who reaches the API can become it, so it is created from inside the
 * machine, over ssh, before the console's ports are opened. The same call sets the unix password, if it is still the factory password.
 */
export const claimAdmin = step({
  id: 'claim-admin',
  plan: ({ spec }) => {
    const { admin } = spec;
    if (admin === undefined) return [];
    const { way, path } = wayOf(spec);
    return [
      onMachine(
        `POST https://127.0.0.1${path} ${way.shown(admin, referenceText(admin.password))}`,
        `through ssh, Host: ${apiNameOf(spec.dns.name)}, unless somebody has claimed it`,
      ),
    ];
  },
  activities: {
    // From here on the unix account may have the administrator's password, even if no reply ever says so.
    announceClaim: () => Promise.resolve({ changed: false, note: '', known: { claiming: true } }),
    claimAdmin: async (deps, input) => {
      const admin = required(input.spec.admin, 'administrator');
      const password = await deps.secrets.resolve(admin.password);
      const host = apiNameOf(input.spec.dns.name);
      const { way, path, asked } = wayOf(input.spec);
      return withSession(deps, input, async (session) => {
        if (await isClaimed(session, host, asked, way)) return { changed: false, note: 'claimed before', known: {} };
        const body = way.body(admin, password.reveal());
        const answer = await session.https({ port: HTTPS, host, method: 'POST', path, ...body });
        if (!isGood(answer) && !way.wasClaimed(answer)) refuse(answer);
        if (await isClaimed(session, host, asked, way)) return { changed: true, note: admin.email, known: {} };
        throw new DeployError(
          'ADMIN_REFUSED',
          `The appliance answered ${answer.status} and still has no administrator.`,
        );
      });
    },
  },
});

function wayOf({ release }: DeploymentSpec): { way: Way; path: string; asked: string } {
  const { value } = RELEASES[release].firstAdmin;
  const way = WAYS[value.by];
  return { way, path: value.path, asked: way.asks(value) };
}

async function isClaimed(session: RemoteSession, host: string, path: string, way: Way): Promise<boolean> {
  const answer = await session.https({ port: HTTPS, host, method: 'GET', path });
  const claimed = way.isClaimed(answer);
  if (claimed !== undefined) return claimed;
  throw new DeployError('CONSOLE_NOT_UP', `https://${host}${path} answers ${answer.status} on the machine itself.`);
}

/** As the console's own form sends it. */
function firstUser(
  { email, username, organization, space }: AdminSpec,
  password: string,
): Record<string, string | boolean> {
  return {
    username: username ?? email,
    email,
    password,
    org_name: organization ?? '',
    space_name: space ?? '',
    admin: true,
  };
}

function licenceAccepted({ body }: HttpAnswer): boolean {
  return /"license_accepted"\s*:\s*true/.test(body);
}

function isGood({ status }: HttpAnswer): boolean {
  return status >= 200 && status < 300;
}

function refuse(answer: HttpAnswer): never {
  const text = answer.body.slice(0, 300);
  // Codes from 102 on reject the e-mail address or the password; a bare 5xx means that the console is not up.
  if (codeIn(answer) === undefined && answer.status >= 500)
    throw new DeployError('CONSOLE_NOT_UP', `The console answers ${answer.status}.`);
  throw new DeployError('ADMIN_REFUSED', `The appliance answered ${answer.status}: ${text}`);
}

function codeIn({ body }: HttpAnswer): number | undefined {
  const match = /"code"\s*:\s*(\d+)/.exec(body);
  return match?.[1] === undefined ? undefined : Number(match[1]);
}
