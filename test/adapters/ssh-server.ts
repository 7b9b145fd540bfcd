/** An sshd of ssh2's on loopback, with what a test wants of it. */

import { execFileSync } from 'node:child_process';
import { connect, createServer } from 'node:net';
import { Server, utils } from 'ssh2';
import type { AuthContext, Connection, ServerChannel, ServerConfig } from 'ssh2';

export interface Behaviour {
  readonly methods?: readonly ('password' | 'keyboard-interactive' | 'publickey')[];
  readonly password?: string;
  /** Public key, OpenSSH format. */
  readonly authorized?: string;
  /** Cuts the connection at this offer, as sshd does after MaxAuthTries. */
  readonly cutAtOffer?: number;
  /** How many may be logging in at once, as sshd's MaxStartups; the others are told so, in these words, and cut off. */
  readonly maxStartups?: { readonly number: number; readonly words: string };
  /** Answers the first request to log in so much later, ms. */
  readonly loginDelay?: number;
  readonly config?: Partial<ServerConfig>;
  readonly onExec?: (command: string, channel: ServerChannel, connection: Connection) => void;
}

export interface TestServer {
  readonly port: number;
  readonly offers: string[];
  /** Most sessions that were open at once, and connections still there. */
  readonly most: () => number;
  readonly connections: () => number;
  /** How many were cut off for `maxStartups`. */
  readonly turnedAway: () => number;
  close(): Promise<void>;
}

export const ED25519 = utils.generateKeyPairSync('ed25519');
export const RSA = utils.generateKeyPairSync('rsa', { bits: 2048 });

export async function startServer(behaviour: Behaviour = {}): Promise<TestServer> {
  const { methods = ['password'], onExec, config } = behaviour;
  const offers: string[] = [];
  const open = new Set<Connection>();
  /** Ports of those that are logging in. */
  const startups = new Set<number>();
  let turnedAway = 0;
  let channels = 0;
  let most = 0;
  const ssh = new Server({ hostKeys: [ED25519.private, RSA.private], ...config }, (connection, { port: from }) => {
    open.add(connection);
    let delayed = behaviour.loginDelay ?? 0;
    connection.on('error', () => undefined);
    connection.on('close', () => open.delete(connection));
    connection.on('ready', () => startups.delete(from));
    connection.on('authentication', (context) => {
      if (context.method !== 'none') offers.push(context.method);
      if (offers.length === behaviour.cutAtOffer) return void connection.end();
      setTimeout(() => decide(context, behaviour, methods), delayed);
      delayed = 0;
    });
    connection.on('session', (accept) => {
      accept().on('exec', (acceptExec, _reject, { command }) => {
        const channel = acceptExec();
        most = Math.max(most, ++channels);
        channel.on('close', () => channels--);
        // A channel whose input nobody reads never closes.
        channel.resume();
        onExec?.(command, channel, connection);
      });
    });
    connection.on('tcpip', (accept, reject, { destPort }) => {
      const socket = connect(destPort, '127.0.0.1', () => {
        const channel = accept();
        channel.pipe(socket).pipe(channel);
        channel.on('error', () => socket.destroy());
      });
      socket.on('error', () => reject());
    });
  });
  const server = createServer((socket) => {
    const { number = Infinity, words = '' } = behaviour.maxStartups ?? {};
    const from = socket.remotePort ?? 0;
    socket.on('error', () => undefined);
    if (startups.size >= number) {
      turnedAway += 1;
      return void socket.end(words, () => socket.destroy());
    }
    startups.add(from);
    socket.on('close', () => startups.delete(from));
    ssh.injectSocket(socket);
  });
  const port = await new Promise<number>((resolve) => {
    server.listen(0, '127.0.0.1', () => resolve((server.address() as { port: number }).port));
  });
  return {
    port,
    offers,
    most: () => most,
    connections: () => open.size,
    turnedAway: () => turnedAway,
    close: () => new Promise((resolve) => {
      for (const connection of open) connection.end();
      server.close(() => resolve());
    }),
  };
}

function decide(context: AuthContext, { password = 'stackato', authorized }: Behaviour, methods: readonly string[]): void {
  const refuse = (): void => context.reject([...methods] as never);
  if (!methods.includes(context.method)) return refuse();
  if (context.method === 'password') return context.password === password ? context.accept() : refuse();
  if (context.method === 'keyboard-interactive') {
    return void context.prompt([{ prompt: 'Password: ', echo: false }], (answers) => (answers[0] === password ? context.accept() : refuse()));
  }
  if (context.method !== 'publickey' || authorized === undefined) return refuse();
  const key = utils.parseKey(authorized);
  if (key instanceof Error || !key.getPublicSSH().equals(context.key.data)) return refuse();
  // Without a signature it only asks whether the key would do.
  if (context.signature === undefined || context.blob === undefined) return context.accept();
  return key.verify(context.blob, context.signature, context.hashAlgo) ? context.accept() : refuse();
}

export function selfSigned(dir: string): { key: string; cert: string } {
  const [key, cert] = [`${dir}/tls.key`, `${dir}/tls.crt`];
  execFileSync('openssl', ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-subj', '/CN=x', '-days', '2', '-keyout', key, '-out', cert], { stdio: 'ignore' });
  return { key, cert };
}
