import { DeployError } from '../deployment/errors';
import { apiNameOf } from '../deployment/names';
import { RELEASES } from '../deployment/releases';
import { required } from './known';
import { withSession } from './machine/session';
import { onMachine, referenceText } from './planning';
import type { HttpAnswer, RemoteSession } from './ports';
import { step } from './step';

/** On the appliance itself, whatever port is open to the outside. */
const HTTPS = 443;
const ALREADY_SET_UP = 101;

/**
 * Creates the first administrator. Until there is one, anybody who reaches the API can become it, so it is created from inside the
 * machine, over ssh, before the console's ports are opened. The same call sets the unix password, if it is still the factory password.
 */
export const claimAdmin = step({
  id: 'claim-admin',
  plan: ({ spec: { admin, dns, release } }) => {
    if (admin === undefined) return [];
    const password = referenceText(admin.password);
    const form = `email=${admin.email}&password=${password}&unix_password=${password}`;
    return [
      onMachine(
        `POST https://127.0.0.1${RELEASES[release].paths.firstAdmin} ${form}`,
        `through ssh, Host: ${apiNameOf(dns.name)}, unless somebody has claimed it`,
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
      const path = RELEASES[input.spec.release].paths.firstAdmin;
      return withSession(deps, input, async (session) => {
        if (await isClaimed(session, host, path)) return { changed: false, note: 'claimed before', known: {} };
        const form = { email: admin.email, password: password.reveal(), unix_password: password.reveal() };
        const answer = await session.https({ port: HTTPS, host, method: 'POST', path, form });
        if (!isGood(answer) && codeIn(answer) !== ALREADY_SET_UP) refuse(answer);
        if (await isClaimed(session, host, path)) return { changed: true, note: admin.email, known: {} };
        throw new DeployError(
          'ADMIN_REFUSED',
          `The appliance answered ${answer.status} and still has no administrator.`,
        );
      });
    },
  },
});

async function isClaimed(session: RemoteSession, host: string, path: string): Promise<boolean> {
  const answer = await session.https({ port: HTTPS, host, method: 'GET', path });
  if (isGood(answer)) return true;
  // 403 with code 100: no licence yet. Anything else: the console is not up.
  if (answer.status === 403) return false;
  throw new DeployError('CONSOLE_NOT_UP', `https://${host}${path} answers ${answer.status} on the machine itself.`);
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
