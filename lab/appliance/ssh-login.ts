/** ssh authentication: one account, with the login methods of the knobs. */

import { timingSafeEqual } from 'node:crypto';
import { utils } from 'ssh2';
import type { AuthContext, AuthenticationType, PublicKeyAuthContext } from 'ssh2';
import type { State } from './state';

export const USER = 'stackato';

export function login(context: AuthContext, state: State): void {
  const methods = [...state.knobs.auth] as AuthenticationType[];
  const decide = (good: boolean): void => {
    if (good && context.username === USER) context.accept();
    else context.reject(methods);
  };
  if (!(methods as string[]).includes(context.method)) return decide(false);
  if (context.method === 'password') return decide(isSame(context.password, state.password));
  if (context.method === 'publickey') return decide(isAuthorized(context, state.knobs.authorizedKey));
  if (context.method !== 'keyboard-interactive') return decide(false);
  context.prompt([{ prompt: 'Password: ', echo: false }], (answers) => {
    const right = isSame(answers[0] ?? '', state.password);
    // As PAM does. No answer is accepted.
    if (right && state.knobs.passwordExpired)
      context.prompt([{ prompt: 'Current password: ', echo: false }], EXPIRED, () => decide(false));
    else decide(right);
  });
}

const EXPIRED = 'You are required to change your password immediately (administrator enforced).';

function isSame(given: string, wanted: string): boolean {
  const [a, b] = [Buffer.from(given), Buffer.from(wanted)];
  return a.length === b.length && timingSafeEqual(a, b);
}

/** Without a signature the client only asks whether the key would be accepted. */
function isAuthorized({ key, signature, blob, hashAlgo }: PublicKeyAuthContext, authorized: string): boolean {
  const known = authorized === '' ? undefined : utils.parseKey(authorized);
  if (known === undefined || known instanceof Error || !known.getPublicSSH().equals(key.data)) return false;
  return signature === undefined || blob === undefined || known.verify(blob, signature, hashAlgo);
}
