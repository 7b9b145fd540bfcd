/** What to log in with, in the order it is tried, and what of it was accepted. */

import { utils } from 'ssh2';
import type { AnyAuthMethod, AuthHandlerMiddleware, ParsedKey } from 'ssh2';
import type { Secret, Secrets, SshTarget } from '../steps/ports';
import { FACTORY_PASSWORD } from '../deployment/mask';
import { DeployError } from '../deployment/errors';

export interface Login {
  readonly user: string;
  readonly key?: ParsedKey;
  readonly passwords: readonly Secret[];
  /** For sudo where a key logged in. */
  readonly ownPassword?: Secret;
}

/** Resolves every secret anew: a worker may live long. */
export async function loginOf({ spec, adminPassword }: SshTarget, secrets: Secrets): Promise<Login> {
  const key = spec.key === undefined ? undefined : readKey((await secrets.resolve(spec.key)).reveal());
  const own = spec.password === undefined ? undefined : await secrets.resolve(spec.password);
  const factory = own === undefined && key === undefined ? { reveal: () => FACTORY_PASSWORD } : undefined;
  const admin = adminPassword === undefined ? undefined : await secrets.resolve(adminPassword);
  const passwords = [own ?? factory, admin].filter((password) => password !== undefined);
  return {
    user: spec.user,
    passwords,
    ...(key === undefined ? {} : { key }),
    ...(own === undefined ? {} : { ownPassword: own }),
  };
}

function readKey(text: string): ParsedKey {
  // A file may hold several, which the types do not say.
  const parsed = utils.parseKey(text) as ParsedKey | Error | readonly (ParsedKey | Error)[];
  const key = isList(parsed) ? parsed[0] : parsed;
  if (key instanceof Error || key === undefined) {
    // ssh2's own words may quote the file.
    const encrypted = key instanceof Error && /encrypted|passphrase/i.test(key.message);
    throw new DeployError(
      'SSH_AUTH',
      encrypted
        ? 'The private key in ssh.key has a passphrase; give one without.'
        : 'What is in ssh.key is not a private key.',
    );
  }
  if (!key.isPrivateKey()) throw new DeployError('SSH_AUTH', 'ssh.key holds a public key; the private one is needed.');
  return key;
}

function isList<T>(value: T | readonly T[]): value is readonly T[] {
  return Array.isArray(value);
}

/** One go at logging in. */
export class LoginAttempt {
  /** How many offers were made, the question what is offered aside. */
  tries = 0;
  /** What it wants beside the password, in its words: a new one, or a code from somewhere. */
  wants: string | undefined;
  private readonly offers: readonly Offer[];
  private current: Offer | undefined;
  private next = 0;

  constructor(private readonly login: Login) {
    const { user: username, key } = login;
    this.offers = [
      // Asks which methods there are; costs none of sshd's MaxAuthTries.
      { method: { type: 'none', username } },
      ...(key === undefined ? [] : [{ method: { type: 'publickey', username, key } as const }]),
      ...login.passwords.flatMap((password) =>
        passwordOffers(username, password, (question) => (this.wants ??= question)),
      ),
    ];
  }

  /** The password that was accepted, or the one to use for sudo. */
  get password(): Secret | undefined {
    return this.current?.password ?? this.login.ownPassword;
  }

  readonly handler: AuthHandlerMiddleware = (left, _partial, next) => {
    // The types do not know the `false` that ends it.
    const finish = next as (method: AnyAuthMethod | false) => void;
    if (this.wants !== undefined) return finish(false);
    do this.current = this.offers[this.next++];
    while (this.current !== undefined && this.next > 1 && !isOffered(this.current, left));
    if (this.next > 1 && this.current !== undefined) this.tries += 1;
    finish(this.current?.method ?? false);
  };
}

interface Offer {
  readonly method: AnyAuthMethod;
  readonly password?: Secret;
}

function isOffered({ method }: Offer, left: readonly string[] | null): boolean {
  return left === null || left.includes(method.type);
}

function passwordOffers(username: string, password: Secret, wants: (question: string) => void): Offer[] {
  let asked = false;
  return [
    { password, method: { type: 'password', username, password: password.reveal() } },
    {
      password,
      method: {
        type: 'keyboard-interactive',
        username,
        // What is echoed is not asked for a password, and what is asked after it is another one: a new one, where it has expired.
        prompt: (name, text, _language, prompts, finish) =>
          finish(
            prompts.map(({ prompt, echo }) => {
              if (echo === true) return '';
              if (asked) wants([name, text, prompt].join(' '));
              const answer = asked ? '' : password.reveal();
              asked = true;
              return answer;
            }),
          ),
      },
    },
  ];
}
