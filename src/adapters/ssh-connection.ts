/** One ssh connection, its host key checked, with or without a login; its errors in our codes. */

import type { Duplex } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { Client } from 'ssh2';
import type { Algorithms, ServerHostKeyAlgorithm } from 'ssh2';
import type { Secret, SshHost, SshTarget } from '../steps/ports';
import { fingerprintOf } from '../machine/host-keys';
import { isPasswordExpired } from '../machine/output';
import { DeployError } from '../deployment/errors';
import { LoginAttempt } from './ssh-login';
import type { Login } from './ssh-login';

export interface Connection {
  readonly client: Client;
  readonly password?: Secret;
}

/** Opens a stream to the host, through another machine. */
export type Route = () => Promise<Duplex>;

/** Milliseconds. Together they must fit into the 90 s of an attempt, a slow login twice where the boot id is read twice. */
export interface Timeouts {
  /** Until the machine accepts the connection: one that is down, or behind a firewall, never does. */
  readonly connect: number;
  /** From there until the login: sshd may first look up its client's name, which takes 24 s if three name servers are dead. */
  readonly login: number;
  /** How long to try again while sshd is busy with others. */
  readonly busy: number;
}

export const TIMEOUTS: Timeouts = { connect: 20_000, login: 30_000, busy: 8_000 };
const BUSY_PAUSE_MS = 400;
const KEEPALIVE = { keepaliveInterval: 10_000, keepaliveCountMax: 3 };

/** The appliance has OpenSSH 5.9 of 2011, or older: after today's algorithms, those that it knows. */
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

/** A machine has a host key of each kind, and the pinned one need not be of the preferred kind: then it must be asked for by kind. */
const HOST_KEY_KINDS: readonly (readonly ServerHostKeyAlgorithm[])[] = [
  ['ssh-ed25519'],
  ['ecdsa-sha2-nistp256', 'ecdsa-sha2-nistp384', 'ecdsa-sha2-nistp521'],
  ['rsa-sha2-512', 'rsa-sha2-256', 'ssh-rsa'],
  ['ssh-dss'],
];

/** @param route default: directly */
export async function connect(target: SshTarget, login: Login, timeouts: Timeouts, route?: Route): Promise<Connection> {
  return withAnyHostKey(target, (algorithms) =>
    retryWhileBusy(timeouts, () => logInOnce(target, login, { timeouts, algorithms, route })),
  );
}

/** The host key it presents. The key exchange proves that it is the host's own; nothing follows it. */
export async function exchangeKeys(host: SshHost, timeouts: Timeouts, route?: Route): Promise<string> {
  return withAnyHostKey(host, (algorithms) =>
    retryWhileBusy(timeouts, () => exchangeOnce(host, { timeouts, algorithms, route })),
  );
}

interface How {
  readonly timeouts: Timeouts;
  readonly algorithms: Algorithms;
  readonly route: Route | undefined;
}

/** The host presents the kind of key it prefers; if that one is not pinned, it is asked for each kind in turn. */
async function withAnyHostKey<T>({ hostKeys }: SshHost, work: (algorithms: Algorithms) => Promise<T>): Promise<T> {
  try {
    return await work(ALGORITHMS);
  } catch (error) {
    if (hostKeys === undefined || !isHostKeyError(error)) throw error;
    for (const serverHostKey of HOST_KEY_KINDS) {
      try {
        return await work({ ...ALGORITHMS, serverHostKey: [...serverHostKey] });
      } catch (other) {
        // Any other failure comes after the pinned key was presented, and is the one to report.
        if (!isHostKeyError(other) && !(other instanceof Unreachable && other.why === 'no common algorithm'))
          throw other;
      }
    }
    throw error;
  }
}

function isHostKeyError(error: unknown): error is DeployError {
  return error instanceof DeployError && error.code === 'SSH_HOST_KEY';
}

async function retryWhileBusy<T>(timeouts: Timeouts, work: () => Promise<T>): Promise<T> {
  const end = Date.now() + timeouts.busy;
  for (;;) {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof Unreachable) || error.why !== 'busy' || Date.now() >= end) throw error;
    }
    // At random, so that all who were turned away do not come back at the same time.
    await delay(BUSY_PAUSE_MS * (0.5 + Math.random()));
  }
}

function logInOnce(target: SshTarget, login: Login, how: How): Promise<Connection> {
  const attempt = new LoginAttempt(login);
  return connectOnce(target, attempt, how, (client, resolve, fail) => {
    client.once('ready', () => {
      const { password } = attempt;
      resolve({ client, ...(password === undefined ? {} : { password }) });
    });
    client.once('change password', (question) => {
      attempt.question ??= question;
      fail();
    });
  });
}

function exchangeOnce(host: SshHost, how: How): Promise<string> {
  return connectOnce(host, undefined, how, (client, resolve, _fail, presentedKey) => {
    client.once('handshake', () => {
      resolve(presentedKey());
      client.destroy();
    });
  });
}

/** @param onConnect listens to what happens from the key exchange on, and resolves or fails */
async function connectOnce<T>(
  target: SshHost,
  attempt: LoginAttempt | undefined,
  { timeouts, algorithms, route }: How,
  onConnect: (
    client: Client,
    resolve: (result: T) => void,
    fail: (error?: LoginError) => void,
    presentedKey: () => string,
  ) => void,
): Promise<T> {
  const { host, spec, hostKeys: pinned } = target;
  const stream = await route?.();
  const client = new Client();
  const timer = new LoginTimer(client, timeouts);
  let presentedKey = '';
  return new Promise((resolve, reject) => {
    const fail = (error?: LoginError): void => {
      timer.stop();
      client.destroy();
      if (presentedKey !== '' && pinned?.includes(presentedKey) === false)
        reject(changedKey(target, pinned, presentedKey));
      else reject(loginError(target, attempt, error, timer.connected && presentedKey === ''));
    };
    // Never removed: an error without a listener would end the process.
    client.on('error', fail);
    client.once('close', () => fail());
    onConnect(
      client,
      (result) => {
        timer.stop();
        resolve(result);
      },
      fail,
      () => presentedKey,
    );
    // Nagle's algorithm would delay each small packet until the one before is acknowledged (measured: 95 ms for an exec, 10 without).
    client.setNoDelay(true);
    client.connect({
      ...(stream === undefined ? { host, port: spec.port } : { sock: stream }),
      username: spec.user,
      authHandler: attempt?.handler ?? [],
      algorithms,
      readyTimeout: 0,
      ...KEEPALIVE,
      hostVerifier: (key: Buffer): boolean => {
        presentedKey = fingerprintOf(key);
        return pinned?.includes(presentedKey) !== false;
      },
    });
  });
}

type LoginError = Error & { readonly level?: string };

/** Makes the client fail when it has waited too long: first for the connection, then for the login. */
class LoginTimer {
  connected = false;
  private timer: NodeJS.Timeout;

  constructor(
    private readonly client: Client,
    { connect: connectTimeout, login }: Timeouts,
  ) {
    this.timer = this.failAfter(connectTimeout, 'no answer');
    client.once('connect', () => {
      this.connected = true;
      this.stop();
      this.timer = this.failAfter(login, 'the login takes too long');
    });
  }

  stop(): void {
    clearTimeout(this.timer);
  }

  private failAfter(ms: number, message: string): NodeJS.Timeout {
    return setTimeout(
      () =>
        this.client.emit('error', Object.assign(new Error(`${message} (${ms / 1000} s)`), { level: 'client-timeout' })),
      ms,
    );
  }
}

export class Unreachable extends DeployError {
  /** `busy`: sshd closed the connection before it sent anything. */
  constructor(
    host: SshHost,
    message: string,
    readonly why: 'busy' | 'no common algorithm' | 'other',
  ) {
    super('SSH_UNREACHABLE', `ssh to ${nameOf(host)}, port ${host.spec.port}, does not answer: ${message}.`);
  }
}

/** With the machine through which it is reached: two networks may use the same private addresses. */
function nameOf({ host, via }: SshHost): string {
  return via === undefined ? host : `${host} (through ${via.host})`;
}

function changedKey(host: SshHost, pinned: readonly string[], presented: string): DeployError {
  return new DeployError(
    'SSH_HOST_KEY',
    `${nameOf(host)} shows the host key ${presented}, pinned is ${pinned.join(' or ')}.`,
  );
}

/** A connection cut during login is a refusal if a password or key was offered before (sshd's MaxAuthTries); otherwise sshd is busy or not up yet. */
function loginError(
  target: SshHost,
  attempt: LoginAttempt | undefined,
  error: LoginError | undefined,
  cutBeforeKey: boolean,
): DeployError {
  const [host, { user }] = [nameOf(target), target.spec];
  if (attempt?.question !== undefined) return moreAsked(host, user, attempt.question);
  const timedOut = error?.level === 'client-timeout';
  const refused = error?.level === 'client-authentication' || (attempt !== undefined && attempt.tries > 0 && !timedOut);
  if (refused) return new DeployError('SSH_AUTH', `${host} does not let ${user} in with the password or key given.`);
  const { why, message } = connectionFailure(error, cutBeforeKey && !timedOut);
  return new Unreachable(target, message, why);
}

function moreAsked(host: string, user: string, question: string): DeployError {
  const quoted = `"${question.replace(/\s+/g, ' ').trim().slice(0, 200)}"`;
  if (!isPasswordExpired(question))
    return new DeployError('SSH_AUTH', `${host} asks ${user} for more than a password: ${quoted}.`);
  return new DeployError(
    'SSH_PASSWORD_EXPIRED',
    `The password of ${user} on ${host} has expired. It was accepted, and then the machine asked: ${quoted}.`,
  );
}

function connectionFailure(
  error: LoginError | undefined,
  cutBeforeKey: boolean,
): { readonly why: Unreachable['why']; readonly message: string } {
  if (error?.level === 'handshake') return { why: 'no common algorithm', message: error.message };
  // sshd does this when too many log in at once (MaxStartups), and so does a port forwarder whose machine is down.
  if (cutBeforeKey)
    return {
      why: 'busy',
      message: `the connection was closed before anything was said${error === undefined ? '' : ` (${error.message})`}`,
    };
  return { why: 'other', message: error?.message ?? 'the connection was closed during login' };
}
