/** The credentials to log in with, in the order they are tried, and which of them was accepted. */

import { utils } from 'ssh2';
import type { AnyAuthMethod, AuthHandlerMiddleware, ParsedKey } from 'ssh2';
import type { Secret, Secrets, SshTarget } from '../steps/ports';
import { DeployError } from '../deployment/errors';
import { FACTORY_PASSWORD } from '../deployment/mask';

export interface Login {
  readonly user: string;
  readonly key?: ParsedKey;
  readonly passwords: readonly Secret[];
  /** For sudo, if the key logged in. */
  readonly ownPassword?: Secret;
}

/** Secrets are resolved again each time, because they may change while the worker runs. */
export async function loginOf({ spec, adminPassword, orFactoryPassword }: SshTarget, secrets: Secrets): Promise<Login> {
  const key = spec.key === undefined ? undefined : readKey((await secrets.resolve(spec.key)).reveal());
  const own = spec.password === undefined ? undefined : await secrets.resolve(spec.password);
  const factory =
    (own === undefined && key === undefined) || orFactoryPassword === true
      ? { reveal: () => FACTORY_PASSWORD }
      : undefined;
  const admin = adminPassword === undefined ? undefined : await secrets.resolve(adminPassword);
  const passwords = [own, admin, factory].filter((password) => password !== undefined);
  return {
    user: spec.user,
    passwords,
    ...(key === undefined ? {} : { key }),
    ...(own === undefined ? {} : { ownPassword: own }),
  };
}

function readKey(text: string): ParsedKey {
  // A file may hold several keys, which the types do not say.
  const parsed: ParsedKey | Error | readonly (ParsedKey | Error)[] = utils.parseKey(text);
  const key = isList(parsed) ? parsed[0] : parsed;
  if (key instanceof Error || key === undefined) {
    // ssh2's own message may quote the file.
    const encrypted = key instanceof Error && /encrypted|passphrase/i.test(key.message);
    throw new DeployError(
      'SSH_AUTH',
      encrypted ? 'The private key in ssh.key has a passphrase; use one without.' : 'ssh.key is not a private key.',
    );
  }
  if (!key.isPrivateKey()) throw new DeployError('SSH_AUTH', 'ssh.key holds a public key; the private one is needed.');
  return key;
}

function isList<T>(value: T | readonly T[]): value is readonly T[] {
  return Array.isArray(value);
}

/** One attempt to log in. */
export class LoginAttempt {
  /** How many credentials were offered. */
  tries = 0;
  /** What the machine asked beyond the password: for a new one, or for a one-time code. */
  question: string | undefined;
  private readonly offers: readonly Offer[];
  private current: Offer | undefined;
  private next = 0;

  constructor(private readonly login: Login) {
    const { user: username, key } = login;
    this.offers = [
      // Asks which methods the server has, and does not count for sshd's MaxAuthTries.
      { method: { type: 'none', username } },
      ...(key === undefined ? [] : [{ method: { type: 'publickey', username, key } as const }]),
      ...login.passwords.flatMap((password) =>
        passwordOffers(username, password, (question) => (this.question ??= question)),
      ),
    ];
  }

  /** The password that was accepted, or the one to use for sudo. */
  get password(): Secret | undefined {
    return this.current?.password ?? this.login.ownPassword;
  }

  readonly handler: AuthHandlerMiddleware = (methodsLeft, _partial, next) => {
    // `false` ends the login, which the types do not say.
    const finish = next as (method: AnyAuthMethod | false) => void;
    if (this.question !== undefined) return finish(false);
    do this.current = this.offers[this.next++];
    while (this.current !== undefined && this.next > 1 && !isPossible(this.current, methodsLeft));
    if (this.next > 1 && this.current !== undefined) this.tries += 1;
    finish(this.current?.method ?? false);
  };
}

interface Offer {
  readonly method: AnyAuthMethod;
  readonly password?: Secret;
}

function isPossible({ method }: Offer, methodsLeft: readonly string[] | null): boolean {
  return methodsLeft === null || methodsLeft.includes(method.type);
}

function passwordOffers(username: string, password: Secret, onQuestion: (question: string) => void): Offer[] {
  let answered = false;
  return [
    { password, method: { type: 'password', username, password: password.reveal() } },
    {
      password,
      method: {
        type: 'keyboard-interactive',
        username,
        // A prompt that echoes does not ask for the password, and one after it asks for something else: a new password, if it has expired.
        prompt: (name, text, _language, prompts, finish) =>
          finish(
            prompts.map(({ prompt, echo }) => {
              if (echo === true) return '';
              if (answered) onQuestion([name, text, prompt].join(' '));
              const answer = answered ? '' : password.reveal();
              answered = true;
              return answer;
            }),
          ),
      },
    },
  ];
}
