/** One connection with its host key checked, logged in or not; errors in our own codes. */

import { setTimeout as delay } from 'node:timers/promises';
import { Client } from 'ssh2';
import type { Algorithms, ServerHostKeyAlgorithm } from 'ssh2';
import type { Secret, SshTarget } from '../steps/ports';
import { fingerprintOf } from '../machine/host-keys';
import { isPasswordExpired } from '../machine/output';
import { DeployError } from '../deployment/errors';
import { LoginAttempt } from './ssh-login';
import type { Login } from './ssh-login';

export interface Connection {
  readonly client: Client;
  readonly password?: Secret;
}

/** Whom to connect to; without `hostKeys`, whoever answers. */
export type Host = Pick<SshTarget, 'host' | 'spec'> & Partial<Pick<SshTarget, 'hostKeys'>>;

/** Milliseconds. All of it has to fit into the 90 s of an attempt, a slow login twice where the boot id is read twice. */
export interface Patience {
  /** Until the machine takes the connection: what is down, or behind a closed port, never does. */
  readonly answer: number;
  /** From there until one is logged in: sshd may look its client's name up first, which takes 24 s if three name servers are dead. */
  readonly login: number;
  /** How long to come back to an sshd that is busy with others. */
  readonly busy: number;
}

const PATIENCE: Patience = { answer: 20_000, login: 30_000, busy: 8_000 };
const PAUSE_MS = 400;
const KEEPALIVE = { keepaliveInterval: 10_000, keepaliveCountMax: 3 };

/** The appliance has OpenSSH 5.9 of 2011, or older: behind what is good, what it knows. */
const ALGORITHMS: Algorithms = {
  kex: {
    append: ['diffie-hellman-group14-sha1', 'diffie-hellman-group-exchange-sha1', 'diffie-hellman-group1-sha1'],
    prepend: [],
    remove: [],
  },
  serverHostKey: { append: ['ssh-rsa', 'ssh-dss'], prepend: [], remove: [] },
  cipher: { append: ['aes128-cbc', 'aes192-cbc', 'aes256-cbc', '3des-cbc'], prepend: [], remove: [] },
  hmac: { append: ['hmac-sha1', 'hmac-md5'], prepend: [], remove: [] },
};

/** A machine has one key per kind, and the one that is pinned need not be of the first: the server must be asked for that very kind. */
const KEY_KINDS: readonly (readonly ServerHostKeyAlgorithm[])[] = [
  ['ssh-ed25519'],
  ['ecdsa-sha2-nistp256', 'ecdsa-sha2-nistp384', 'ecdsa-sha2-nistp521'],
  ['rsa-sha2-512', 'rsa-sha2-256', 'ssh-rsa'],
  ['ssh-dss'],
];

export async function connect(target: SshTarget, login: Login, patience = PATIENCE): Promise<Connection> {
  return byAnyKey(target, (algorithms) => inTurn(patience, () => logInOnce(target, login, patience, algorithms)));
}

/** The key it shows: the keys are exchanged, which proves that it is its own, and no more. */
export async function exchangeKeys(host: Host, patience = PATIENCE): Promise<string> {
  return byAnyKey(host, (algorithms) => inTurn(patience, () => exchangeOnce(host, patience, algorithms)));
}

async function byAnyKey<T>({ hostKeys }: Host, work: (algorithms: Algorithms) => Promise<T>): Promise<T> {
  try {
    return await work(ALGORITHMS);
  } catch (error) {
    if (hostKeys === undefined || !isAboutKeys(error)) throw error;
    const found = await byOtherKey(work);
    if (found === undefined) throw error;
    return found.result;
  }
}

async function byOtherKey<T>(
  work: (algorithms: Algorithms) => Promise<T>,
): Promise<{ readonly result: T } | undefined> {
  for (const serverHostKey of KEY_KINDS) {
    try {
      return { result: await work({ ...ALGORITHMS, serverHostKey: [...serverHostKey] }) };
    } catch (error) {
      // The pinned key was shown, and then something else went wrong, or it could not be asked for: that is the news.
      if (!isAboutKeys(error) && !(error instanceof Unreachable && error.why === 'no agreement')) throw error;
    }
  }
  return undefined;
}

function isAboutKeys(error: unknown): error is DeployError {
  return error instanceof DeployError && error.code === 'SSH_HOST_KEY';
}

async function inTurn<T>(patience: Patience, work: () => Promise<T>): Promise<T> {
  const end = Date.now() + patience.busy;
  for (;;) {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof Unreachable) || error.why !== 'turned away' || Date.now() >= end) throw error;
    }
    // Others were turned away as well: not all of them at the same time again.
    await delay(PAUSE_MS * (0.5 + Math.random()));
  }
}

function logInOnce(target: SshTarget, login: Login, patience: Patience, algorithms: Algorithms): Promise<Connection> {
  const attempt = new LoginAttempt(login);
  return connectOnce(target, attempt, patience, algorithms, (client, resolve, fail) => {
    client.once('ready', () => {
      const { password } = attempt;
      resolve({ client, ...(password === undefined ? {} : { password }) });
    });
    client.once('change password', (question) => {
      attempt.wants ??= question;
      fail();
    });
  });
}

function exchangeOnce(host: Host, patience: Patience, algorithms: Algorithms): Promise<string> {
  return connectOnce(host, undefined, patience, algorithms, (client, resolve, _fail, shown) => {
    client.once('handshake', () => {
      resolve(shown());
      client.destroy();
    });
  });
}

/** `then` says what it is done with, once the keys are exchanged. */
function connectOnce<T>(
  target: Host,
  attempt: LoginAttempt | undefined,
  patience: Patience,
  algorithms: Algorithms,
  then: (client: Client, resolve: (result: T) => void, fail: (error?: LoginError) => void, shown: () => string) => void,
): Promise<T> {
  const { host, spec, hostKeys: pinned } = target;
  const client = new Client();
  const clock = new Clock(client, patience);
  let shown = '';
  return new Promise((resolve, reject) => {
    const fail = (error?: LoginError): void => {
      clock.stop();
      client.destroy();
      if (shown !== '' && pinned?.includes(shown) === false) reject(changedKey(host, pinned, shown));
      else reject(loginError(target, attempt, error, clock.answered && shown === ''));
    };
    // Stays for good: an error that nobody listens for would end the process.
    client.on('error', fail);
    client.once('close', () => fail());
    then(
      client,
      (result) => {
        clock.stop();
        resolve(result);
      },
      fail,
      () => shown,
    );
    // Its small packets, one after the other, would each wait for the acknowledgement of the last (measured: 95 ms an exec, 10 without).
    client.setNoDelay(true);
    client.connect({
      host,
      port: spec.port,
      username: spec.user,
      authHandler: attempt?.handler ?? [],
      algorithms,
      readyTimeout: 0,
      ...KEEPALIVE,
      hostVerifier: (key: Buffer): boolean => {
        shown = fingerprintOf(key);
        return pinned?.includes(shown) !== false;
      },
    });
  });
}

type LoginError = Error & { readonly level?: string };

/** Lets the client fail when it has waited for long enough, which depends on whether anybody is there. */
class Clock {
  answered = false;
  private timer: NodeJS.Timeout;

  constructor(
    private readonly client: Client,
    { answer, login }: Patience,
  ) {
    this.timer = this.in(answer, 'nobody answers');
    client.once('connect', () => {
      this.answered = true;
      this.stop();
      this.timer = this.in(login, 'it takes too long to let us in');
    });
  }

  stop(): void {
    clearTimeout(this.timer);
  }

  private in(ms: number, what: string): NodeJS.Timeout {
    return setTimeout(
      () =>
        this.client.emit('error', Object.assign(new Error(`${what} (${ms / 1000} s)`), { level: 'client-timeout' })),
      ms,
    );
  }
}

class Unreachable extends DeployError {
  /** `turned away`: before anything was said. `no agreement`: on algorithms. */
  constructor(
    message: string,
    readonly why: 'turned away' | 'no agreement' | 'else',
  ) {
    super('SSH_UNREACHABLE', message);
  }
}

function changedKey(host: string, pinned: readonly string[], shown: string): DeployError {
  return new DeployError('SSH_HOST_KEY', `${host} shows the host key ${shown}, pinned is ${pinned.join(' or ')}.`);
}

/** A connection cut while logging in is a refusal if something was offered before (sshd's MaxAuthTries), else sshd is busy or not up yet. */
function loginError(
  { host, spec }: Host,
  attempt: LoginAttempt | undefined,
  error: LoginError | undefined,
  unheard: boolean,
): DeployError {
  if (attempt?.wants !== undefined) return wantsMore(host, spec.user, attempt.wants);
  const late = error?.level === 'client-timeout';
  const refused = error?.level === 'client-authentication' || (attempt !== undefined && attempt.tries > 0 && !late);
  if (refused)
    return new DeployError('SSH_AUTH', `${host} does not let ${spec.user} in with the password or key given.`);
  const { why, words } = whyNot(error, unheard && !late);
  return new Unreachable(`ssh to ${host}, port ${spec.port}, does not answer: ${words}.`, why);
}

function wantsMore(host: string, user: string, question: string): DeployError {
  const words = `"${question.replace(/\s+/g, ' ').trim().slice(0, 200)}"`;
  if (!isPasswordExpired(question))
    return new DeployError('SSH_AUTH', `${host} asks ${user} for more than a password: ${words}.`);
  return new DeployError(
    'SSH_PASSWORD_EXPIRED',
    `The password of ${user} on ${host} has expired. It was accepted, and then asked was: ${words}.`,
  );
}

function whyNot(
  error: LoginError | undefined,
  unheard: boolean,
): { readonly why: Unreachable['why']; readonly words: string } {
  if (error?.level === 'handshake') return { why: 'no agreement', words: error.message };
  // sshd hangs up like this when too many log in at once (MaxStartups), and so does whoever forwards the port of a machine that is down.
  if (unheard)
    return {
      why: 'turned away',
      words: `the connection was closed before anything was said${error === undefined ? '' : ` (${error.message})`}`,
    };
  return { why: 'else', words: error?.message ?? 'the connection was closed while logging in' };
}
