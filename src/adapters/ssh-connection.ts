/** One connection, logged in, with its host key checked; errors in our own codes. */

import { createHash } from 'node:crypto';
import { Client } from 'ssh2';
import type { Algorithms, ServerHostKeyAlgorithm } from 'ssh2';
import type { Secret, SshTarget } from '../activities/ports';
import { DeployError } from '../spec/errors';
import { LoginAttempt } from './ssh-login';
import type { Login } from './ssh-login';

export interface Connection {
  readonly client: Client;
  readonly hostKey: string;
  readonly password?: Secret;
}

/** sshd may look its client's name up first, which takes long where DNS is not there yet. */
const READY_TIMEOUT_MS = 20_000;
const KEEPALIVE = { keepaliveInterval: 10_000, keepaliveCountMax: 3 };

/** The appliance has OpenSSH 5.9 of 2011, or older: behind what is good, what it knows. */
const ALGORITHMS: Algorithms = {
  kex: { append: ['diffie-hellman-group14-sha1', 'diffie-hellman-group-exchange-sha1', 'diffie-hellman-group1-sha1'], prepend: [], remove: [] },
  serverHostKey: { append: ['ssh-rsa', 'ssh-dss'], prepend: [], remove: [] },
  cipher: { append: ['aes128-cbc', 'aes192-cbc', 'aes256-cbc', '3des-cbc'], prepend: [], remove: [] },
  hmac: { append: ['hmac-sha1', 'hmac-md5'], prepend: [], remove: [] },
};

/** A machine has one key per kind, and a person pins the one that was printed: the server must be asked for that very kind. */
const KEY_KINDS: readonly (readonly ServerHostKeyAlgorithm[])[] = [
  ['ssh-ed25519'],
  ['ecdsa-sha2-nistp256', 'ecdsa-sha2-nistp384', 'ecdsa-sha2-nistp521'],
  ['rsa-sha2-512', 'rsa-sha2-256', 'ssh-rsa'],
  ['ssh-dss'],
];

export async function connect(target: SshTarget, login: Login): Promise<Connection> {
  try {
    return await connectOnce(target, login, ALGORITHMS);
  } catch (error) {
    if (!(error instanceof DeployError) || error.code !== 'SSH_HOST_KEY') throw error;
    return (await connectByOtherKey(target, login)) ?? Promise.reject(error);
  }
}

async function connectByOtherKey(target: SshTarget, login: Login): Promise<Connection | undefined> {
  for (const serverHostKey of KEY_KINDS) {
    try {
      return await connectOnce(target, login, { ...ALGORITHMS, serverHostKey: [...serverHostKey] });
    } catch (error) {
      // The pinned key was shown, and then something else went wrong: that is the news.
      if (error instanceof DeployError && error.code === 'SSH_AUTH') throw error;
    }
  }
  return undefined;
}

function connectOnce(target: SshTarget, login: Login, algorithms: Algorithms): Promise<Connection> {
  const { host, spec } = target;
  const pinned = target.hostKey ?? spec.hostKey;
  const attempt = new LoginAttempt(login);
  const client = new Client();
  let shown = '';
  return new Promise((resolve, reject) => {
    const fail = (error?: Error): void => {
      client.destroy();
      if (shown !== '' && pinned !== undefined && !sameKey(shown, pinned)) reject(changedKey(host, pinned, shown));
      else reject(loginError(target, attempt, error));
    };
    // Stays for good: an error that nobody listens for would end the process.
    client.on('error', fail);
    client.once('close', () => fail());
    client.once('ready', () => {
      const { password } = attempt;
      resolve({ client, hostKey: shown, ...(password === undefined ? {} : { password }) });
    });
    // Its small packets, one after the other, would each wait for the acknowledgement of the last (measured: 95 ms an exec, 10 without).
    client.setNoDelay(true);
    client.connect({
      host,
      port: spec.port,
      username: spec.user,
      authHandler: attempt.handler,
      algorithms,
      readyTimeout: READY_TIMEOUT_MS,
      ...KEEPALIVE,
      hostVerifier: (key: Buffer): boolean => {
        shown = fingerprintOf(key);
        return pinned === undefined || sameKey(shown, pinned);
      },
    });
  });
}

export function fingerprintOf(key: Buffer): string {
  return `SHA256:${createHash('sha256').update(key).digest('base64').replace(/=+$/, '')}`;
}

function sameKey(shown: string, pinned: string): boolean {
  return shown === pinned.trim().replace(/=+$/, '');
}

function changedKey(host: string, pinned: string, shown: string): DeployError {
  return new DeployError('SSH_HOST_KEY', `${host} shows the host key ${shown}, pinned is ${pinned}.`);
}

/** A connection cut while logging in is a refusal if something was offered before (sshd's MaxAuthTries), else sshd is busy or not up yet. */
function loginError({ host, spec }: SshTarget, attempt: LoginAttempt, error: (Error & { level?: string }) | undefined): DeployError {
  const refused = error?.level === 'client-authentication' || (attempt.tries > 0 && error?.level !== 'client-timeout');
  if (refused) return new DeployError('SSH_AUTH', `${host} does not let ${spec.user} in with the password or key given.`);
  const why = error?.message ?? 'the connection was closed while logging in';
  return new DeployError('SSH_UNREACHABLE', `ssh to ${host}, port ${spec.port}, does not answer: ${why}.`);
}
